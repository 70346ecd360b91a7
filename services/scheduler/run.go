package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vedette/vedette/pkg/bus"
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
	pause := newBackoff()
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
			return fmt.Errorf("scheduler: %w", err)
		case err != nil:
			m.failures.WithLabelValues("lead").Inc()
			opt.Log.Error("the scheduler failed and begins again", "error", err)
		}
		if !pause.Wait(ctx) {
			return nil
		}
	}
}

// longRun is how long a scheduler must have worked for its failure not to count as one in a row.
const longRun = 30 * time.Second

// lead is one term: from gaining the lease to losing it. process ends with the process, held with
// the lease too.
func lead(process, held context.Context, b Bus, opt Options, m *metrics, fence uint64) error {
	opt.Log = opt.Log.With("fence", fence)
	record, err := openRecord(held, b, opt, fence)
	if err != nil {
		return ended(held, err)
	}
	checks, err := b.Bucket(held, checksBucket)
	if err != nil {
		return ended(held, fmt.Errorf("open the checks: %w", err))
	}
	l := newLeader(b, opt, m, fence, record)
	opt.Log.Info("scheduler leads", "sent_up_to", record.done)
	err = l.run(held, checks)
	if process.Err() != nil && l.planned {
		// The lease is still held: it is released after this returns.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(process), requestTimeout)
		defer cancel()
		if err := record.write(ctx, l.progress()); err != nil {
			opt.Log.Warn("progress was not recorded; the next scheduler sends some executions again", "error", err)
		}
	}
	opt.Log.Info("scheduler leads no more")
	return ended(held, err)
}

// ended turns the failures that come of the end of ctx into nil.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
