package decider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// source names the writer of the events.
const source = "/vedette/decider"

// cause is why events are written.
type cause struct {
	// commandID is set when a command asked for them.
	commandID, causationID, correlationID, actor string
}

// transaction gathers decisions for one append. What is staged is seen by the next decision.
type transaction struct {
	board *monitor.Board
	batch bus.Batch
}

func newTransaction(board *monitor.Board) *transaction {
	return &transaction{board: board, batch: bus.Batch{Expect: make(map[bus.Aggregate]uint64)}}
}

// stage adds the events of one decision and returns the index of the last.
func (t *transaction) stage(events []monitor.Event, why cause, now time.Time) (last int, err error) {
	revisions := t.board.Revisions(events)
	for i, event := range events {
		id, err := uuid.NewV7()
		if err != nil {
			return 0, fmt.Errorf("event id: %w", err)
		}
		m := monitor.EventMessage{Event: event, Meta: monitor.Meta{
			ID: id.String(), Source: source, Time: now.UTC(), Revision: revisions[i],
			CommandID: why.commandID, CausationID: why.causationID, CorrelationID: why.correlationID, Actor: why.actor,
		}}
		if m.CorrelationID == "" {
			m.CorrelationID = m.ID
		}
		aggregate := bus.AggregateOf(event)
		if _, known := t.batch.Expect[aggregate]; !known {
			t.batch.Expect[aggregate] = t.board.LastSequence(aggregate.Kind, aggregate.ID)
		}
		t.batch.Events = append(t.batch.Events, m)
	}
	// Only now: the revisions were those before all of them.
	for _, m := range t.batch.Events[len(t.batch.Events)-len(events):] {
		t.board.Stage(m)
	}
	return len(t.batch.Events) - 1, nil
}

func (t *transaction) full() bool { return len(t.batch.Events) >= maxStaged }

// commit appends what was staged and returns it with its sequences. On an error the board is as it
// was in the log when last read; errors.As finds a *bus.ConflictError when the decisions are to be
// made again.
func (l *leader) commit(ctx context.Context, t *transaction) ([]monitor.EventMessage, error) {
	if len(t.batch.Events) == 0 {
		return nil, nil
	}
	// A write once begun is waited for even while stopping: cut off, it may be stored all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	started := l.now()
	written, err := l.bus.Append(ctx, t.batch)
	if err == nil && len(written) != len(t.batch.Events) {
		err = fmt.Errorf("%d events appended, %d confirmed", len(t.batch.Events), len(written))
	}
	if err != nil {
		l.board.Undo()
		return nil, l.appendFailed(err)
	}
	l.metrics.appends.Observe(l.now().Sub(started).Seconds())
	l.metrics.events.Add(float64(len(written)))
	l.trouble.over(l.log)
	if written[0].Sequence != l.board.Sequence()+1 {
		// Somebody else has written in between, about other aggregates: read that too.
		l.board.Undo()
		l.behind = true
		if err := l.catchUp(ctx); err != nil {
			l.log.Warn("could not read what another process wrote; trying again", "error", err)
		}
		return written, nil
	}
	l.board.Settle(written)
	l.afterEvents(written)
	return written, nil
}

func (l *leader) appendFailed(err error) error {
	l.behind = true
	var conflict *bus.ConflictError
	if errors.As(err, &conflict) {
		l.metrics.conflicts.Inc()
		l.log.Warn("another process has written to the event log; deciding again", "conflict", err)
		return err
	}
	l.metrics.failures.WithLabelValues("append").Inc()
	l.trouble.report(l.log, l.now(), err)
	return fmt.Errorf("append to events: %w", err)
}

// catchUp folds what the log holds beyond the board.
func (l *leader) catchUp(ctx context.Context) error {
	for l.behind {
		events, err := l.bus.Read(ctx, l.board.Sequence(), readAtOnce, bus.Filter{})
		if err != nil {
			return fmt.Errorf("read events after %d: %w", l.board.Sequence(), err)
		}
		for _, m := range events {
			l.board.Evolve(m)
		}
		l.afterEvents(events)
		l.behind = len(events) > 0 // until there are none: unreadable ones are passed over
	}
	return nil
}

// readAtOnce is how many events are read at once.
const readAtOnce = 1000
