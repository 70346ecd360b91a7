package jetstream

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/vedette/vedette/pkg/bus"
)

const integrityEvery = time.Hour

// GuardEvents checks EVENTS now and every hour until ctx ends. When it fails, EVENTS is not written
// to any more: Append and Probe return bus.ErrCorrupt.
func (b *Bus) GuardEvents(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := b.checkEvents(ctx); err != nil && ctx.Err() == nil {
			b.log.Error("the integrity of EVENTS is in doubt", "error", err)
		}
		wait(ctx, integrityEvery)
	}
	return nil
}

// checkEvents counts what EVENTS holds against what it should: it begins with its first event, has
// no gap, and as many messages can be read as it says it has.
func (b *Bus) checkEvents(ctx context.Context) error {
	state, err := b.state(ctx, streamEvents)
	if err != nil {
		return err
	}
	if state.Msgs == 0 && state.LastSeq == 0 {
		return nil
	}
	if state.FirstSeq != 1 || state.NumDeleted != 0 || state.LastSeq != state.Msgs {
		return b.damage(fmt.Errorf("%w: it has %d events from %d to %d, %d of them deleted", bus.ErrCorrupt,
			state.Msgs, state.FirstSeq, state.LastSeq, state.NumDeleted))
	}
	begun := time.Now()
	counted, err := b.countEvents(ctx, state.LastSeq)
	if err != nil {
		return err
	}
	if counted != state.Msgs {
		return b.damage(fmt.Errorf("%w: %d of its %d events can be read", bus.ErrCorrupt, counted, state.Msgs))
	}
	b.log.Info("EVENTS is whole", "events", counted, "took", time.Since(begun).Round(time.Millisecond))
	return nil
}

func (b *Bus) damage(err error) error {
	b.damaged.Store(true)
	b.metrics.damaged.Set(1)
	b.log.Error("EVENTS is damaged and is not written to any more: restore it from a backup", "error", err)
	return err
}

// countEvents reads the headers of all events up to last.
func (b *Bus) countEvents(ctx context.Context, last uint64) (counted uint64, err error) {
	consumer, err := b.js.OrderedConsumer(ctx, streamEvents, jetstream.OrderedConsumerConfig{HeadersOnly: true, InactiveThreshold: time.Minute})
	if err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(5000))
	if err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	defer messages.Stop()
	for {
		waiting, cancel := context.WithTimeout(ctx, requestTimeout)
		m, err := messages.Next(jetstream.NextContext(waiting))
		cancel()
		if err != nil {
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
			return counted, nil // nothing more comes: what is missing is missing
		}
		meta, err := m.Metadata()
		if err != nil {
			return 0, fmt.Errorf("count events: %w", err)
		}
		if meta.Sequence.Stream > last {
			return counted, nil
		}
		counted++
		if meta.Sequence.Stream == last {
			return counted, nil
		}
	}
}
