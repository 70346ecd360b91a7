package projector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

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

	// meetings is where the worker that builds meets the one that serves.
	meetings chan meeting
	orders   chan readmodel.Order

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
	k.start(lineage.Serving)
	if lineage.Building != 0 {
		k.start(lineage.Building)
	}
	k.group.Go(func() error { return k.obey(k.held) })
	return k.group.Wait()
}

// begin reads what there is, and removes what a predecessor left.
func (k *keeper) begin(ctx context.Context) (readmodel.Lineage, error) {
	lineage, err := k.ledger.change(ctx, k.name, func(*readmodel.Lineage) bool { return false })
	if err != nil {
		return lineage, err
	}
	if err := k.ledger.clean(ctx, k.name, lineage); err != nil {
		k.log.Warn("generations that nobody needs are left for now", "error", err)
	}
	return lineage, nil
}

// start sets a worker to a generation. It is called by the keeper and its workers only.
func (k *keeper) start(generation int) {
	w := &worker{
		keeper: k, bus: k.bus, opt: k.opt, metrics: k.metrics, fence: k.fence,
		name: k.name, version: k.version, ofResults: k.ofResults, fresh: k.fresh,
		generation: generation, log: k.log.With("generation", generation),
	}
	k.group.Go(func() error { return w.run(k.process, k.held) })
}

// obey carries out orders until ctx ends.
func (k *keeper) obey(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case o := <-k.orders:
			err := k.execute(ctx, o)
			if errors.Is(err, errSuperseded) {
				return err
			}
			if err != nil && ctx.Err() == nil {
				k.log.Error("an order about a read model cannot be carried out", "order", o.ID, "what", o.What, "error", err)
			}
		}
	}
}

// execute carries out one order, once.
func (k *keeper) execute(ctx context.Context, o readmodel.Order) error {
	var begin, removed int
	lineage, err := k.ledger.change(ctx, k.name, func(l *readmodel.Lineage) bool {
		if begin, removed = 0, 0; l.Order == o.ID {
			return false
		}
		l.Order, l.Failed = o.ID, ""
		switch o.What {
		case readmodel.OrderRebuild:
			if l.Building == 0 {
				begin, removed = next(l, "it was ordered")
			}
		case readmodel.OrderRollback:
			begin = back(l)
		case readmodel.OrderPrune:
			removed, l.Previous = l.Previous, 0
		default:
			l.Failed = fmt.Sprintf("order %q is unknown", o.What)
		}
		return true
	})
	if err != nil {
		return err
	}
	k.log.Info("an order about a read model is taken up", "order", o.ID, "what", o.What, "actor", o.Actor, "failed", lineage.Failed)
	if begin != 0 {
		k.start(begin)
	}
	return k.remove(ctx, removed)
}

// next gives the next generation its number, and gives up the previous one to make room.
func next(l *readmodel.Lineage, reason string) (begin, removed int) {
	removed = l.Previous
	l.Latest++
	l.Building, l.Previous, l.Rollback, l.Reason = l.Latest, 0, false, reason
	return l.Building, removed
}

// back sets the previous generation to be brought up to date.
func back(l *readmodel.Lineage) (begin int) {
	switch {
	case l.Building != 0:
		l.Failed = fmt.Sprintf("generation %d is being built: wait until it serves", l.Building)
	case l.Previous == 0:
		l.Failed = "there is no previous generation"
	default:
		l.Building, l.Rollback, l.Reason = l.Previous, true, "a rollback was ordered"
		return l.Building
	}
	return 0
}

// remove deletes the bucket of a generation; 0 is none.
func (k *keeper) remove(ctx context.Context, generation int) error {
	if generation == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	return k.bus.DeleteBucket(ctx, readmodel.BucketOf(k.name, generation))
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
