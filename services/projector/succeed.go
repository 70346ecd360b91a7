package projector

import (
	"context"
	"errors"

	"github.com/vedette/vedette/pkg/readmodel"
)

// maxMeetings is how often the two generations try to meet before one takes the other's place without
// having been compared at the same position: the one that serves may be what is wrong.
const maxMeetings = 3

// succeed has the generation that was built take the place of the one that serves: both come to the
// same position, are compared, and the table names the new one.
func (w *worker) succeed(ctx context.Context, batches <-chan batch) error {
	c, end, err := w.compare(ctx, batches)
	if err != nil {
		return err
	}
	c.New, c.At = w.generation, w.opt.Now().UTC()
	var removed int
	lineage, err := w.keeper.ledger.change(ctx, w.name, func(l *readmodel.Lineage) bool {
		if l.Serving == w.generation || l.Building != w.generation {
			return false
		}
		if removed = 0; l.Spoiled {
			removed = l.Serving
		}
		w.switchTo(l)
		return true
	})
	if err == nil && lineage.Serving != w.generation {
		err = errReplaced
	}
	if err != nil {
		w.keeper.untidy.Store(true)
		end(false)
		return err
	}
	end(true)
	w.proof.stop()
	w.building, w.beside, w.proof = false, false, nil
	w.leave()
	w.log.Info("another generation of a read model serves", "before", c.Old, "position", c.NewPosition,
		"same", c.Same, "different", c.Different, "only_old", c.OnlyOld, "only_new", c.OnlyNew, "note", c.Note)
	if err := w.keeper.ledger.tell(ctx, readmodel.ComparisonPrefix+w.name, c); err != nil {
		w.log.Warn("the comparison of two generations cannot be told", "error", err)
	}
	if w.rebuild != nil {
		w.rebuild.done(ctx, w)
		w.rebuild = nil
	}
	w.keeper.remove(ctx, removed)
	return nil
}

// switchTo makes the generation the one that serves. The one before is kept, unless it is spoiled.
func (w *worker) switchTo(l *readmodel.Lineage) {
	l.Previous, l.Serving, l.Building = l.Serving, w.generation, 0
	if l.Spoiled {
		l.Previous = 0
	}
	l.Frozen, l.Spoiled, l.Rollback, l.Reason = false, false, false, ""
	l.SwitchedAt = w.opt.Now().UTC()
}

// compare compares the two generations at the same position, where they come to one. end ends the
// meeting.
func (w *worker) compare(ctx context.Context, batches <-chan batch) (c readmodel.BuildComparison, end func(replaced bool), err error) {
	note := ""
	for range maxMeetings {
		lineage, err := w.keeper.lineage(ctx)
		if err != nil {
			return c, nil, err
		}
		if lineage.Frozen {
			note = "nobody kept the old one up to date: " + lineage.Reason
			break
		}
		var at uint64
		at, end, err = w.meet(ctx, batches)
		if err == nil {
			if c, err = w.compareAt(ctx, at); err == nil {
				return c, end, nil
			}
			end(false)
		}
		if !errors.Is(err, errMissed) {
			return c, nil, err
		}
		note = err.Error()
		w.log.Warn("two generations of a read model did not meet", "error", err)
	}
	if err := w.flushMoved(ctx); err != nil {
		return c, nil, err
	}
	c = w.proof.compare(ctx)
	c.Note = note
	return c, func(bool) {}, nil
}

// compareAt compares the generations when both imprints are those of a position.
func (w *worker) compareAt(ctx context.Context, at uint64) (readmodel.BuildComparison, error) {
	waiting, cancel := context.WithTimeout(ctx, meetingTimeout/2)
	defer cancel()
	for _, i := range []*imprint{w.proof.old, w.proof.fresh} {
		if err := i.await(waiting, at); err != nil {
			return readmodel.BuildComparison{}, err
		}
	}
	return w.proof.compare(waiting), nil
}
