package api

import (
	"context"
	"fmt"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// How much is read of a log at once: events, and messages of results.
const (
	eventBlock  = 500
	resultBlock = 16
)

// forward reads the logs from a position on, merged by the time of storing. At the end next returns
// nil; when there is more later, it goes on.
type forward struct {
	bus    Bus
	filter *filter
	// at is the position after what next has returned.
	at              position
	events, results []monitor.EventMessage
}

// next returns the next message, wanted or not; nil at the end.
func (f *forward) next(ctx context.Context) (*monitor.EventMessage, error) {
	if err := f.fill(ctx); err != nil {
		return nil, err
	}
	switch {
	case len(f.results) > 0 && (len(f.events) == 0 || !f.results[0].StoredAt.After(f.events[0].StoredAt)):
		m := &f.results[0]
		f.results = f.results[1:]
		f.at.Result = m.Position()
		return m, nil
	case len(f.events) > 0:
		m := &f.events[0]
		f.events = f.events[1:]
		f.at.Event = m.Sequence
		return m, nil
	}
	return nil, nil
}

// fill reads on where nothing is at hand.
func (f *forward) fill(ctx context.Context) error {
	if len(f.events) == 0 {
		events, err := f.bus.Read(ctx, f.at.Event, eventBlock, bus.Filter{})
		if err != nil {
			return fmt.Errorf("read events after %d: %w", f.at.Event, err)
		}
		f.events = events
	}
	if !f.filter.results {
		return nil
	}
	for after := f.at.Result; len(f.results) == 0; {
		from := after.Sequence
		if after.Index != wholeMessage {
			from = max(1, from) - 1 // some of that message may be left
		}
		results, err := f.bus.ReadResults(ctx, from, resultBlock)
		if err != nil {
			return fmt.Errorf("read results after %d: %w", from, err)
		}
		if len(results) == 0 {
			return nil
		}
		for len(results) > 0 && !results[0].Position().After(after) {
			after, results = later(after, results[0].Position()), results[1:]
		}
		f.results = results
		if len(results) == 0 { // all of them were passed: go on behind the message
			after = atMessage(after.Sequence)
		}
	}
	return nil
}

func later(p, q monitor.Position) monitor.Position {
	if q.After(p) {
		return q
	}
	return p
}

// backward reads the logs from a position back, merged by the time of storing.
type backward struct {
	bus    Bus
	filter *filter
	// at is the position before which next goes on.
	at              position
	events, results []monitor.EventMessage
	first           uint64
}

// next returns the next older message, wanted or not; nil at the beginning.
func (b *backward) next(ctx context.Context) (*monitor.EventMessage, error) {
	if err := b.fill(ctx); err != nil {
		return nil, err
	}
	switch events, results := len(b.events), len(b.results); {
	case results > 0 && (events == 0 || b.results[results-1].StoredAt.After(b.events[events-1].StoredAt)):
		m := &b.results[results-1]
		b.results = b.results[:results-1]
		b.at.Result = m.Position()
		return m, nil
	case events > 0:
		m := &b.events[events-1]
		b.events = b.events[:events-1]
		b.at.Event = m.Sequence
		return m, nil
	}
	return nil, nil
}

func (b *backward) fill(ctx context.Context) error {
	for len(b.events) == 0 && b.at.Event > 1 {
		from := max(b.at.Event, eventBlock+1) - 1 - eventBlock
		events, err := b.bus.Read(ctx, from, eventBlock, bus.Filter{})
		if err != nil {
			return fmt.Errorf("read events after %d: %w", from, err)
		}
		for len(events) > 0 && events[len(events)-1].Sequence >= b.at.Event {
			events = events[:len(events)-1]
		}
		if b.events = events; len(events) == 0 {
			b.at.Event = from + 1 // none of them can be read
		}
	}
	for b.filter.results && len(b.results) == 0 && !b.atFirstResult() {
		if err := b.fillResults(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *backward) atFirstResult() bool {
	at := b.at.Result
	return at.Sequence < b.first || at.Sequence == b.first && at.Index == 0 || at.Sequence == 0
}

func (b *backward) fillResults(ctx context.Context) error {
	at := b.at.Result
	from := max(at.Sequence, resultBlock) - resultBlock
	results, err := b.bus.ReadResults(ctx, from, resultBlock)
	if err != nil {
		return fmt.Errorf("read results after %d: %w", from, err)
	}
	for len(results) > 0 && !at.After(results[len(results)-1].Position()) {
		results = results[:len(results)-1]
	}
	if b.results = results; len(results) == 0 {
		b.at.Result = monitor.Position{Sequence: from + 1}
		if at.Sequence <= from+1 && at.Index == 0 {
			b.at.Result = atMessage(from)
		}
	}
	return nil
}

// resultsUntil returns the place in RESULTS behind what was stored up to a time.
func resultsUntil(ctx context.Context, log Results, t time.Time) (monitor.Position, error) {
	first, err := log.FirstResult(ctx)
	if err != nil {
		return monitor.Position{}, fmt.Errorf("find the first result: %w", err)
	}
	last, err := log.LastResult(ctx)
	if err != nil {
		return monitor.Position{}, fmt.Errorf("find the last result: %w", err)
	}
	low, high := max(first, 1)-1, last // the place is in [low, high]
	for low < high {
		middle := low + (high-low)/2
		results, err := log.ReadResults(ctx, middle, 1)
		if err != nil {
			return monitor.Position{}, fmt.Errorf("read results after %d: %w", middle, err)
		}
		if len(results) == 0 || results[0].StoredAt.After(t) {
			high = middle
		} else {
			low = max(middle+1, results[0].Sequence)
		}
	}
	return atMessage(low), nil
}
