package scheduler

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/monitor"
)

func epoch() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func checkOf(id string, interval time.Duration, locations ...string) monitor.Check {
	d := monitor.Definition{ID: id, Service: "web", Kind: "http", Target: "http://x", Interval: monitor.Duration(interval), Locations: locations}
	return monitor.Check{Definition: d.WithDefaults(), Revision: 1, UpdatedAt: epoch().Add(-24 * time.Hour), Status: monitor.StatusUp}
}

// clockwork drives a plan tick by tick and keeps what it sends.
type clockwork struct {
	plan   *plan
	now    time.Time
	sent   map[string][]time.Time // by check and location
	per    map[int64]int          // by second of sending
	missed int
}

func newClockwork(now time.Time) *clockwork {
	p := newPlan(DefaultLead, 0)
	p.last = now
	return &clockwork{plan: p, now: now, sent: make(map[string][]time.Time), per: make(map[int64]int)}
}

func (c *clockwork) add(done time.Time, checks ...monitor.Check) {
	for _, check := range checks {
		c.missed += c.plan.set(check, c.now, done)
	}
}

func (c *clockwork) run(until time.Time, step time.Duration) {
	for ; !c.now.After(until); c.now = c.now.Add(step) {
		out, missed := c.plan.take(c.now)
		c.missed += missed
		for location, items := range out {
			for _, i := range items {
				c.sent[i.Check.ID+"@"+location] = append(c.sent[i.Check.ID+"@"+location], i.DueAt)
				c.per[c.now.Unix()]++
			}
		}
	}
}

func TestADayHasNoDriftNoSkipNoRepeat(t *testing.T) {
	c := newClockwork(epoch())
	checks := []monitor.Check{checkOf("a", 10*time.Second, "here", "there"), checkOf("b", 7*time.Second), checkOf("c", time.Hour)}
	c.add(epoch(), checks...)
	c.run(epoch().Add(24*time.Hour), tickEvery)
	require.Zero(t, c.missed)
	require.Equal(t, c.sent["a@here"], c.sent["a@there"])
	for _, check := range checks {
		timetable, err := monitor.NewTimetable(check.Definition)
		require.NoError(t, err)
		due := timetable.Next(epoch())
		for _, at := range c.sent[check.ID+"@"+check.Locations[0]] {
			require.Equal(t, due, at)
			due = timetable.Next(due)
		}
		require.True(t, due.After(epoch().Add(24*time.Hour)), "sent up to the end")
	}
}

func TestASuccessorSendsLateWhatIsStillCurrentAndNoHerd(t *testing.T) {
	const checks = 3000
	stopped := epoch().Add(-5 * time.Second)
	c := newClockwork(epoch())
	for i := range checks {
		c.add(stopped, checkOf(fmt.Sprint("check-", i), 30*time.Second))
	}
	c.run(epoch().Add(30*time.Second), tickEvery)
	require.Zero(t, c.missed)
	timetable, err := monitor.NewTimetable(checkOf("check-7", 30*time.Second).Definition)
	require.NoError(t, err)
	for due := timetable.Next(stopped); due.Before(epoch().Add(29 * time.Second)); due = timetable.Next(due) {
		require.Contains(t, c.sent["check-7@default"], due)
	}
	total := 0
	for i := range checks {
		sent := c.sent[fmt.Sprintf("check-%d@default", i)]
		require.NotEmpty(t, sent)
		total += len(sent)
	}
	require.InDelta(t, checks+checks*5/30, total, checks/20)
	for second, n := range c.per {
		require.Less(t, n, checks/30+DefaultCatchUp+60, "second %d", second)
	}
}

func TestAfterADayDownEachCheckRunsOnceForAllItMissed(t *testing.T) {
	c := newClockwork(epoch())
	c.add(epoch().Add(-23*time.Hour), checkOf("slow", 2*time.Hour), checkOf("fast", time.Minute))
	c.run(epoch().Add(5*time.Second), tickEvery)
	timetable, err := monitor.NewTimetable(checkOf("slow", 2*time.Hour).Definition)
	require.NoError(t, err)
	require.Equal(t, []time.Time{timetable.Previous(epoch())}, c.sent["slow@default"])
	require.InDelta(t, 11+23*60, c.missed, 3)
}

func TestAStallIsMadeUpForOnce(t *testing.T) {
	c := newClockwork(epoch())
	c.add(epoch(), checkOf("a", time.Minute))
	c.run(epoch().Add(time.Minute), tickEvery)
	c.now = c.now.Add(10 * time.Minute)
	before := len(c.sent["a@default"])
	resumed := c.now
	c.run(c.now.Add(time.Second), tickEvery)
	sent := c.sent["a@default"][before:]
	timetable, err := monitor.NewTimetable(checkOf("a", time.Minute).Definition)
	require.NoError(t, err)
	require.Equal(t, timetable.Previous(resumed), sent[0])
	require.InDelta(t, 9, c.missed, 1)
}

func TestAClockSetBackDoesNotStopTheTimetable(t *testing.T) {
	c := newClockwork(epoch())
	c.add(epoch(), checkOf("a", 10*time.Second))
	c.run(epoch().Add(time.Minute), tickEvery)
	c.now = epoch().Add(-time.Hour)
	before := len(c.sent["a@default"])
	c.run(c.now.Add(time.Minute), tickEvery)
	require.InDelta(t, 6, len(c.sent["a@default"])-before, 1)
}

func TestChangesReplan(t *testing.T) {
	c := newClockwork(epoch())
	check := checkOf("a", 10*time.Second)
	c.add(epoch(), check)
	c.run(epoch().Add(time.Minute), tickEvery)
	n := len(c.sent["a@default"])
	check.Status = monitor.StatusDown
	c.add(c.now, check)
	require.Len(t, c.plan.order, 1)
	check.Revision, check.Paused = 2, true
	c.add(c.now, check)
	c.run(c.now.Add(time.Minute), tickEvery)
	require.Len(t, c.sent["a@default"], n)
	check.Revision, check.Paused, check.Pending, check.UpdatedAt = 3, false, true, c.now
	c.add(c.now, check)
	c.run(c.now.Add(time.Minute), tickEvery)
	require.InDelta(t, n+6, len(c.sent["a@default"]), 1)
	c.plan.remove("a")
	require.Empty(t, c.plan.order)
	require.Zero(t, c.plan.rate)
}

func TestANewCheckWithALongIntervalDoesNotWaitForIt(t *testing.T) {
	c := newClockwork(epoch())
	check := checkOf("a", time.Hour)
	check.Pending, check.UpdatedAt = true, epoch().Add(-100*time.Millisecond)
	c.add(epoch(), check)
	c.run(epoch().Add(time.Second), tickEvery)
	timetable, err := monitor.NewTimetable(check.Definition)
	require.NoError(t, err)
	require.Greater(t, timetable.Next(epoch()).Sub(epoch()), soon)
	require.Equal(t, []time.Time{timetable.Previous(epoch())}, c.sent["a@default"])
}

func TestWhateverHappensNoDueTimeIsSentTwiceOutOfOrderOrUnplanned(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := newClockwork(epoch())
		c.plan.catchUp = rapid.SampledFrom([]int{0, 1}).Draw(r, "catch-up")
		checks := []monitor.Check{checkOf("a", 3*time.Second), checkOf("b", 11*time.Second), checkOf("c", 2*time.Minute)}
		c.add(epoch().Add(-time.Duration(rapid.IntRange(0, 600).Draw(r, "down"))*time.Second), checks...)
		for range rapid.IntRange(1, 20).Draw(r, "steps") {
			switch rapid.IntRange(0, 3).Draw(r, "action") {
			case 0:
				c.now = c.now.Add(time.Duration(rapid.IntRange(1, 90).Draw(r, "stall")) * time.Second)
			case 1:
				i := rapid.IntRange(0, 2).Draw(r, "check")
				checks[i].Revision++
				checks[i].Paused = !checks[i].Paused
				checks[i].UpdatedAt = c.now
				c.add(c.now, checks[i])
			default:
				c.run(c.now.Add(time.Duration(rapid.IntRange(1, 30).Draw(r, "seconds"))*time.Second), tickEvery)
			}
		}
		for _, check := range checks {
			timetable, err := monitor.NewTimetable(check.Definition)
			require.NoError(r, err)
			var last time.Time
			for _, due := range c.sent[check.ID+"@default"] {
				require.True(r, due.After(last), "%s after %s", due, last)
				require.Equal(r, due, timetable.Previous(due), "phase-locked")
				last = due
			}
		}
	})
}

func BenchmarkTick10000Checks(b *testing.B) {
	c := newClockwork(epoch())
	for i := range 10000 {
		c.add(epoch(), checkOf(fmt.Sprint("check-", i), 30*time.Second))
	}
	b.ResetTimer()
	for b.Loop() {
		c.now = c.now.Add(tickEvery)
		c.plan.take(c.now)
	}
}
