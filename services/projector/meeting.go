package projector

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A meeting brings the worker that serves and the one that builds to the same position, so that what
// they hold can be compared and one can take the place of the other without a step back. The server
// folds and writes exactly up to there, then stands still until the meeting is over.
type meeting struct {
	// at is where the builder stands.
	at uint64
	// agreed gets the position of the meeting: at, or where the server stands if that is later.
	agreed chan<- uint64
	// outcome tells the server to go on (false), or that another generation serves now (true). Closed,
	// it tells to go on.
	outcome <-chan bool
}

// meetingTimeout bounds each step of a meeting: nobody stands still for somebody that is stuck.
const meetingTimeout = 10 * time.Second

var (
	// errReplaced: the worker's generation neither serves nor is built any more.
	errReplaced = errors.New("another generation has taken its place")
	// errMissed: the two did not meet.
	errMissed = errors.New("the two generations did not come to the same position")
)

// attend is the server's part of a meeting.
func (w *worker) attend(ctx context.Context, m meeting, batches <-chan batch) error {
	to := max(m.at, w.position)
	m.agreed <- to
	if err := w.foldTo(ctx, to, batches); err != nil {
		if errors.Is(err, errMissed) {
			w.log.Warn("a meeting of generations was left", "error", err)
			return nil
		}
		return err
	}
	if err := w.flushMoved(ctx); err != nil {
		return err
	}
	timeout := time.NewTimer(meetingTimeout)
	defer timeout.Stop()
	select {
	case replaced := <-m.outcome:
		if replaced {
			return errReplaced
		}
	case <-timeout.C:
	case <-ctx.Done():
	}
	return nil
}

// foldTo folds exactly up to a position, and keeps the rest of what was read for later. errMissed:
// it did not come in time.
func (w *worker) foldTo(ctx context.Context, to uint64, batches <-chan batch) error {
	timeout := time.NewTimer(meetingTimeout)
	defer timeout.Stop()
	for w.position < to {
		b := w.rest
		if w.rest = (batch{}); b.empty() {
			select {
			case b = <-batches:
			case <-timeout.C:
				return fmt.Errorf("%w: at %d, wanted %d", errMissed, w.position, to)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		n := len(b.messages)
		for n > 0 && b.messages[n-1].Sequence > to {
			n--
		}
		w.take(batch{messages: b.messages[:n], caughtUp: b.caughtUp && n == len(b.messages)})
		w.rest = batch{messages: b.messages[n:], caughtUp: b.caughtUp && n < len(b.messages)}
	}
	return nil
}

// flushMoved flushes, where there is anything that is not written.
func (w *worker) flushMoved(ctx context.Context) error {
	if position, _ := w.kept.position(w.ofResults); position == w.position && w.revision != 0 && !w.kept.Rebuilding {
		return nil
	}
	return w.flush(ctx)
}

// meet is the builder's part: it returns the position at which both stand still, and what ends the
// meeting. errMissed: there is none.
func (w *worker) meet(ctx context.Context, batches <-chan batch) (at uint64, end func(replaced bool), err error) {
	agreed, outcome := make(chan uint64, 1), make(chan bool, 1)
	end = func(replaced bool) { outcome <- replaced }
	timeout := time.NewTimer(meetingTimeout)
	defer timeout.Stop()
	select {
	case w.keeper.meetings <- meeting{at: w.position, agreed: agreed, outcome: outcome}:
	case <-timeout.C:
		return 0, nil, fmt.Errorf("%w: nobody serves", errMissed)
	case <-ctx.Done():
		return 0, nil, ctx.Err()
	}
	at = <-agreed // at once
	if err := w.foldTo(ctx, at, batches); err != nil {
		end(false)
		return 0, nil, err
	}
	if err := w.flushMoved(ctx); err != nil {
		end(false)
		return 0, nil, err
	}
	return at, end, nil
}
