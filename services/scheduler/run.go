package scheduler

import (
	"context"
	"errors"
	"fmt"

	"github.com/vedette/vedette/pkg/process/standby"
)

// errSuperseded: a holder with a higher fence is at work.
var errSuperseded = errors.New("another scheduler has taken over")

// Run schedules while it holds the lease, and waits for the lease otherwise, until ctx ends; then it
// records how far it has come and returns nil. Before that, only an error in the options or a second
// scheduler in the same process ends it.
func Run(ctx context.Context, b Bus, opt Options) error {
	opt = opt.withDefaults()
	if err := opt.validate(); err != nil {
		return fmt.Errorf("scheduler options: %w", err)
	}
	m, err := newMetrics(opt.Registerer)
	if err != nil {
		return fmt.Errorf("scheduler metrics: %w", err)
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
	opt.Log = opt.Log.With("fence", fence)
	record, err := openRecord(held, b, opt, fence)
	if err != nil {
		return standby.Ended(held, err)
	}
	l := newLeader(b, opt, m, fence, record)
	opt.Log.Info("scheduler leads", "sent_up_to", record.done)
	err = l.run(held)
	if process.Err() != nil && l.planned {
		// The lease is still held: it is released after this returns.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(process), requestTimeout)
		defer cancel()
		if err := record.write(ctx, l.progress()); err != nil {
			opt.Log.Warn("progress was not recorded; the next scheduler sends some executions again", "error", err)
		}
	}
	opt.Log.Info("scheduler leads no more")
	return standby.Ended(held, err)
}
