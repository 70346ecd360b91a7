package readmodel

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/trace"
)

// smallTraces has small blocks and few, short journals.
func smallTraces() Projection {
	t := newTraces()
	t.size, t.span, t.kept = 5, 4, 6
	return t
}

// TestTracesGiveBackWhatResultsHeld reads the traces of random results between random times.
func TestTracesGiveBackWhatResultsHeld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := anyResults(t)
		if len(log) == 0 {
			t.Skip("nothing")
		}
		fold, kept := smallTraces(), shelf{}
		for _, m := range log {
			fold.Apply(m)
			if rapid.IntRange(0, 7).Draw(t, "flush") == 0 {
				kept.write(fold.Dirty())
			}
		}
		kept.write(fold.Dirty())
		now := log[len(log)-1].Time
		r := readerOf(t, kept, ProjectionState{Name: tracesBucket, Results: log[len(log)-1].Sequence, FlushedAt: now}, now)
		oldest := time.Unix((floorDiv(now.Unix(), 24*3600)-traceDays+1)*24*3600, 0)
		from := now.Add(-time.Duration(rapid.IntRange(0, 40*24).Draw(t, "from")) * time.Hour)
		to := from.Add(time.Duration(rapid.IntRange(1, 40*24).Draw(t, "hours")) * time.Hour)
		if from.Before(oldest) {
			from = oldest
		}
		traces, err := r.Traces(context.Background(), "a")
		require.NoError(t, err)
		require.Equal(t, log[len(log)-1].Sequence, traces.Reached())
		var have []trace.Result
		require.NoError(t, traces.Each(context.Background(), "a", from, to, func(r *trace.Result) {
			if r.StoredAt >= from.UnixNano() {
				have = append(have, *r)
			}
		}))
		var want []trace.Result
		for _, m := range log {
			one, check, ok := trace.Of(m)
			if ok && check == "a" && !m.StoredAt.Before(from) && m.StoredAt.Before(to) {
				want = append(want, one)
			}
		}
		require.Equal(t, want, have)
	})
}

// readerOf is a reader of one bucket that follows nothing any more.
func readerOf(t require.TestingT, kept shelf, state ProjectionState, now time.Time) *Reader {
	memory := bus.NewMemory()
	bucket, err := memory.Bucket(context.Background(), state.Name)
	require.NoError(t, err)
	for key, value := range kept {
		require.NoError(t, bucket.Put(context.Background(), key, value))
	}
	text, err := json.Marshal(state)
	require.NoError(t, err)
	require.NoError(t, bucket.Put(context.Background(), bus.CheckpointKey, text))
	r := NewReader(memory, slog.New(slog.DiscardHandler), func() time.Time { return now })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	<-r.Ready()
	cancel()
	require.NoError(t, <-done)
	return r
}

func TestSinceWhenTracesAreKeptIsSaid(t *testing.T) {
	at := epoch()
	for name, test := range map[string]struct {
		first uint64
		now   time.Time
		want  time.Time
	}{
		"nothing was ever dropped":        {1, at.Add(time.Hour), time.Time{}},
		"others had been before":          {7, at.Add(time.Hour), at},
		"the ring of days has gone round": {7, at.Add(40 * 24 * time.Hour), at.Add(40 * 24 * time.Hour).Truncate(24 * time.Hour).Add(-32 * 24 * time.Hour)},
		"it has, and nothing was before":  {1, at.Add(40 * 24 * time.Hour), at.Add(40 * 24 * time.Hour).Truncate(24 * time.Hour).Add(-32 * 24 * time.Hour)},
	} {
		fold, kept := newTraces(), shelf{}
		fold.Apply(monitor.EventMessage{Event: monitor.Executed(executed("home", 1, success, 5)), Meta: monitor.Meta{Sequence: test.first, Time: at, StoredAt: at}})
		kept.write(fold.Dirty())
		since, ok := readerOf(t, kept, ProjectionState{Name: tracesBucket, FlushedAt: at}, test.now).TracesKeptSince()
		require.True(t, ok, name)
		require.True(t, test.want.Equal(since), "%s: %s", name, since)
		_, ok = readerOf(t, kept, ProjectionState{Name: tracesBucket, FlushedAt: at, Rebuilding: true}, test.now).TracesKeptSince()
		require.False(t, ok, name)
	}
}

func FuzzReadJournal(f *testing.F) {
	j := journal{Number: 3}
	j.add("home", trace.Result{Position: monitor.Position{Sequence: 4}, Location: "default", Outcome: monitor.OutcomeSuccess})
	f.Add(j.bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		j, err := readJournal(raw)
		if err != nil {
			return
		}
		all, some := 0, 0
		if j.each(func(string, trace.Result) { all++ }) == nil {
			require.NoError(t, j.of("home", func(string, trace.Result) { some++ }))
			require.LessOrEqual(t, some, all)
		}
	})
}
