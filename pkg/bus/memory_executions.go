package bus

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

type memoryExecutions struct {
	mu        sync.Mutex
	changed   signal
	locations map[string]*memoryQueue
	// seen are the ids of batches; recent the same, oldest first.
	seen   map[string]bool
	recent []seenBatch
}

type seenBatch struct {
	id string
	at time.Time
}

// memoryQueue holds the batches of a location in the order in which they came.
type memoryQueue struct {
	open    bool
	batches []*memoryDelivery
}

// memoryDelivery is a batch in the queue, or in a runner's hands until inHand.
type memoryDelivery struct {
	executions *memoryExecutions
	batch      monitor.ExecuteChecks
	stored     time.Time
	inHand     time.Time
	deliveries int
	done       bool
}

// OpenLocation implements Executions.
func (m *Memory) OpenLocation(ctx context.Context, location string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("open location %s: %w", location, err)
	}
	e := &m.executions
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue(location).open = true
	e.changed.raise()
	return nil
}

func (e *memoryExecutions) queue(location string) *memoryQueue {
	q := e.locations[location]
	if q == nil {
		q = &memoryQueue{}
		e.locations[location] = q
	}
	return q
}

// Dispatch implements Executions.
func (m *Memory) Dispatch(ctx context.Context, id string, batch monitor.ExecuteChecks) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("dispatch to %s: %w", batch.Location, err)
	}
	e := &m.executions
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	for len(e.recent) > 0 && now.Sub(e.recent[0].at) >= ExecutionsKept {
		delete(e.seen, e.recent[0].id)
		e.recent = e.recent[1:]
	}
	if e.seen[id] {
		return nil
	}
	e.seen[id], e.recent = true, append(e.recent, seenBatch{id, now})
	q := e.queue(batch.Location)
	q.batches = append(q.batches, &memoryDelivery{executions: e, batch: copied(batch), stored: now})
	e.changed.raise()
	return nil
}

// Source returns the end of the queue of a location's runners. It may be asked for before the
// location is open.
func (m *Memory) Source(location string) ExecutionSource {
	return &memorySource{&m.executions, location}
}

type memorySource struct {
	executions *memoryExecutions
	location   string
}

// Pull implements ExecutionSource.
func (s *memorySource) Pull(ctx context.Context, wait time.Duration) (Delivery, error) {
	if wait <= 0 || wait > MaxPullWait {
		return nil, fmt.Errorf("pull executions: wait of %s: bounds are (0, %s]", wait, MaxPullWait)
	}
	deadline := time.Now().Add(wait)
	for {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("pull executions: %w", err)
		}
		now := time.Now()
		d, again, changed, err := s.take(now)
		if d != nil || err != nil {
			return d.orNil(), err
		}
		if !now.Before(deadline) {
			return nil, ErrNothing
		}
		if again.IsZero() || again.After(deadline) {
			again = deadline
		}
		timer := time.NewTimer(again.Sub(now))
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// orNil keeps a nil pointer from becoming an interface that is not nil.
func (d *memoryDelivery) orNil() Delivery {
	if d == nil {
		return nil
	}
	return d
}

// take returns a batch, or when the next one in hand will be free again, and what is closed at the
// next change.
func (s *memorySource) take(now time.Time) (d *memoryDelivery, again time.Time, changed <-chan struct{}, err error) {
	e := s.executions
	e.mu.Lock()
	defer e.mu.Unlock()
	q := e.locations[s.location]
	if q == nil || !q.open {
		return nil, time.Time{}, nil, fmt.Errorf("location %s: %w", s.location, ErrNoLocation)
	}
	q.batches = slices.DeleteFunc(q.batches, func(d *memoryDelivery) bool {
		return d.done || now.Sub(d.stored) >= ExecutionsKept
	})
	for _, d := range q.batches {
		switch {
		case d.deliveries >= MaxDeliveries:
		case d.inHand.After(now):
			if again.IsZero() || d.inHand.Before(again) {
				again = d.inHand
			}
		default:
			d.deliveries++
			d.inHand = now.Add(AckWait)
			return d, time.Time{}, nil, nil
		}
	}
	return nil, again, e.changed.wait(), nil
}

// Batch implements Delivery.
func (d *memoryDelivery) Batch() monitor.ExecuteChecks { return copied(d.batch) }

// KeepAlive implements Delivery.
func (d *memoryDelivery) KeepAlive() error {
	d.executions.mu.Lock()
	defer d.executions.mu.Unlock()
	d.inHand = time.Now().Add(AckWait)
	return nil
}

// Ack implements Delivery.
func (d *memoryDelivery) Ack(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("acknowledge executions: %w", err)
	}
	d.executions.mu.Lock()
	defer d.executions.mu.Unlock()
	d.done = true
	return nil
}

// Return implements Delivery.
func (d *memoryDelivery) Return() error {
	d.executions.mu.Lock()
	defer d.executions.mu.Unlock()
	d.inHand = time.Time{}
	d.executions.changed.raise()
	return nil
}
