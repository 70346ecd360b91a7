package decider

import (
	"context"
	"errors"
	"fmt"

	"github.com/vedette/vedette/pkg/process/standby"
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
	return standby.Run(ctx, b, standby.Work{
		Name: lease, Holder: opt.Holder, Active: m.active,
		Failed: m.failures.WithLabelValues("lead"), Log: opt.Log, Now: opt.Now,
		Lead: func(process, held context.Context, fence uint64) error { return lead(process, held, b, opt, m, fence) },
	})
}

// lead is one term: from gaining the lease to losing it. process ends with the process, held with
// the lease too.
func lead(process, held context.Context, b Bus, opt Options, m *metrics, fence uint64) error {
	started := opt.Now()
	log := opt.Log.With("fence", fence)
	kept, err := openSnapshots(held, b, opt, m, fence)
	if err != nil {
		return standby.Ended(held, err)
	}
	l, err := load(held, b, kept, opt, m)
	if err != nil {
		return standby.Ended(held, err)
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
	return standby.Ended(held, err)
}
