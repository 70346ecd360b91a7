package bus

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

type memoryResults struct {
	mu      sync.Mutex
	changed signal
	// all holds message n at n-1.
	all [][]monitor.EventMessage
}

// AppendResults implements ResultLog.
func (m *Memory) AppendResults(ctx context.Context, _ string, results []monitor.EventMessage) ([]monitor.EventMessage, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("append results: %w", err)
	}
	if len(results) == 0 {
		return nil, nil
	}
	for i, r := range results {
		if _, ok := monitor.ResultOf(r.Event); !ok {
			return nil, fmt.Errorf("append results: number %d, %s, is no result", i, r.Event.Type())
		}
	}
	l := &m.results
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	stored := copiedAll(results)
	for i := range stored {
		stored[i].Sequence, stored[i].Index, stored[i].StoredAt = uint64(len(l.all)+1), i, now
	}
	l.all = append(l.all, stored)
	l.changed.raise()
	return copiedAll(stored), nil
}

// FollowResults implements ResultLog.
func (m *Memory) FollowResults(ctx context.Context, after uint64, handle func([]monitor.EventMessage) error, caughtUp func()) error {
	end, _ := m.LastResult(ctx)
	return follow(ctx, after, end, func(after uint64) ([]monitor.EventMessage, uint64, <-chan struct{}) {
		return m.results.read(after, maxHandover)
	}, handle, caughtUp)
}

// ReadResults implements ResultLog.
func (m *Memory) ReadResults(_ context.Context, after uint64, limit int) ([]monitor.EventMessage, error) {
	results, _, _ := m.results.read(after, limit)
	return results, nil
}

// LastResult implements ResultLog.
func (m *Memory) LastResult(context.Context) (uint64, error) {
	m.results.mu.Lock()
	defer m.results.mu.Unlock()
	return uint64(len(m.results.all)), nil
}

// FirstResult implements ResultLog.
func (m *Memory) FirstResult(context.Context) (uint64, error) {
	m.results.mu.Lock()
	defer m.results.mu.Unlock()
	return min(1, uint64(len(m.results.all))), nil
}

// ResultsSince implements ResultLog.
func (m *Memory) ResultsSince(_ context.Context, at time.Time) (uint64, error) {
	m.results.mu.Lock()
	defer m.results.mu.Unlock()
	earlier, _ := slices.BinarySearchFunc(m.results.all, at, func(message []monitor.EventMessage, at time.Time) int {
		return message[0].StoredAt.Compare(at)
	})
	return uint64(earlier), nil
}

func (l *memoryResults) read(after uint64, limit int) ([]monitor.EventMessage, uint64, <-chan struct{}) {
	l.mu.Lock()
	var found []monitor.EventMessage
	first := min(after, uint64(len(l.all)))
	end := min(uint64(len(l.all)), first+uint64(max(limit, 0)))
	for _, message := range l.all[first:end] {
		found = append(found, message...)
	}
	changed := l.changed.wait()
	l.mu.Unlock()
	return copiedAll(found), max(after, end), changed
}
