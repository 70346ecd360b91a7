package readmodel

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

func epoch() time.Time { return time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC) }

// shelf is a bucket in the test's hands.
type shelf map[string][]byte

func (s shelf) write(changes []Change) {
	for _, c := range changes {
		if c.Value == nil {
			delete(s, c.Key)
		} else {
			s[c.Key] = slices.Clone(c.Value)
		}
	}
}

func (s shelf) needed(p Projection) []bus.Entry {
	var entries []bus.Entry
	for _, pattern := range p.Needs() {
		prefix, _, _ := strings.Cut(pattern, "*")
		for _, key := range slices.Sorted(maps.Keys(s)) {
			if strings.HasPrefix(key, prefix) {
				entries = append(entries, bus.Entry{Key: key, Value: slices.Clone(s[key])})
			}
		}
	}
	return entries
}

func fresh(name string) Projection {
	for _, p := range Projections() {
		if p.Name() == name {
			return p
		}
	}
	panic(name)
}

// once is what a projection makes of a log in one go.
func once(name string, log []monitor.EventMessage) shelf {
	return onceBy(func() Projection { return fresh(name) }, log)
}

func onceBy(fresh func() Projection, log []monitor.EventMessage) shelf {
	p, s := fresh(), shelf{}
	for _, m := range log {
		p.Apply(m)
	}
	s.write(p.Dirty())
	return s
}

// anyEvents draws events in any order, sensible or not.
func anyEvents(t *rapid.T) []monitor.EventMessage {
	id := rapid.SampledFrom([]string{"a", "b", "c"})
	status := rapid.SampledFrom(monitor.Statuses())
	log := make([]monitor.EventMessage, rapid.IntRange(0, 60).Draw(t, "events"))
	at := epoch()
	sequence := uint64(0)
	revisions := make(map[string]uint64)
	for i := range log {
		at = at.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "seconds")) * time.Second)
		sequence += uint64(rapid.IntRange(1, 3).Draw(t, "step"))
		check := id.Draw(t, "id")
		incident := fmt.Sprint(check, "-", rapid.IntRange(1, 3).Draw(t, "incident"))
		d := monitor.Definition{ID: check, Service: id.Draw(t, "service"), Kind: "http", Paused: rapid.Bool().Draw(t, "paused")}.WithDefaults()
		runner := rapid.SampledFrom([]string{"r1", "Runner.Two/ü"}).Draw(t, "runner")
		e := rapid.SampledFrom([]monitor.Event{
			monitor.CheckRegistered{Definition: d}, monitor.CheckUpdated{Definition: d},
			monitor.CheckDeleted{CheckID: check, From: status.Draw(t, "from")},
			monitor.CheckPaused{CheckID: check}, monitor.CheckResumed{CheckID: check},
			monitor.CheckStatusChanged{CheckID: check, From: status.Draw(t, "from"), To: status.Draw(t, "to"), At: at, Position: monitor.Position{Sequence: sequence}, ResultID: "x"},
			monitor.ServiceRegistered{Definition: monitor.ServiceDefinition{ID: check}}, monitor.ServiceUpdated{Definition: monitor.ServiceDefinition{ID: check, Name: "N"}},
			monitor.ServiceDeleted{ServiceID: check, From: status.Draw(t, "from")},
			monitor.ServiceStatusChanged{ServiceID: check, From: status.Draw(t, "from"), To: status.Draw(t, "to"), At: at},
			monitor.IncidentOpened{IncidentID: incident, CheckID: check, OpenedAt: at}, monitor.IncidentResolved{IncidentID: incident, CheckID: check, ResolvedAt: at},
			monitor.RunnerJoined{RunnerID: runner, At: at}, monitor.RunnerLeft{RunnerID: runner, At: at},
			monitor.CheckSucceeded{Result: monitor.Result{CheckID: check}},
		}).Draw(t, "event")
		kind, of := e.Aggregate()
		revisions[kind+of]++
		log[i] = monitor.EventMessage{Event: e, Meta: monitor.Meta{ID: fmt.Sprint(i), Time: at, Sequence: sequence, StoredAt: at, Revision: revisions[kind+of]}}
	}
	return log
}

// anyResults draws results in any order, sensible or not.
func anyResults(t *rapid.T) []monitor.EventMessage {
	log := make([]monitor.EventMessage, rapid.IntRange(0, 300).Draw(t, "results"))
	at := epoch()
	position := monitor.Position{Sequence: 1}
	var earlier []monitor.Result
	for i := range log {
		if rapid.Bool().Draw(t, "same message") {
			position.Index++
		} else {
			position = monitor.Position{Sequence: position.Sequence + uint64(rapid.IntRange(1, 2).Draw(t, "step"))}
		}
		at = at.Add(rapid.SampledFrom([]time.Duration{0, time.Second, 30 * time.Second, 20 * time.Minute, 7 * time.Hour, 70 * time.Hour}).Draw(t, "pause"))
		r := monitor.Result{
			ID: fmt.Sprint(i), CheckID: rapid.SampledFrom([]string{"a", "a", "a", "b"}).Draw(t, "check"),
			Location: rapid.SampledFrom([]string{"north", "south"}).Draw(t, "location"), Revision: uint64(rapid.IntRange(1, 2).Draw(t, "revision")),
			DueAt: at.Add(-time.Duration(rapid.IntRange(-100, 100).Draw(t, "late")) * time.Second), Outcome: rapid.SampledFrom(monitor.Outcomes()).Draw(t, "outcome"),
			DurationMS: float64(rapid.IntRange(0, 5000).Draw(t, "duration")), Trigger: rapid.SampledFrom([]monitor.Trigger{monitor.TriggerSchedule, monitor.TriggerSchedule, monitor.TriggerManual, monitor.TriggerTest}).Draw(t, "trigger"),
			Observed: map[string]any{"status": 200.0, "text": strings.Repeat("x<&", rapid.SampledFrom([]int{0, 0, 0, 3, 2000}).Draw(t, "size"))},
		}
		if every := rapid.SampledFrom([]time.Duration{0, 30 * time.Second, 10 * time.Minute}).Draw(t, "every"); every > 0 {
			r.NextDueAt = r.DueAt.Add(every)
		}
		if len(earlier) > 0 && rapid.IntRange(0, 5).Draw(t, "repeat") == 0 {
			r = rapid.SampledFrom(earlier).Draw(t, "which")
		}
		earlier = append(earlier, r)
		log[i] = monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{ID: fmt.Sprint(i), Time: at, Sequence: position.Sequence, Index: position.Index, StoredAt: at}}
		if rapid.Bool().Draw(t, "with its line") {
			log[i].Line = encode(r)
		}
	}
	return log
}

// TestHoweverItIsInterruptedAFoldGivesTheSameBytes flushes at any points, restarts with what was
// flushed, and dies with only the first entries of a flush written.
func TestHoweverItIsInterruptedAFoldGivesTheSameBytes(t *testing.T) {
	all := map[string]func() Projection{"timeline of small blocks": smallTimeline, "traces of small blocks": smallTraces}
	for _, p := range Projections() {
		all[p.Name()] = func() Projection { return fresh(p.Name()) }
	}
	for name, fresh := range all {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { interrupt(t, fresh) })
		})
	}
}

func interrupt(t *rapid.T, fresh func() Projection) {
	log := anyEvents(t)
	if fresh().OfResults() {
		log = anyResults(t)
	}
	fold, kept := fresh(), shelf{}
	done, durable := 0, 0
	restart := func() {
		fold, done = fresh(), durable
		require.NoError(t, fold.Restore(kept.needed(fold)))
	}
	deaths := 0
	for done < len(log) {
		for range rapid.IntRange(1, 20).Draw(t, "fold") {
			if done < len(log) {
				fold.Apply(log[done])
				done++
			}
		}
		// Whole messages only: a checkpoint names no place within one.
		whole := done == len(log) || log[done].Sequence != log[done-1].Sequence
		switch what := rapid.IntRange(0, 5).Draw(t, "then"); {
		case what < 3 && whole:
			kept.write(fold.Dirty())
			durable = done
		case what == 3 && whole:
			kept.write(fold.Dirty())
			durable = done
			restart()
		case what == 4 && deaths < 20:
			deaths++
			changes := fold.Dirty()
			kept.write(changes[:rapid.IntRange(0, len(changes)).Draw(t, "written")])
			restart()
		}
	}
	kept.write(fold.Dirty())
	require.Equal(t, onceBy(fresh, log), kept)
	for _, m := range log { // all of it again
		fold.Apply(m)
	}
	kept.write(fold.Dirty())
	require.Equal(t, onceBy(fresh, log), kept)
}

func TestKeysAreThoseOfABucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, p := range Projections() {
			log := anyEvents(t)
			if p.OfResults() {
				log = anyResults(t)
			}
			kept := once(p.Name(), log)
			for key := range kept {
				require.True(t, bus.ValidKey(key), key)
				require.NotEqual(t, bus.CheckpointKey, key)
			}
			total := 0
			for range kept.needed(p) {
				total++
			}
			if !p.OfResults() {
				require.Equal(t, len(kept), total, "what is kept is found again")
			}
		}
	})
}

func TestDirtyTellsOnlyWhatChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, p := range Projections() {
			log := anyEvents(t)
			if p.OfResults() {
				log = anyResults(t)
			}
			for _, m := range log {
				p.Apply(m)
			}
			p.Dirty()
			require.Empty(t, p.Dirty())
		}
	})
}
