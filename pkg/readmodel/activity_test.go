package readmodel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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

func home() monitor.Check {
	return monitor.Check{Revision: 1, Definition: monitor.Definition{
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
			got := w.pulse().dayUptime(home(), epoch().Add(c.asked))
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

func TestAPageFitsAMessageHoweverLargeTheResults(t *testing.T) {
	a := newActivity()
	noise := make([]byte, 15<<10)
	source := rand.New(rand.NewPCG(1, 2))
	for i := range pageSize {
		for k := range noise {
			noise[k] = byte('a' + source.IntN(26))
		}
		r := monitor.Result{
			ID: fmt.Sprint(i), CheckID: fmt.Sprint("c", i), Location: "north", DueAt: epoch(), Outcome: failure, Error: string(noise[:5000]),
			Observed: map[string]any{"body": string(noise)}, Assertions: []monitor.AssertionResult{{Expression: string(noise[:5000])}},
		}
		a.Apply(monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{Sequence: uint64(i + 1)}})
	}
	changes := a.Dirty()
	require.Less(t, len(changes[len(changes)-1].Value), 1<<20)
	require.NotEmpty(t, a.byCheck["c0"].Last)
}

func TestPagesFillUpAndSilentChecksLeave(t *testing.T) {
	w := &told{}
	for i := range 2*pageSize + 1 {
		w.add(0, success, func(r *monitor.Result) { r.CheckID = fmt.Sprint("c", i) })
	}
	w.add(forgottenAfter+2*time.Hour, success, func(r *monitor.Result) { r.CheckID = "c7" })
	a, kept := newActivity(), shelf{}
	for _, m := range w.log[:len(w.log)-1] {
		a.Apply(m)
	}
	kept.write(a.Dirty())
	require.Len(t, kept, 3)
	a.Apply(w.log[len(w.log)-1])
	require.Len(t, a.byCheck, 1, "but for the one that is heard of")
	kept.write(a.Dirty())
	lines := 0
	for key, value := range kept {
		some, err := readPage(value)
		require.NoError(t, err, key)
		lines += len(some)
	}
	require.Equal(t, 1, lines)
	again := newActivity()
	require.NoError(t, again.Restore(kept.needed(again)))
	require.Len(t, again.byCheck, 1)
}

func TestDaysAndSpansGoRound(t *testing.T) {
	a, kept := newActivity(), shelf{}
	w := &told{}
	for day := range 250 {
		for hour := range 3 {
			w.add(time.Duration(day*24+hour)*time.Hour, success, func(r *monitor.Result) { r.NextDueAt = r.DueAt.Add(time.Hour) }, revisedBy(day))
		}
	}
	for _, m := range w.log {
		a.Apply(m)
		kept.write(a.Dirty())
	}
	days, spans := 0, 0
	for key := range kept {
		switch {
		case strings.HasPrefix(key, dayPrefix):
			days++
		case strings.HasPrefix(key, spanPrefix):
			spans++
		}
	}
	require.Equal(t, daySlots, days)
	require.Equal(t, spanSlots, spans)
	today, err := readToday(kept["today.home"])
	require.NoError(t, err)
	number := floorDiv(today.Days[0].At, spanDays) - 1
	past, err := readPast(kept[spanKey("home", number)], number)
	require.NoError(t, err)
	require.Len(t, past.Parts, spanDays)
	for _, d := range past.Parts {
		require.EqualValues(t, 3, d.Up)
	}
	none, err := readPast(kept[spanKey("home", number)], number+spanSlots)
	require.NoError(t, err)
	require.Nil(t, none, "the slot holds another one")
}

func revisedBy(n int) func(*monitor.Result) {
	return func(r *monitor.Result) { r.Revision = uint64(n) }
}

func TestSketchesAreAccurateAndMerge(t *testing.T) {
	source := rand.New(rand.NewPCG(7, 7))
	var all []float64
	merged := newLatencies()
	for range 24 {
		hour := newLatencies()
		for range 500 {
			ms := math.Exp(source.NormFloat64()*1.5 + 4)
			all = append(all, ms)
			hour.add(ms)
		}
		require.NoError(t, merged.merge(hour.bytes()))
	}
	slices.Sort(all)
	count, p50, p95, p99 := merged.quantiles()
	require.Equal(t, len(all), count)
	for q, got := range map[float64]float64{0.5: p50, 0.95: p95, 0.99: p99} {
		want := all[int(q*float64(len(all)-1))]
		require.InEpsilon(t, want, got, 1.01*sketchAccuracy, "p%g", 100*q)
	}
	require.Less(t, len(merged.bytes()), 2<<10)

	again := newLatencies()
	require.NoError(t, again.merge(merged.bytes()))
	require.Equal(t, merged.bytes(), again.bytes())
	require.Nil(t, newLatencies().bytes())
	require.Error(t, again.merge([]byte("nonsense")))
	again.add(math.NaN())
	again.add(-1)
	again.add(math.Inf(1))
	require.Equal(t, merged.bytes(), again.bytes())
}

func FuzzPage(f *testing.F) {
	a := newActivity()
	w := &told{}
	w.add(0, success)
	w.add(every, failure)
	for _, m := range w.log {
		a.Apply(m)
	}
	f.Add(a.Dirty()[0].Value)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		lines, err := readPage(raw)
		if err != nil {
			return
		}
		for _, line := range lines {
			p, err := readPulse(line)
			if err != nil {
				continue
			}
			_ = newLatencies().merge(p.Sketch)
			p.dayUptime(home(), epoch())
			p.latency()
		}
	})
}
