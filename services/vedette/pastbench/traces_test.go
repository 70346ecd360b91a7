package pastbench_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
	"github.com/vedette/vedette/pkg/trace"
)

// writeTraces folds the kept results of the models as the projector does, and writes what becomes of them,
// for every check of the fleet. They do not go through RESULTS, where the server says when they were stored:
// now. Nor is there a journal, which holds the last quarter of an hour: every block is full, or its day over.
func writeTraces(t testing.TB, f *fleet, store bus.Store) (reached uint64) {
	projections := readmodel.Projections()
	i := slices.IndexFunc(projections, func(p readmodel.Projection) bool { return p.Name() == "traces" })
	require.GreaterOrEqual(t, i, 0)
	fold := projections[i]
	bucket, err := store.Bucket(t.Context(), readmodel.BucketOf(fold.Name(), 1))
	require.NoError(t, err)
	var revision uint64
	write := func(changes []readmodel.Change) {
		for len(changes) > 0 {
			n := batchOf(changes)
			puts := make(map[string][]byte, n)
			for _, c := range changes[:n] {
				puts[c.Key] = c.Value
			}
			changes = changes[n:]
			state, err := json.Marshal(readmodel.Checkpoint{Name: fold.Name(), Version: fold.Version(), Results: reached, FlushedAt: f.end})
			require.NoError(t, err)
			revision, err = bucket.Flush(t.Context(), puts, state, revision)
			require.NoError(t, err)
		}
	}
	n := 0
	for execution := f.kept(); f.begin.Add(time.Duration(execution+2) * fleetInterval).Before(f.end); execution++ {
		for i := range models {
			m := f.result(&f.checks[i], execution)
			fold.Apply(m)
			reached = max(reached, m.Sequence)
			n++
		}
		if execution%2000 == 0 {
			write(copies(t, f, fold.Dirty()))
		}
	}
	for i := range models { // so that the last blocks are of a day that is over
		m := f.result(&f.checks[i], f.kept())
		m.Sequence, m.StoredAt = reached+uint64(i)+1, f.end.Add(48*time.Hour)
		fold.Apply(m)
	}
	write(copies(t, f, fold.Dirty()))
	t.Logf("%d results folded, written %d times over", n, fleetCount/models)
	return reached
}

// copies are the blocks among the changes, for each check of the fleet.
func copies(t testing.TB, f *fleet, changes []readmodel.Change) (all []readmodel.Change) {
	for _, c := range changes {
		if c.Key == "began" {
			all = append(all, c)
		}
		if !strings.HasPrefix(c.Key, "trace.") {
			continue
		}
		block, err := trace.Read(c.Value)
		require.NoError(t, err)
		model := block.Check
		for i := slices.IndexFunc(f.checks, func(s subject) bool { return s.definition.ID == model }); i < fleetCount; i += models {
			block.Check = f.checks[i].definition.ID
			raw, err := block.Bytes()
			require.NoError(t, err)
			all = append(all, readmodel.Change{Key: strings.Replace(c.Key, model, block.Check, 1), Value: raw})
		}
	}
	return all
}

// batchOf returns how many of the changes go into one batch.
func batchOf(changes []readmodel.Change) int {
	const most = 4 << 20
	size := 0
	for n, c := range changes {
		if size += len(c.Key) + len(c.Value); n == bus.MaxFlush || (n > 0 && size > most) {
			return n
		}
	}
	return len(changes)
}

// result is a kept result as it is read from RESULTS.
func (f *fleet) result(s *subject, execution int) monitor.EventMessage {
	due, latency := s.due(execution), s.latency(execution)
	r := monitor.Result{
		CheckID: s.definition.ID, Service: s.definition.Service, Revision: 1 + edits, Location: monitor.DefaultLocation, Runner: "runner-1",
		DueAt: due, StartedAt: due.Add(time.Millisecond), NextDueAt: due.Add(s.interval()), DurationMS: float64(latency) / float64(time.Millisecond),
		Outcome: monitor.OutcomeSuccess, Attempts: 1, Trigger: monitor.TriggerSchedule,
	}
	if s.failing(execution) {
		r.Outcome, r.Error = monitor.OutcomeFailure, failure
	}
	position, stored := f.position(s, execution), s.finished(execution).Add(storedAfter)
	return monitor.EventMessage{
		Meta:  monitor.Meta{Time: stored, StoredAt: stored, Sequence: position.Sequence, Index: position.Index},
		Event: monitor.Executed(r),
	}
}
