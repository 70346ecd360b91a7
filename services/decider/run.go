package decider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/process/backoff"
)

// errSuperseded: a holder with a higher fence is at work.
var errSuperseded = errors.New("another decider has taken over")

// Run decides while it holds the lease, and waits for the lease otherwise, until ctx ends; then it
// finishes what is in hand, takes a snapshot and returns nil. Before that, only an error in the
// options or a second decider in the same process ends it.
func Run(ctx context.Context, b Bus, opt Options) error {
	opt = opt.withDefaults()
	if err := opt.validate(); err != nil {
		return fmt.Errorf("decider options: %w", err)
	}
	m, err := newMetrics(opt.Registerer)
	if err != nil {
		return fmt.Errorf("decider metrics: %w", err)
	}
	var pause backoff.Backoff
	for {
		err := b.Hold(ctx, lease, opt.Holder, func(held context.Context, fence uint64) error {
			m.active.Set(1)
			defer m.active.Set(0)
			started := opt.Now()
			err := lead(ctx, held, b, opt, m, fence)
			if opt.Now().Sub(started) > longRun {
				pause.Reset()
			}
			return err
		})
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, bus.ErrHandlerTaken):
			return fmt.Errorf("decider: %w", err)
		case err != nil:
			m.failures.WithLabelValues("lead").Inc()
			opt.Log.Error("the decider failed and begins again", "error", err)
		}
		if !pause.Wait(ctx) {
			return nil
		}
	}
}

// longRun is how long a decider must have worked for its failure not to count as one in a row.
const longRun = 30 * time.Second

// lead is one term: from gaining the lease to losing it. process ends with the process, held with
// the lease too.
func lead(process, held context.Context, b Bus, opt Options, m *metrics, fence uint64) error {
	started := opt.Now()
	log := opt.Log.With("fence", fence)
	kept, err := openSnapshots(held, b, opt, m, fence)
	if err != nil {
		return ended(held, err)
	}
	l, err := load(held, b, kept, opt, m)
	if err != nil {
		return ended(held, err)
	}
	l.log = log
	log.Info("decider leads", "events", l.board.Sequence(), "results", l.results,
		"checks", len(l.board.Checks()), "took", opt.Now().Sub(started))
	err = l.run(held)
	if process.Err() != nil || held.Err() == nil {
		// The lease is still held: it is released after this returns.
		l.lastSnapshot(process)
	}
	log.Info("decider leads no more", "events", l.board.Sequence(), "results", l.results)
	return ended(held, err)
}

// ended turns the failures that come of the end of ctx into nil.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
