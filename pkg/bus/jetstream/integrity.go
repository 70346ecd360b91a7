package jetstream

import (
	"context"
	"encoding/json"
	"errors"
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

// bucketIntegrity holds, under keyMark, the last event that was found whole. A store that lost its
// tail does not know that it had more; the mark does.
const (
	bucketIntegrity = "integrity"
	keyMark         = "events"
)

// mark is an event that was there.
type mark struct {
	Sequence uint64 `json:"sequence"`
	ID       string `json:"id"`
}

// checkEvents counts what EVENTS holds against what it should: it begins with its first event, has
// no gap, as many messages can be read as it says it has, and what was there at the last check is.
func (b *Bus) checkEvents(ctx context.Context) error {
	state, err := b.state(ctx, streamEvents)
	if err != nil {
		return err
	}
	if err := b.checkMark(ctx, state.LastSeq); err != nil {
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
	return b.setMark(ctx, state.LastSeq)
}

// checkMark looks whether the event at the mark is still there, and the same.
func (b *Bus) checkMark(ctx context.Context, last uint64) error {
	marks, err := b.Bucket(ctx, bucketIntegrity)
	if err != nil {
		return err
	}
	entry, err := marks.Get(ctx, keyMark)
	if errors.Is(err, bus.ErrNoKey) {
		return nil
	}
	if err != nil {
		return err
	}
	var was mark
	if err := json.Unmarshal(entry.Value, &was); err != nil {
		return fmt.Errorf("read the mark of the last check: %w", err)
	}
	if last < was.Sequence {
		return b.damage(fmt.Errorf("%w: it ends at event %d, and had %d at the last check", bus.ErrCorrupt, last, was.Sequence))
	}
	is, err := b.eventID(ctx, was.Sequence)
	if err != nil {
		return err
	}
	if is != was.ID {
		return b.damage(fmt.Errorf("%w: event %d has the id %q, and had %q at the last check", bus.ErrCorrupt, was.Sequence, is, was.ID))
	}
	return nil
}

func (b *Bus) setMark(ctx context.Context, sequence uint64) error {
	id, err := b.eventID(ctx, sequence)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(mark{Sequence: sequence, ID: id})
	if err != nil {
		return fmt.Errorf("encode the mark of this check: %w", err)
	}
	marks, err := b.Bucket(ctx, bucketIntegrity)
	if err != nil {
		return err
	}
	return marks.Put(ctx, keyMark, raw)
}

// eventID returns the id of an event; empty when it is not there.
func (b *Bus) eventID(ctx context.Context, sequence uint64) (string, error) {
	stream, err := b.stream(ctx, streamEvents)
	if err != nil {
		return "", err
	}
	raw, err := stream.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look at event %d: %w", sequence, err)
	}
	return headerOf(raw.Header)("ce-id"), nil
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
	defer b.dismiss(streamEvents, consumer)
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
