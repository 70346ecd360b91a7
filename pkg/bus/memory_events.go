package bus

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// maxHandover is the most messages of a log handed over at once.
const maxHandover = 500

type memoryEvents struct {
	mu      sync.Mutex
	changed signal
	// all holds event n at n-1.
	all []monitor.EventMessage
	// last is the place in all of an aggregate's last event.
	last map[Aggregate]int
}

// Append implements EventLog.
func (m *Memory) Append(ctx context.Context, batch Batch) ([]monitor.EventMessage, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("append events: %w", err)
	}
	if err := batch.Check(); err != nil {
		return nil, err
	}
	l := &m.events
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.expect(batch); err != nil {
		if written := l.repeated(batch); written != nil {
			return written, nil
		}
		return nil, err
	}
	now := time.Now()
	written := make([]monitor.EventMessage, len(batch.Events))
	for i, event := range batch.Events {
		event = copied(event)
		event.Sequence, event.Index, event.StoredAt = uint64(len(l.all)+1), 0, now
		l.last[AggregateOf(event.Event)] = len(l.all)
		l.all = append(l.all, event)
		written[i] = copied(event)
	}
	l.changed.raise()
	return written, nil
}

func (l *memoryEvents) expect(batch Batch) error {
	for _, event := range batch.Events {
		aggregate := AggregateOf(event.Event)
		if expected, actual := batch.Expect[aggregate], l.lastOf(aggregate); expected != actual {
			return &ConflictError{What: "event of " + aggregate.Kind + "/" + aggregate.ID, Expected: expected, Actual: actual}
		}
	}
	return nil
}

func (l *memoryEvents) lastOf(aggregate Aggregate) uint64 {
	if i, ok := l.last[aggregate]; ok {
		return l.all[i].Sequence
	}
	return 0
}

// repeated returns the events as they were written before, when the batch was: its last event is
// then the last of its aggregate.
func (l *memoryEvents) repeated(batch Batch) []monitor.EventMessage {
	final := batch.Events[len(batch.Events)-1]
	i, ok := l.last[AggregateOf(final.Event)]
	if !ok || final.ID == "" || l.all[i].ID != final.ID || i+1 < len(batch.Events) {
		return nil
	}
	return copiedAll(l.all[i+1-len(batch.Events) : i+1])
}

// Follow implements EventLog.
func (m *Memory) Follow(ctx context.Context, after uint64, filter Filter, handle func([]monitor.EventMessage) error, caughtUp func()) error {
	end, _ := m.Last(ctx)
	return follow(ctx, after, end, func(after uint64) ([]monitor.EventMessage, uint64, <-chan struct{}) {
		return m.events.read(after, maxHandover, filter)
	}, handle, caughtUp)
}

// Read implements EventLog.
func (m *Memory) Read(_ context.Context, after uint64, limit int, filter Filter) ([]monitor.EventMessage, error) {
	events, _, _ := m.events.read(after, limit, filter)
	return events, nil
}

// Last implements EventLog.
func (m *Memory) Last(context.Context) (uint64, error) {
	m.events.mu.Lock()
	defer m.events.mu.Unlock()
	return uint64(len(m.events.all)), nil
}

// read returns the events after a sequence that the filter selects, the sequence up to which it has
// looked, and what is closed when there are more.
func (l *memoryEvents) read(after uint64, limit int, filter Filter) ([]monitor.EventMessage, uint64, <-chan struct{}) {
	l.mu.Lock()
	reached := max(after, uint64(len(l.all)))
	var found []monitor.EventMessage
	if after < uint64(len(l.all)) {
		for _, event := range l.all[after:] {
			if len(found) >= limit {
				break
			}
			if reached = event.Sequence; filter.selects(event.Event) {
				found = append(found, event)
			}
		}
	}
	changed := l.changed.wait()
	l.mu.Unlock()
	return copiedAll(found), reached, changed
}

// Latest implements EventLog.
func (m *Memory) Latest(_ context.Context, filter Filter) (monitor.EventMessage, error) {
	m.events.mu.Lock()
	defer m.events.mu.Unlock()
	for _, event := range slices.Backward(m.events.all) {
		if filter.selects(event.Event) {
			return copied(event), nil
		}
	}
	return monitor.EventMessage{}, ErrNoEvent
}

func (f Filter) selects(e monitor.Event) bool {
	kind, id := e.Aggregate()
	switch {
	case f.Aggregate == "":
		return true
	case f.Aggregate != kind:
		return false
	case f.ID == "":
		return true
	}
	return f.ID == id && (f.Verb == "" || f.Verb == e.Verb())
}

// follow reads from after on until ctx ends or handle fails; end is where the log ended at first.
func follow(ctx context.Context, after, end uint64, read func(after uint64) ([]monitor.EventMessage, uint64, <-chan struct{}),
	handle func([]monitor.EventMessage) error, caughtUp func(),
) error {
	for ctx.Err() == nil {
		if after >= end && caughtUp != nil {
			caughtUp()
			caughtUp = nil
		}
		batch, reached, changed := read(after)
		if after = max(after, reached); len(batch) > 0 {
			if err := handle(batch); err != nil {
				return err
			}
			continue
		}
		if after < end || caughtUp != nil {
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return nil
}
