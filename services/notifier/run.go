// Package notifier tells people what has been decided. Today it tells the log: one line for every
// change of status and every incident, with the reason and the chain of causes.
//
// One notifier is active, by the lease "notifier"; others stand by. Its place in EVENTS is kept in
// the bucket "notifier", and moves on after the lines are written: after a crash a line may come
// twice, and none is left out.
package notifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// Lease is the name of the notifier's lease, Bucket that of the bucket of its checkpoint.
const (
	Lease  = "notifier"
	Bucket = "notifier"
)

// checkpointEvery is how many events that say nothing to anyone may pass before the checkpoint
// moves; a line in the log moves it at once.
const checkpointEvery = 1000

// saveTimeout bounds the writing of the checkpoint.
const saveTimeout = 2 * time.Second

// retryAfter is the pause after the bus has failed.
const retryAfter = time.Second

// Bus is what a notifier needs of the message bus.
type Bus interface {
	bus.Leases
	bus.Store
	Events
}

// Events is the reading end of EVENTS.
type Events interface {
	// The two are bus.EventLog's.
	Follow(ctx context.Context, after uint64, filter bus.Filter, handle func([]monitor.EventMessage) error, caughtUp func()) error
	Last(ctx context.Context) (uint64, error)
}

// Options configure a notifier. Zero fields take the defaults named here.
type Options struct {
	// ID names this process among those that want the lease. Required.
	ID string
	// Log takes the lines and what the notifier says of itself; default none. Registerer defaults
	// to no metrics.
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Run follows EVENTS whenever it holds the lease, until ctx ends; then it returns nil. Before, only
// an error in the options or of the lease itself ends it.
func Run(ctx context.Context, b Bus, opt Options) error {
	if opt.ID == "" {
		return errors.New("notifier options: id is required")
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	metrics, err := newMetrics(opt.Registerer)
	if err != nil {
		return fmt.Errorf("notifier metrics: %w", err)
	}
	n := &notifier{bus: b, log: opt.Log, metrics: metrics}
	err = b.Hold(ctx, Lease, opt.ID, n.hold)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("hold the notifier's lease: %w", err)
	}
	return nil
}

type notifier struct {
	bus     Bus
	log     *slog.Logger
	metrics *metrics
}

// hold follows for as long as the lease is held. What fails is tried again from the checkpoint; a
// conflict says that another notifier has moved it, and is settled the same way.
func (n *notifier) hold(ctx context.Context, fence uint64) error {
	n.log.Info("notifier active", "fence", fence)
	for {
		err := n.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			n.log.Warn("the notifier begins again from its checkpoint", "error", err)
		}
		timer := time.NewTimer(retryAfter)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

func (n *notifier) follow(ctx context.Context) error {
	bucket, err := n.bus.Bucket(ctx, Bucket)
	if err != nil {
		return fmt.Errorf("open the notifier's bucket: %w", err)
	}
	place, err := n.resume(ctx, bucket)
	if err != nil {
		return err
	}
	err = n.bus.Follow(ctx, place.Sequence, bus.Filter{}, func(messages []monitor.EventMessage) error {
		said := false
		for _, m := range messages {
			said = n.tell(ctx, m) || said
			place.Sequence = m.Sequence
		}
		n.metrics.sequence.Set(float64(place.Sequence))
		if said || place.Sequence-place.saved >= checkpointEvery {
			return place.save(ctx, bucket)
		}
		return nil
	}, nil)
	if err != nil {
		return fmt.Errorf("follow events: %w", err)
	}
	return nil
}

// resume returns the notifier's place. The first notifier ever begins at the end of EVENTS: nobody
// is to be told of what happened before there was somebody to tell.
func (n *notifier) resume(ctx context.Context, bucket bus.Bucket) (*place, error) {
	entry, err := bucket.Get(ctx, bus.CheckpointKey)
	switch {
	case err == nil:
		p := &place{revision: entry.Revision}
		if err := json.Unmarshal(entry.Value, p); err != nil {
			return nil, fmt.Errorf("read the notifier's checkpoint %q: %w", entry.Value, err)
		}
		p.saved = p.Sequence
		return p, nil
	case errors.Is(err, bus.ErrNoKey):
		last, err := n.bus.Last(ctx)
		if err != nil {
			return nil, fmt.Errorf("find the end of events: %w", err)
		}
		p := &place{Sequence: last}
		n.log.Info("notifier begins at the end of events", "sequence", last)
		return p, p.save(ctx, bucket)
	default:
		return nil, fmt.Errorf("read the notifier's checkpoint: %w", err)
	}
}

// place is how far the notifier has come.
type place struct {
	Sequence uint64 `json:"sequence"`

	saved, revision uint64
}

// save goes on when ctx has ended, for a moment: what has been told is not to be told again by the
// next notifier. Should the lease have been lost meanwhile, the expectation refuses it.
func (p *place) save(ctx context.Context, bucket bus.Bucket) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	value, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode the notifier's checkpoint: %w", err)
	}
	revision, err := bucket.Flush(ctx, nil, value, p.revision)
	if err != nil {
		return fmt.Errorf("keep the notifier's checkpoint: %w", err)
	}
	p.revision, p.saved = revision, p.Sequence
	return nil
}
