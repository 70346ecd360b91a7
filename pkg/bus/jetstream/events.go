package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/monitor"
)

// Append implements bus.EventLog.
func (b *Bus) Append(ctx context.Context, batch bus.Batch) ([]monitor.EventMessage, error) {
	if err := b.intact(); err != nil {
		return nil, err
	}
	if err := batch.Check(); err != nil {
		return nil, err
	}
	messages := make([]*nats.Msg, len(batch.Events))
	expected := make(map[bus.Aggregate]bool, len(batch.Expect))
	for i, event := range batch.Events {
		headers, body, err := cloudevents.Binary(event.Meta, event.Event)
		if err != nil {
			return nil, err
		}
		messages[i] = message(eventSubject(event.Event), headers, body)
		aggregate := bus.AggregateOf(event.Event)
		if expected[aggregate] {
			continue // the server allows one expectation per aggregate, before its first write
		}
		expected[aggregate] = true
		expect(messages[i], placeOf(aggregate.Kind, aggregate.ID).filter(), batch.Expect[aggregate])
	}
	first := bus.AggregateOf(batch.Events[0].Event)
	what := "event of " + first.Kind + "/" + first.ID
	if others := len(expected) - 1; others > 0 { // the server does not say which
		what += fmt.Sprintf(" or of %d others with it", others)
	}
	last, err := b.publish(ctx, messages)
	if err != nil {
		last, err = b.settle(ctx, batch, b.explain(err, what, batch.Expect[first]))
		if err != nil {
			return nil, err
		}
	}
	written := make([]monitor.EventMessage, len(batch.Events))
	for i, event := range batch.Events {
		event.Sequence = last - uint64(len(batch.Events)-1-i)
		written[i] = event
	}
	return written, nil
}

// settle finds out whether a batch whose answer was lost, or whose retry met itself, was written: it
// was when its last event is the last of that aggregate. It returns that event's sequence, or the
// error that asked.
func (b *Bus) settle(ctx context.Context, batch bus.Batch, cause error) (uint64, error) {
	var api *jetstream.APIError
	if errors.Is(cause, bus.ErrFull) || (errors.As(cause, &api) && !errors.As(cause, new(*bus.ConflictError))) {
		return 0, cause
	}
	last := batch.Events[len(batch.Events)-1]
	kind, id := last.Event.Aggregate()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	stream, err := b.js.Stream(ctx, streamEvents)
	if err != nil {
		return 0, errors.Join(cause, err)
	}
	raw, err := stream.GetLastMsgForSubject(ctx, placeOf(kind, id).filter())
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return 0, cause
	case err != nil:
		return 0, errors.Join(cause, err)
	case headerOf(raw.Header)("ce-id") == last.ID:
		return raw.Sequence, nil
	}
	return 0, cause
}

// Follow implements bus.EventLog.
func (b *Bus) Follow(ctx context.Context, after uint64, filter bus.Filter, handle func([]monitor.EventMessage) error, caughtUp func()) error {
	return b.tail(ctx, tailing{stream: streamEvents, after: after, filters: []string{eventFilter(filter)}, caughtUp: caughtUp, handle: func(raw []jetstream.Msg) error {
		events := make([]monitor.EventMessage, 0, len(raw))
		for _, m := range raw {
			if event, ok := b.readEvent(ctx, m); ok {
				events = append(events, event)
			}
		}
		if len(events) == 0 {
			return nil
		}
		return handle(events)
	}})
}

// Read implements bus.EventLog.
func (b *Bus) Read(ctx context.Context, after uint64, limit int, filter bus.Filter) ([]monitor.EventMessage, error) {
	var events []monitor.EventMessage
	err := b.readUpTo(ctx, tailing{stream: streamEvents, after: after, filters: []string{eventFilter(filter)}}, limit, func(m jetstream.Msg) {
		if event, ok := b.readEvent(ctx, m); ok {
			events = append(events, event)
		}
	})
	return events, err
}

// Last implements bus.EventLog.
func (b *Bus) Last(ctx context.Context) (uint64, error) {
	state, err := b.state(ctx, streamEvents)
	return state.LastSeq, err
}

// Latest implements bus.EventLog.
func (b *Bus) Latest(ctx context.Context, filter bus.Filter) (monitor.EventMessage, error) {
	stream, err := b.stream(ctx, streamEvents)
	if err != nil {
		return monitor.EventMessage{}, err
	}
	raw, err := stream.GetLastMsgForSubject(ctx, eventFilter(filter))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return monitor.EventMessage{}, bus.ErrNoEvent
	}
	if err != nil {
		return monitor.EventMessage{}, fmt.Errorf("find the last event of %s: %w", eventFilter(filter), err)
	}
	event, err := b.codec.ParseEvent(headerOf(raw.Header), raw.Data)
	if err != nil {
		return monitor.EventMessage{}, fmt.Errorf("event %d cannot be read: %w", raw.Sequence, err)
	}
	event.Sequence, event.StoredAt = raw.Sequence, raw.Time
	return event, nil
}

func (b *Bus) state(ctx context.Context, name string) (jetstream.StreamState, error) {
	stream, err := b.js.Stream(ctx, name)
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("state of %s: %w", name, err)
	}
	return stream.CachedInfo().State, nil
}

// readEvent decodes a message of EVENTS. What cannot be decoded is put aside, loudly, and passed over.
func (b *Bus) readEvent(ctx context.Context, m jetstream.Msg) (monitor.EventMessage, bool) {
	meta, err := m.Metadata()
	if err == nil {
		var event monitor.EventMessage
		if event, err = b.codec.ParseEvent(headerOf(m.Headers()), m.Data()); err == nil {
			event.Sequence, event.StoredAt = meta.Sequence.Stream, meta.Timestamp
			return event, true
		}
	}
	b.bury(ctx, streamEvents, m, err)
	return monitor.EventMessage{}, false
}
