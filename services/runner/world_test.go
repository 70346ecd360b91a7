package runner

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// world is an in-memory bus with a gate that stores what it is told in RESULTS.
type world struct {
	t   testing.TB
	bus *bus.Memory
	// answer decides about a report before it is stored; nil takes all. after is asked afterwards.
	answer, after func(bus.Report) error

	mu      sync.Mutex
	reports []bus.Report
	stop    func()
	batches atomic.Int64
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, bus: bus.NewMemory()}
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, w.bus.OpenLocation(ctx, here))
	served := make(chan error, 1)
	go func() { served <- w.bus.ServeIngest(ctx, w.handle) }()
	w.stop = func() {
		cancel()
		require.NoError(t, <-served)
	}
	return w
}

func (w *world) handle(ctx context.Context, location string, report bus.Report) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answer != nil {
		if err := w.answer(report); err != nil {
			return err
		}
	}
	w.reports = append(w.reports, report)
	if len(report.Results) > 0 {
		var messages []monitor.EventMessage
		for _, r := range report.Results {
			messages = append(messages, monitor.EventMessage{Meta: monitor.Meta{ID: r.ID}, Event: monitor.Executed(r)})
		}
		if _, err := w.bus.AppendResults(ctx, location, messages); err != nil {
			return err
		}
	}
	if w.after != nil {
		return w.after(report)
	}
	return nil
}

// set changes what the gate answers.
func (w *world) set(answer, after func(bus.Report) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer, w.after = answer, after
}

func (w *world) heard() []bus.Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]bus.Report(nil), w.reports...)
}

func (w *world) dispatch(b monitor.ExecuteChecks) {
	w.t.Helper()
	id := fmt.Sprintf("batch-%d", w.batches.Add(1))
	require.NoError(w.t, w.bus.Dispatch(w.t.Context(), id, b))
}

// stored returns the results in RESULTS, in order.
func (w *world) stored() []monitor.Result {
	w.t.Helper()
	messages, err := w.bus.ReadResults(w.t.Context(), 0, 1<<20)
	require.NoError(w.t, err)
	var results []monitor.Result
	for _, m := range messages {
		r, ok := monitor.ResultOf(m.Event)
		require.True(w.t, ok)
		results = append(results, r)
	}
	return results
}

// storedOnce holds that RESULTS has count results and none twice.
func (w *world) storedOnce(count int) {
	w.t.Helper()
	seen := make(map[string]int)
	for _, r := range w.stored() {
		seen[r.ID]++
		assert.Equal(w.t, 1, seen[r.ID], r.ID)
	}
	assert.Len(w.t, seen, count)
}

func (w *world) link() *link {
	return &link{ExecutionSource: w.bus.Source(here), Ingest: w.bus}
}
