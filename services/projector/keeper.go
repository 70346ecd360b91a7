package projector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/process/backoff"
	"github.com/vedette/vedette/pkg/readmodel"
)

// keeper keeps the generations of one projection during one term: the one that serves, and the one
// that is built beside it. Each is a worker's; the table of generations says which is which.
type keeper struct {
	bus     Bus
	opt     Options
	metrics *metrics
	ledger  *ledger
	log     *slog.Logger
	fence   uint64

	name      string
	version   int
	ofResults bool
	fresh     func() projection

	// turns are shared by all keepers of the term.
	turns turns
	// meetings is where the worker that builds meets the one that serves.
	meetings chan meeting
	orders   chan readmodel.Order

	// untidy says that there may be buckets of generations that nobody needs.
	untidy atomic.Bool
	// working are the generations that have a worker.
	mu      sync.Mutex
	working map[int]bool

	// process ends with the process; group has the workers of this term.
	process context.Context //nolint:containedctx // of the term, as the keeper is
	group   *errgroup.Group
	held    context.Context //nolint:containedctx // as above
}

// run keeps the generations until held ends, or another projector has taken over.
func (k *keeper) run(process, held context.Context) error {
	var pause backoff.Backoff
	lineage, err := k.begin(held)
	for err != nil {
		if errors.Is(err, errSuperseded) || held.Err() != nil {
			return err
		}
		k.metrics.failures.WithLabelValues(k.name, "work").Inc()
		k.log.Error("the generations of a read model cannot be told; trying again", "error", err)
		if !pause.Wait(held) {
			return nil
		}
		lineage, err = k.begin(held)
	}
	k.process = process
	k.group, k.held = errgroup.WithContext(held)
	k.working = make(map[int]bool)
	k.start(lineage.Serving) // which finds out whether it can be gone on with
	k.staff(lineage)
	k.group.Go(func() error { return k.obey(k.held) })
	return k.group.Wait()
}

// begin reads what there is, and removes what a predecessor left.
func (k *keeper) begin(ctx context.Context) (readmodel.Lineage, error) {
	lineage, err := k.lineage(ctx)
	if err != nil {
		return lineage, err
	}
	k.clean(ctx, lineage)
	return lineage, nil
}

// clean removes the generations that nobody needs; what cannot be removed is left to the next look.
func (k *keeper) clean(ctx context.Context, lineage readmodel.Lineage) {
	err := k.ledger.clean(ctx, k.name, lineage)
	if k.untidy.Store(err != nil); err != nil {
		k.log.Warn("generations that nobody needs are left for now", "error", err)
	}
}

// staff sees to it that the generations that need a worker have one.
func (k *keeper) staff(lineage readmodel.Lineage) {
	if !lineage.Frozen {
		k.start(lineage.Serving)
	}
	if lineage.Building != 0 {
		k.start(lineage.Building)
	}
}

// start sets a worker to a generation that has none. It is called by the keeper and its workers only.
func (k *keeper) start(generation int) {
	if !k.enlist(generation) {
		return
	}
	w := &worker{
		keeper: k, bus: k.bus, opt: k.opt, metrics: k.metrics, fence: k.fence,
		name: k.name, version: k.version, ofResults: k.ofResults, fresh: k.fresh,
		generation: generation, log: k.log.With("generation", generation),
	}
	k.group.Go(func() error {
		defer k.dismiss(generation)
		return w.run(k.process, k.held)
	})
}

func (k *keeper) enlist(generation int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.working[generation] {
		return false
	}
	k.working[generation] = true
	return true
}

func (k *keeper) dismiss(generation int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.working, generation)
}

// obey carries out orders until ctx ends, and looks now and then whether a generation is left without
// a worker, as when a change of the table took effect but its answer was lost.
func (k *keeper) obey(ctx context.Context) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			var lineage readmodel.Lineage
			if lineage, err = k.lineage(ctx); err != nil {
				break
			}
			k.staff(lineage)
			if k.untidy.Load() {
				k.clean(ctx, lineage)
			}
		case o := <-k.orders:
			if err = k.execute(ctx, o); err != nil && ctx.Err() == nil {
				k.untidy.Store(true)
				k.log.Error("an order about a read model cannot be carried out", "order", o.ID, "what", o.What, "error", err)
			}
		}
		if errors.Is(err, errSuperseded) {
			return err
		}
	}
}

// lineage reads that of the projection.
func (k *keeper) lineage(ctx context.Context) (readmodel.Lineage, error) {
	return k.ledger.change(ctx, k.name, func(*readmodel.Lineage) bool { return false })
}

// execute carries out one order, once.
func (k *keeper) execute(ctx context.Context, o readmodel.Order) error {
	var removed int
	var taken bool
	lineage, err := k.ledger.change(ctx, k.name, func(l *readmodel.Lineage) bool {
		if removed, taken = 0, l.Order != o.ID; !taken {
			return false
		}
		l.Order, l.Failed = o.ID, ""
		switch o.What {
		case readmodel.OrderRebuild:
			if l.Building == 0 {
				removed = next(l, "it was ordered")
			}
		case readmodel.OrderRollback:
			back(l)
		case readmodel.OrderPrune:
			if l.Rollback {
				l.Failed = "it is being brought up to date: wait until it serves"
				break
			}
			removed, l.Previous = l.Previous, 0
		default:
			l.Failed = fmt.Sprintf("order %q is unknown", o.What)
		}
		return true
	})
	if err != nil || !taken {
		return err
	}
	k.log.Info("an order about a read model is taken up", "order", o.ID, "what", o.What, "actor", o.Actor, "failed", lineage.Failed)
	k.staff(lineage)
	k.remove(ctx, removed)
	return nil
}

// next gives the next generation its number, and gives up the previous one to make room.
func next(l *readmodel.Lineage, reason string) (removed int) {
	removed = l.Previous
	l.Latest++
	l.Building, l.Previous, l.Rollback, l.Reason = l.Latest, 0, false, reason
	return removed
}

// back sets the previous generation to be brought up to date.
func back(l *readmodel.Lineage) {
	switch {
	case l.Building != 0:
		l.Failed = fmt.Sprintf("generation %d is being built: wait until it serves", l.Building)
	case l.Previous == 0:
		l.Failed = "there is no previous generation"
	default:
		l.Building, l.Rollback, l.Reason = l.Previous, true, "a rollback was ordered"
	}
}

// remove deletes the bucket of a generation; 0 is none.
func (k *keeper) remove(ctx context.Context, generation int) {
	if generation == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	if err := k.bus.DeleteBucket(ctx, readmodel.BucketOf(k.name, generation)); err != nil {
		k.untidy.Store(true)
		k.log.Warn("a generation that nobody needs is left for now", "removed", generation, "error", err)
	}
}

// watchOrders hands the orders to the keepers, by projection, until ctx ends.
func watchOrders(ctx context.Context, l *ledger, log *slog.Logger, keepers map[string]*keeper) error {
	var pause backoff.Backoff
	for {
		err := l.bucket.Watch(ctx, readmodel.OrderPrefix+"*", func(entries []bus.Entry) {
			pause.Reset()
			for _, e := range entries {
				k := keepers[e.Key[len(readmodel.OrderPrefix):]]
				var o readmodel.Order
				if e.Deleted || k == nil {
					continue
				}
				if err := json.Unmarshal(e.Value, &o); err != nil {
					log.Error("an order about a read model cannot be read", "key", e.Key, "error", err)
					continue
				}
				select {
				case k.orders <- o:
				case <-ctx.Done():
				}
			}
		}, nil)
		if ctx.Err() != nil {
			return nil
		}
		log.Warn("orders about read models cannot be watched; trying again", "error", err)
		if !pause.Wait(ctx) {
			return nil
		}
	}
}
