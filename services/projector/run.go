package projector

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/process/standby"
	"github.com/vedette/vedette/pkg/readmodel"
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
	return standby.Run(ctx, b, standby.Work{
		Name: lease, Holder: opt.Holder, Active: m.active, Log: opt.Log, Now: opt.Now,
		Lead: func(process, held context.Context, fence uint64) error { return lead(process, held, b, opt, m, fence) },
	})
}

// lead is one term: from gaining the lease to losing it. process ends with the process, held with
// the lease too. Each projection works by itself: what is wrong with one does not stop the others.
func lead(process, held context.Context, b Bus, opt Options, m *metrics, fence uint64) error {
	opt.Log = opt.Log.With("fence", fence)
	opt.Log.Info("projector leads")
	ledger, err := openLedger(held, b, fence)
	if err != nil {
		return standby.Ended(held, err)
	}
	keepers := make(map[string]*keeper)
	turns := newTurns()
	for i, p := range opt.Projections() {
		k := &keeper{
			bus: b, opt: opt, metrics: m, ledger: ledger, fence: fence,
			log: opt.Log.With("projection", p.Name()), name: p.Name(), version: p.Version(), ofResults: p.OfResults(),
			turns: turns, meetings: make(chan meeting), orders: make(chan readmodel.Order),
		}
		k.fresh = func() projection { return opt.Projections()[i] }
		keepers[k.name] = k
	}
	group, ctx := errgroup.WithContext(held)
	for _, k := range keepers {
		group.Go(func() error { return k.run(process, ctx) })
	}
	group.Go(func() error { return watchOrders(ctx, ledger, opt.Log, keepers) })
	err = group.Wait()
	opt.Log.Info("projector leads no more")
	if held.Err() != nil {
		return nil
	}
	return err
}
