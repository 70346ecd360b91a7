package readmodel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

// told is a log of results being written.
type told struct {
	sequence uint64
	log      []monitor.EventMessage
}

const every = 30 * time.Second

// add adds a scheduled result of check home, every 30 seconds, due so long after the epoch.
func (w *told) add(after time.Duration, outcome monitor.Outcome, changes ...func(*monitor.Result)) {
	due := epoch().Add(after)
	r := monitor.Result{
		CheckID: "home", Service: "web", Revision: 1, Location: "north", DueAt: due, StartedAt: due, NextDueAt: due.Add(every),
		DurationMS: 20, Outcome: outcome, Trigger: monitor.TriggerSchedule,
	}
	for _, change := range changes {
		change(&r)
	}
	w.sequence++
	r.ID = monitor.Execution{Check: monitor.Definition{ID: r.CheckID}, Revision: r.Revision, DueAt: r.DueAt, Location: r.Location}.ID()
	w.log = append(w.log, monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{Sequence: w.sequence, StoredAt: r.StartedAt.Add(time.Second)}})
}

func at(location string) func(*monitor.Result) {
	return func(r *monitor.Result) { r.Location = location }
}

func revised(r *monitor.Result) { r.Revision = 2 }

func manual(r *monitor.Result) { r.Trigger, r.NextDueAt = monitor.TriggerManual, time.Time{} }

func (w *told) pulse() *pulse {
	a := newActivity()
	for _, m := range w.log {
		a.Apply(m)
	}
	return a.byCheck["home"]
}

func home() *monitor.Check {
	return &monitor.Check{Revision: 1, Definition: monitor.Definition{
		ID: "home", Locations: []string{"north", "south"}, Interval: monitor.Duration(every), Timeout: monitor.Duration(10 * time.Second),
	}}
}

const (
	success  = monitor.OutcomeSuccess
	failure  = monitor.OutcomeFailure
	degraded = monitor.OutcomeDegraded
	broken   = monitor.OutcomeError
)

func TestUptimeAndCoverage(t *testing.T) {
	for name, c := range map[string]struct {
		given  func(w *told)
		asked  time.Duration
		want   Uptime
		ratio  float64
		recent string
	}{
		"all ran": {
			given: func(w *told) {
				for i := range 4 {
					w.add(time.Duration(i)*every, success)
				}
			},
			asked: 4 * every, want: Uptime{Expected: 4, Up: 4, Coverage: 1}, ratio: 1, recent: "UUUU",
		},
		"some failed, some were slow": {
			given: func(w *told) {
				w.add(0, success)
				w.add(every, failure)
				w.add(2*every, degraded)
				w.add(3*every, failure)
			},
			asked: 4 * every, want: Uptime{Expected: 4, Up: 1, Degraded: 1, Down: 2, Coverage: 1}, ratio: 0.5, recent: "UDGD",
		},
		"what could not run is neither up nor down": {
			given: func(w *told) {
				w.add(0, success)
				w.add(every, broken)
			},
			asked: 2 * every, want: Uptime{Expected: 2, Up: 1, Errors: 1, Coverage: 0.5}, ratio: 1, recent: "UE",
		},
		"nothing but errors is no data": {
			given: func(w *told) { w.add(0, broken) },
			asked: every, want: Uptime{Expected: 1, Errors: 1}, ratio: -1, recent: "E",
		},
		"what was missed lowers coverage only": {
			given: func(w *told) {
				w.add(0, success)
				w.add(4*every, success)
			},
			asked: 5 * every, want: Uptime{Expected: 5, Up: 2, Coverage: 0.4}, ratio: 1, recent: "U---U",
		},
		"what is being missed now counts too": {
			given: func(w *told) { w.add(0, success) },
			asked: 4*every + 15*time.Second, want: Uptime{Expected: 5, Up: 1, Coverage: 0.2}, ratio: 1, recent: "U",
		},
		"one that is on its way is not missed": {
			given: func(w *told) { w.add(0, success) },
			asked: every + 9*time.Second, want: Uptime{Expected: 1, Up: 1, Coverage: 1}, ratio: 1, recent: "U",
		},
		"a late one changes nothing but its count": {
			given: func(w *told) {
				w.add(0, success)
				w.add(2*every, success)
				w.add(every, failure)
			},
			asked: 3 * every, want: Uptime{Expected: 3, Up: 2, Late: 1, Coverage: 2.0 / 3}, ratio: 1, recent: "U-U",
		},
		"a repeat changes nothing": {
			given: func(w *told) {
				w.add(0, success)
				w.add(every, failure)
				w.add(every, failure)
			},
			asked: 2 * every, want: Uptime{Expected: 2, Up: 1, Down: 1, Coverage: 1}, ratio: 0.5, recent: "UD",
		},
		"run now is on the bar and in no count": {
			given: func(w *told) {
				w.add(0, success)
				w.add(every, success)
				w.add(every+10*time.Second, failure, manual)
				w.add(2*every, success)
			},
			asked: 3 * every, want: Uptime{Expected: 3, Up: 3, Coverage: 1}, ratio: 1, recent: "UUDU",
		},
		"after run now the gap is still known": {
			given: func(w *told) {
				w.add(0, success)
				w.add(every-time.Second, failure, manual)
				w.add(3*every, success)
			},
			asked: 4 * every, want: Uptime{Expected: 4, Up: 2, Coverage: 0.5}, ratio: 1, recent: "UD--U",
		},
		"a change begins anew": {
			given: func(w *told) {
				w.add(0, success)
				w.add(20*every, success, revised)
			},
			asked: 21 * every, want: Uptime{Expected: 2, Up: 2, Coverage: 1}, ratio: 1, recent: "UU",
		},
		"a change begins anew at each location": {
			given: func(w *told) {
				w.add(0, success)
				w.add(0, success, at("south"))
				w.add(20*every, success, revised)
				w.add(20*every, success, revised, at("south"))
			},
			asked: 21 * every, want: Uptime{Expected: 4, Up: 4, Coverage: 1}, ratio: 1, recent: "UUUU",
		},
		"each location has executions of its own": {
			given: func(w *told) {
				w.add(0, success)
				w.add(0, failure, at("south"))
				w.add(every, success)
				w.add(2*every, success)
				w.add(2*every, failure, at("south"))
			},
			asked: 3 * every, want: Uptime{Expected: 6, Up: 3, Down: 2, Coverage: 5.0 / 6}, ratio: 0.6, recent: "UDUU-D",
		},
		"what is older than a day is out": {
			given: func(w *told) {
				w.add(0, failure)
				w.add(26*time.Hour, success, revised)
			},
			asked: 26*time.Hour + every, want: Uptime{Expected: 1, Up: 1, Coverage: 1}, ratio: 1, recent: "DU",
		},
		"of a long gap only the last day counts": {
			given: func(w *told) {
				w.add(0, success)
				w.add(240*time.Hour, success)
			},
			asked: 240*time.Hour + every, want: Uptime{Expected: 24*120 + 1, Up: 1, Coverage: 1.0 / (24*120 + 1)}, ratio: 1,
			recent: strings.Repeat("-", RecentLength-1) + "U",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &told{}
			c.given(w)
			got := w.pulse().dayUptime(home(), epoch().Add(c.asked), sight{})
			if c.ratio >= 0 {
				require.NotNil(t, got.Ratio)
				require.InDelta(t, c.ratio, *got.Ratio, 1e-9)
			} else {
				require.Nil(t, got.Ratio)
			}
			require.InDelta(t, c.want.Coverage, got.Coverage, 1e-9)
			got.Ratio, got.Coverage, c.want.Coverage = nil, 0, 0
			require.Equal(t, c.want, got)
			require.Equal(t, c.recent, w.pulse().Recent)
		})
	}
}

func TestNothingIsExpectedOfAPausedOrChangedCheck(t *testing.T) {
	w := &told{}
	w.add(0, success)
	later := epoch().Add(time.Hour)
	paused, changed, moved := home(), home(), home()
	paused.Paused, changed.Revision, moved.Locations = true, 2, []string{"south"}
	require.NotZero(t, w.pulse().missing(home(), later))
	require.Zero(t, w.pulse().missing(paused, later))
	require.Zero(t, w.pulse().missing(changed, later))
	require.Zero(t, w.pulse().missing(moved, later))
}

func TestMissedExecutionsAreCountedInTheHourInWhichTheyWereDue(t *testing.T) {
	w := &told{}
	w.add(30*time.Minute, success)
	w.add(3*time.Hour, success)
	hours := w.pulse().Hours
	first := hourOf(epoch())
	require.Equal(t, []tally{
		{At: first, Up: 1, Missed: 59}, {At: first + 1, Missed: 120}, {At: first + 2, Missed: 120}, {At: first + 3, Up: 1},
	}, hours)
	a := newActivity()
	for _, m := range w.log {
		a.Apply(m)
	}
	kept := shelf{}
	kept.write(a.Dirty())
	require.Contains(t, string(kept["day.home."+fmt.Sprint(slot(dayOf(first), daySlots))]), `"m":120`, "as they are stored for good")
}

func TestTheMissedOfAnotherLocationAreCountedNow(t *testing.T) {
	w := &told{}
	w.add(0, success, at("south"))
	for i := range 241 {
		w.add(time.Duration(i)*every, success)
	}
	w.add(240*every, success, at("south"))
	var missed, up uint32
	for _, h := range w.pulse().Hours {
		missed, up = missed+h.Missed, up+h.Up
	}
	require.EqualValues(t, 239, missed)
	require.EqualValues(t, 243, up)
}

func TestIrregularTimesMissAtLeastOne(t *testing.T) {
	due, next := epoch(), epoch().Add(72*time.Hour) // Friday, Monday
	last := locationPulse{Due: due, Next: next, Slot: 72 * time.Hour}
	require.EqualValues(t, 1, missed(last, next.Add(24*time.Hour)))
	require.EqualValues(t, 0, missed(last, next))
	require.EqualValues(t, 0, missed(locationPulse{Due: due}, next))
	require.EqualValues(t, 0, missed(last, next.Add(forgottenAfter+time.Second)), "it was away")
}
