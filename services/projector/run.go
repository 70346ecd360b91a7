package projector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/process/backoff"
)

// errSuperseded: a holder with a higher fence is at work.
var errSuperseded = errors.New("another projector has taken over")

// Run projects while it holds the lease, and waits for the lease otherwise, until ctx ends; then it
// flushes what is folded and returns nil. Before that, only metrics that cannot be registered end it.
func Run(ctx context.Context, b Bus, opt Options) error {
	opt = opt.withDefaults()
	m, err := newMetrics(opt.Registerer)
	if err != nil {
		return fmt.Errorf("projector metrics: %w", err)
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
		case err != nil:
			opt.Log.Error("the projector failed and begins again", "error", err)
		}
		if !pause.Wait(ctx) {
			return nil
		}
	}
}

// longRun is how long a projector must have worked for its failure not to count as one in a row.
const longRun = 30 * time.Second

// lead is one term: from gaining the lease to losing it. process ends with the process, held with
// the lease too. Each projection works by itself: what is wrong with one does not stop the others.
func lead(process, held context.Context, b Bus, opt Options, m *metrics, fence uint64) error {
	opt.Log = opt.Log.With("fence", fence)
	opt.Log.Info("projector leads")
	group, ctx := errgroup.WithContext(held)
	for i, p := range opt.Projections() {
		w := &worker{
			bus: b, opt: opt, metrics: m, fence: fence,
			log: opt.Log.With("projection", p.Name()), name: p.Name(), version: p.Version(), ofResults: p.OfResults(),
		}
		w.fresh = func() projection { return opt.Projections()[i] }
		group.Go(func() error { return w.run(process, ctx) })
	}
	err := group.Wait()
	opt.Log.Info("projector leads no more")
	if held.Err() != nil {
		return nil
	}
	return err
}
