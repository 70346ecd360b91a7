package replay

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/monitor"
)

// during is maintenance between two whole numbers of seconds.
func during(from, to int) Maintenance {
	return Maintenance{From: epoch().Add(time.Duration(from) * time.Second), To: epoch().Add(time.Duration(to) * time.Second)}
}

func TestNoIncidentOpensWhileMaintenanceLasts(t *testing.T) {
	w := withWeb(t)
	w.run("home", "uuddduuddddddu") // down from 90 s to 180 s, and from 240 s to 420 s
	r := w.answer(w.whole(Change{Maintenance: []Maintenance{during(80, 200), during(230, 300)}}), nil)
	require.Equal(t, []string{Lost, Moved}, kinds(r))
	require.Equal(t, epoch().Add(300*time.Second), r.Incidents[1].Would.OpenedAt, "it is down still when the maintenance ends")
	require.Equal(t, "status 503", r.Incidents[1].Would.Cause)
	require.Nil(t, r.Incidents[1].Would.DetectionMS, "nobody was to be told before")
	require.Equal(t, r.Incidents[1].Happened.ResolvedAt, r.Incidents[1].Would.ResolvedAt)
	require.Equal(t, r.Happened.DownMS, r.Would.DownMS, "what was down was down")
	require.Equal(t, 4, r.Happened.Alerts)
	require.Equal(t, 2, r.Would.Alerts)
	require.True(t, r.Faithful)
}

func TestAnIncidentThatIsOpenWhenMaintenanceBeginsEndsAsItDid(t *testing.T) {
	w := withWeb(t)
	w.run("home", "uudddduu")
	r := w.answer(w.whole(Change{Maintenance: []Maintenance{during(100, 10_000)}}), nil)
	require.Equal(t, []string{Kept}, kinds(r))
}

func TestMaintenanceBeginsBySchedule(t *testing.T) {
	m := Maintenance{Cron: "30 2 * * *", TimeZone: "Europe/Vienna", Duration: monitor.Duration(time.Hour)}
	windows := m.windows(epoch(), epoch().Add(48*time.Hour))
	require.Equal(t, []window{
		{time.Date(2026, 3, 2, 1, 30, 0, 0, time.UTC), time.Date(2026, 3, 2, 2, 30, 0, 0, time.UTC)},
		{time.Date(2026, 3, 3, 1, 30, 0, 0, time.UTC), time.Date(2026, 3, 3, 2, 30, 0, 0, time.UTC)},
	}, windows)
	begun := m.windows(time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC), time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC))
	require.Len(t, begun, 1, "it had begun before")
	always := Maintenance{Cron: "* * * * *", Duration: monitor.Duration(time.Minute)}
	require.Len(t, always.windows(epoch(), epoch().Add(40*24*time.Hour)), 1, "what touches is one")
}

func TestWhatIsWrongWithMaintenanceIsSaidAtOnce(t *testing.T) {
	for text, cure := range map[string]string{
		`[{}]`: "needs from, and to after it",
		`[{"from":"2026-03-02T00:00:00Z","to":"2026-03-01T00:00:00Z"}]`:                             "needs from, and to after it",
		`[{"cron":"0 2 * *","duration":"1h"}]`:                                                      "use five",
		`[{"cron":"0 2 * * *"}]`:                                                                    "use 1m to 168h",
		`[{"cron":"0 2 * * *","duration":"1h","time_zone":"Nowhere"}]`:                              "time_zone",
		`[{"cron":"0 2 * * *","duration":"1h","to":"2026-03-01T00:00:00Z"}]`:                        "exclude each other",
		`[{"from":"2026-03-01T00:00:00Z","to":"2026-03-02T00:00:00Z","time_zone":"Europe/Vienna"}]`: "with cron only",
		`[{"from":"yesterday"}]`:                                                                    "is to be a list such as",
		`[{"begin":"2026-03-01"}]`:                                                                  "is to be a list such as",
		`{"from":"2026-03-01"}`:                                                                     "is to be a list such as",
	} {
		c, problems := ParseChange(map[string]json.RawMessage{"maintenance": json.RawMessage(text)})
		problems = append(problems, c.validate()...)
		require.NotEmpty(t, problems, text)
		require.Contains(t, problems[0].Field, "set.maintenance", text)
		require.Contains(t, problems[0].Message, cure, text)
	}
	_, problems := ParseChange(map[string]json.RawMessage{"depends_on": json.RawMessage(`["router"]`), "grace": json.RawMessage(`"1h"`)})
	require.Len(t, problems, 2)
	require.Contains(t, problems[0].Message, "do not depend on each other yet")
	require.Contains(t, problems[1].Message, "stale_after")
}

func TestSilenceIsJudgedByAnotherPatience(t *testing.T) {
	w := withWeb(t)
	w.run("home", "uu")
	w.pass(5 * time.Minute)
	w.run("home", "uu")
	r := w.answer(w.whole(Change{StaleAfter: ptr(monitor.Duration(10 * time.Minute))}), nil)
	require.Positive(t, r.Happened.UnknownMS-r.Would.UnknownMS)
	require.InDelta(t, (330*time.Second - 70*time.Second).Milliseconds(), r.Happened.UnknownMS-r.Would.UnknownMS, 1000)
	r = w.answer(w.whole(Change{StaleAfter: ptr(monitor.Duration(45 * time.Second))}), nil)
	require.InDelta(t, (25 * time.Second).Milliseconds(), r.Would.UnknownMS-r.Happened.UnknownMS, 1000)

	_, _, err := w.ask(w.whole(Change{StaleAfter: ptr(monitor.Duration(20 * time.Second))}), nil)
	require.ErrorContains(t, err, "before the next result has come")
}

// TestMaintenanceChangesIncidentsAlone asks random questions of random worlds: statuses stay as they were, no
// incident opens within maintenance, and whoever is down without an incident is under maintenance.
func TestMaintenanceChangesIncidentsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := randomWorld(t, false)
		q := randomQuestion(t, w)
		for range rapid.IntRange(1, 3).Draw(t, "spans") {
			from := rapid.IntRange(0, int(w.now.Sub(epoch())/time.Second)).Draw(t, "from")
			m := during(from, from+rapid.IntRange(1, 400).Draw(t, "length"))
			q.Change.Maintenance = append(q.Change.Maintenance, m)
		}
		require.Empty(t, q.Validate())
		report, _, err := w.ask(q, nil)
		if err != nil {
			t.Skip(err.Error())
		}
		plain := q
		plain.Change = Change{}
		without, _, err := w.ask(plain, nil)
		require.NoError(t, err)
		within := func(at time.Time) bool {
			for _, m := range q.Change.Maintenance {
				if !at.Before(m.From.Add(time.Second)) && at.Before(m.To) { // it opens when it is decided, a moment later
					return true
				}
			}
			return false
		}
		for i, c := range report.Checks {
			require.Equal(t, without.Checks[i].Timeline.Would, c.Timeline.Would)
		}
		for _, d := range report.Incidents {
			if d.Would != nil && !d.Would.Carried {
				require.False(t, within(d.Would.OpenedAt), "%+v", d.Would)
			}
		}
	})
}
