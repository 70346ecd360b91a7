package readmodel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/vedette/vedette/pkg/bus"
)

// Reader answers queries from memory, which one watch per bucket keeps current, but for histories,
// which it reads when asked. It implements Reads and is safe for concurrent use.
type Reader struct {
	store bus.Store
	log   *slog.Logger
	now   func() time.Time
	// ready is closed when all buckets have been read.
	ready chan struct{}

	mu      sync.RWMutex
	buckets map[string]bus.Bucket
	board   *board
	states  map[string]ProjectionState
	bygone  bygone
	// moved is closed and replaced whenever a projection has moved.
	moved chan struct{}
	// generations say which bucket of each projection serves; turned is closed and replaced whenever
	// there is news of them.
	generations generations
	turned      chan struct{}
	// recalling has one read what corrections need for all who want it.
	recalling singleflight.Group
}

var _ Reads = (*Reader)(nil)

// errNotRunning: Run has not opened the bucket yet.
var errNotRunning = errors.New("the read models are not open yet")

// NewReader returns a reader of the read models in a store. It has nothing to tell until Run has
// read them, which Ready tells.
func NewReader(store bus.Store, log *slog.Logger, now func() time.Time) *Reader {
	return &Reader{
		store: store, log: log, now: now, ready: make(chan struct{}),
		buckets: make(map[string]bus.Bucket), board: newBoard(),
		states: make(map[string]ProjectionState), moved: make(chan struct{}),
		generations: newGenerations(), turned: make(chan struct{}),
	}
}

// Run watches the buckets until ctx ends, then returns nil; whatever goes wrong is tried again. It
// must be called once.
func (r *Reader) Run(ctx context.Context) error {
	projections := Projections()
	var caughtUp sync.WaitGroup
	caughtUp.Add(len(projections))
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range projections {
		w := &watcher{reader: r, name: p.Name(), caughtUp: sync.OnceFunc(caughtUp.Done)}
		group.Go(func() error {
			w.run(ctx)
			w.caughtUp() // lets the wait below end
			return nil
		})
	}
	group.Go(func() error {
		r.watchGenerations(ctx)
		return nil
	})
	group.Go(func() error {
		r.keepRecalling(ctx)
		return nil
	})
	group.Go(func() error {
		caughtUp.Wait()
		if ctx.Err() == nil {
			close(r.ready)
		}
		return nil
	})
	return group.Wait()
}

// Ready is closed when the read models have been read.
func (r *Reader) Ready() <-chan struct{} { return r.ready }

// bucket returns an open bucket.
func (r *Reader) bucket(name string) (bus.Bucket, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if b := r.buckets[name]; b != nil {
		return b, nil
	}
	return nil, fmt.Errorf("%s: %w", name, errNotRunning)
}

// moveTo takes the state of a projection. It is called with mu held.
func (r *Reader) moveTo(name string, state ProjectionState) {
	r.states[name] = state
	r.trust()
	close(r.moved)
	r.moved = make(chan struct{})
}

// hurries reports whether somebody who writes waits for a projection to show it.
func hurries(p Projection) bool {
	_, unhurried := p.(Unhurried)
	return !p.OfResults() && !unhurried
}

// WaitFor implements Reads.
func (r *Reader) WaitFor(ctx context.Context, sequence uint64) error {
	return r.waitFor(ctx, sequence, hurries)
}

// waitFor waits for those projections that matter.
func (r *Reader) waitFor(ctx context.Context, sequence uint64, matters func(Projection) bool) error {
	projections := Projections()
	for {
		r.mu.RLock()
		moved, done := r.moved, true
		for _, p := range projections {
			done = done && (!matters(p) || r.states[p.Name()].Events >= sequence)
		}
		r.mu.RUnlock()
		if done {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
