package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Aggregate names an aggregate: its kind and id.
type Aggregate struct{ Kind, ID string }

// AggregateOf returns the aggregate that an event is about.
func AggregateOf(e monitor.Event) Aggregate {
	kind, id := e.Aggregate()
	return Aggregate{Kind: kind, ID: id}
}

// Batch is what one Append writes: all of it or nothing.
type Batch struct {
	// Events in the order in which they are written, 1 to MaxAppend.
	Events []monitor.EventMessage
	// Expect holds, for every aggregate among the events, the sequence of its last event as the
	// writer knows it; 0 says that it has none.
	Expect map[Aggregate]uint64
}

// MaxAppend is the most events in one Batch.
const MaxAppend = 1000

// Check returns what is wrong with a batch, whatever the log holds: its size, or an aggregate
// without expectation (ErrNoExpectation).
func (b Batch) Check() error {
	if n := len(b.Events); n == 0 || n > MaxAppend {
		return fmt.Errorf("append of %d events: bounds are 1 and %d", n, MaxAppend)
	}
	for _, event := range b.Events {
		aggregate := AggregateOf(event.Event)
		if _, ok := b.Expect[aggregate]; !ok {
			return fmt.Errorf("%w: %s/%s", ErrNoExpectation, aggregate.Kind, aggregate.ID)
		}
	}
	return nil
}

// Filter selects events. Empty fields select all.
type Filter struct {
	// Aggregate is a kind ("check"); ID selects one of that kind. Verb ("updated") selects events of
	// one that ID names, and is of no effect without it.
	Aggregate, ID, Verb string
}

// EventLog is EVENTS: every decision, kept for ever.
type EventLog interface {
	// Append writes a batch atomically and returns the events with their sequences. A *ConflictError
	// says that an expectation did not hold: nothing was written. ErrNoExpectation: an aggregate of
	// the batch has none.
	Append(ctx context.Context, batch Batch) ([]monitor.EventMessage, error)
	// Follow calls handle with the events after sequence after, in order, in batches of what is at
	// hand, and goes on with new ones until ctx ends (then nil) or handle fails (then its error).
	// Lost connections are bridged without gap or repeat. When the log is caught up, handle is
	// called with what is there; caughtUp (may be nil) is called once, on reaching the end that
	// the log had when Follow began.
	Follow(ctx context.Context, after uint64, filter Filter, handle func([]monitor.EventMessage) error, caughtUp func()) error
	// Read returns at most limit events after sequence after, in order.
	Read(ctx context.Context, after uint64, limit int, filter Filter) ([]monitor.EventMessage, error)
	// Last returns the sequence of the last event, 0 when there is none.
	Last(ctx context.Context) (uint64, error)
	// Latest returns the last event that the filter selects, however long the log. ErrNoEvent: there
	// is none.
	Latest(ctx context.Context, filter Filter) (monitor.EventMessage, error)
}

// ResultLog is RESULTS: the outcome of every execution, kept for days.
type ResultLog interface {
	// AppendResults writes results of one location as one message, and returns them with their
	// positions.
	AppendResults(ctx context.Context, location string, results []monitor.EventMessage) ([]monitor.EventMessage, error)
	// FollowResults is Follow over RESULTS: after is a message sequence; handle gets whole messages,
	// several at a time when behind.
	FollowResults(ctx context.Context, after uint64, handle func([]monitor.EventMessage) error, caughtUp func()) error
	// ReadResults returns the results of at most limit messages after sequence after.
	ReadResults(ctx context.Context, after uint64, limit int) ([]monitor.EventMessage, error)
	// LastResult returns the sequence of the last message, 0 when there is none; FirstResult the
	// sequence of the oldest that is kept.
	LastResult(ctx context.Context) (uint64, error)
	FirstResult(ctx context.Context) (uint64, error)
	// ResultsSince returns the sequence after which reading gives the results stored at a time and
	// later: that of the last message when none is as late.
	ResultsSince(ctx context.Context, at time.Time) (after uint64, err error)
}
