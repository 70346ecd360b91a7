package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func interval(t *testing.T, id string, every time.Duration) Timetable {
	t.Helper()
	table, err := NewTimetable(Definition{ID: id, Interval: Duration(every), Timeout: Duration(time.Second)})
	require.NoError(t, err)
	return table
}

func TestDueTimesAreLockedToTheirPhase(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		every := time.Duration(rapid.Int64Range(1, 86_400).Draw(r, "seconds")) * time.Second
		id := rapid.StringMatching(`[a-z]{1,8}`).Draw(r, "id")
		table, err := NewTimetable(Definition{ID: id, Interval: Duration(every)})
		require.NoError(r, err)
		at := time.Unix(0, rapid.Int64Range(0, 4e18).Draw(r, "at"))
		next, previous := table.Next(at), table.Previous(at)
		require.True(r, next.After(at))
		require.False(r, previous.After(at))
		require.Equal(r, every, next.Sub(previous))
		require.Equal(r, next, table.Next(next.Add(-1)), "whoever asks, whenever, finds the same time")
		require.Equal(r, next.Add(every), table.Next(next))
	})
}

func TestSplaySpreadsEvenly(t *testing.T) {
	const checks, slots = 10_000, 30
	var counts [slots]int
	for i := range checks {
		counts[int(Splay(fmt.Sprintf("check-%d", i), slots*time.Second)/time.Second)]++
	}
	for slot, n := range counts {
		require.InDelta(t, checks/slots, n, checks/slots*0.25, "slot %d", slot)
	}
}

func TestCron(t *testing.T) {
	vienna := "Europe/Vienna"
	for _, tc := range []struct{ expression, zone, after, want string }{
		{"* * * * *", "UTC", "2026-03-01T12:00:30Z", "2026-03-01T12:01:00Z"},
		{"*/15 * * * *", "UTC", "2026-03-01T12:00:00Z", "2026-03-01T12:15:00Z"},
		{"0 9 * * mon-fri", "UTC", "2026-03-06T10:00:00Z", "2026-03-09T09:00:00Z"},
		{"0 9 * * 7", "UTC", "2026-03-06T10:00:00Z", "2026-03-08T09:00:00Z"},
		{"30 4 1,15 * 5", "UTC", "2026-03-01T05:00:00Z", "2026-03-06T04:30:00Z"},
		{"0 0 29 feb *", "UTC", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"5/20 8-10 * * *", "UTC", "2026-03-01T08:45:00Z", "2026-03-01T09:05:00Z"},
		{"0 8 * * *", vienna, "2026-01-10T08:00:00Z", "2026-01-11T07:00:00Z"},
		{"0 8 * * *", vienna, "2026-07-10T08:00:00Z", "2026-07-11T06:00:00Z"},
		// 02:30 does not exist on 29 March and comes twice on 25 October.
		{"30 2 * * *", vienna, "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z"},
		{"30 2 * * *", vienna, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{"30 2 * * *", vienna, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"*/30 * * * *", vienna, "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"},
		{"*/30 * * * *", vienna, "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"},
	} {
		table, err := NewTimetable(Definition{Cron: tc.expression, TimeZone: tc.zone})
		require.NoError(t, err, tc.expression)
		from, err := time.Parse(time.RFC3339, tc.after)
		require.NoError(t, err)
		next := table.Next(from)
		require.Equal(t, tc.want, next.Format(time.RFC3339), "%s in %s", tc.expression, tc.zone)
		require.Equal(t, next, table.Previous(next))
		require.Equal(t, next, table.Previous(next.Add(59*time.Second)))
	}
}

func TestCronIsReadStrictly(t *testing.T) {
	for _, text := range []string{"", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "5-1 * * * *", "*/0 * * * *", "a * * * *", "1,,2 * * * *", "* * * foo *", "*/-1 * * * *"} {
		_, err := parseCron(text)
		require.Error(t, err, text)
	}
}

func TestStaleAfterTwoIntervalsAndATimeout(t *testing.T) {
	table := interval(t, "home", 30*time.Second)
	require.Equal(t, after(61*time.Second), table.StaleAt(epoch()))
	daily, err := NewTimetable(Definition{Cron: "0 0 * * *", TimeZone: "UTC", Timeout: Duration(time.Second)})
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 3, 3, 0, 0, 1, 0, time.UTC), daily.StaleAt(epoch()))
}

func FuzzCron(f *testing.F) {
	for _, seed := range []string{"* * * * *", "*/5 0-6 1,15 jan sun", "0 0 29 2 *", "59 23 31 12 7"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCron(text)
		if err != nil {
			return
		}
		from := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		if next := c.next(from); !next.After(from) {
			t.Fatalf("%q: next of %s is %s", text, from, next)
		}
	})
}
