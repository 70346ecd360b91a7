package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/chain"
)

const (
	// bucketChain holds the chain of EVENTS, a page under each key pageKey; its checkpoint is the head.
	bucketChain = "chain"
	leaseChain  = "chain"
	// chainPause is the least time between two writes of a page that is not full.
	chainPause = time.Second
	// chainRetry is the pause after the chain could not be carried on, chainDamaged that where EVENTS
	// is damaged: it will not mend by itself.
	chainRetry   = 5 * time.Second
	chainDamaged = time.Minute
)

func pageKey(n uint64) string { return fmt.Sprintf("page.%d", n) }

// KeepChain carries the chain of EVENTS on beside it, until ctx ends. One of those who call it is
// active, by a lease. What an event was when it was chained is what verifications compare it with.
func (b *Bus) KeepChain(ctx context.Context, holder string) error {
	return b.Hold(ctx, leaseChain, holder, func(ctx context.Context, _ uint64) error {
		for ctx.Err() == nil {
			pause := chainRetry
			if err := b.keepChain(ctx); err != nil && ctx.Err() == nil {
				b.log.Warn("the chain of EVENTS cannot be carried on; trying again", "error", err)
				if errors.Is(err, bus.ErrCorrupt) {
					pause = chainDamaged
				}
			}
			wait(ctx, pause)
		}
		return nil
	})
}

func (b *Bus) keepChain(ctx context.Context) error {
	k := &chainKeeper{}
	var err error
	if k.bucket, err = b.Bucket(ctx, bucketChain); err != nil {
		return err
	}
	if k.page, k.revision, err = loadChain(ctx, k.bucket); err != nil {
		return err
	}
	state, err := b.state(ctx, streamEvents)
	if err != nil {
		return err
	}
	if state.LastSeq < k.page.Head.Sequence {
		return fmt.Errorf("%w: it ends at event %d, and the chain at %d", bus.ErrCorrupt, state.LastSeq, k.page.Head.Sequence)
	}
	return b.tail(ctx, tailing{stream: streamEvents, after: k.page.Head.Sequence, filters: []string{allEvents}, handle: func(raw []jetstream.Msg) error {
		return k.take(ctx, raw)
	}})
}

// chainKeeper folds EVENTS into the chain.
type chainKeeper struct {
	bucket   bus.Bucket
	page     chain.Page
	revision uint64
}

// take chains events. A full page is written at once, another one when there is nothing more at hand,
// and not too often.
func (k *chainKeeper) take(ctx context.Context, raw []jetstream.Msg) error {
	more := false
	for _, m := range raw {
		event, err := chainEvent(m)
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("message without metadata: %w", err)
		}
		more = meta.NumPending > 0
		if event.Sequence != k.page.Head.Sequence+1 {
			return fmt.Errorf("%w: event %d follows %d", bus.ErrCorrupt, event.Sequence, k.page.Head.Sequence)
		}
		k.page.Add(event.Digest())
		if k.page.Full() {
			if err := k.write(ctx); err != nil {
				return err
			}
		}
	}
	if more || k.page.Full() {
		return nil
	}
	if err := k.write(ctx); err != nil {
		return err
	}
	wait(ctx, chainPause)
	return nil
}

func (k *chainKeeper) write(ctx context.Context) error {
	page, err := k.page.MarshalBinary()
	if err != nil {
		return err
	}
	revision, err := k.bucket.Flush(ctx, map[string][]byte{pageKey(k.page.Number()): page}, []byte(k.page.Head.String()), k.revision)
	if err != nil {
		return fmt.Errorf("keep the chain: %w", err)
	}
	k.revision = revision
	return nil
}

// loadChain returns the page at the head of the chain that is kept, and the revision of its checkpoint.
func loadChain(ctx context.Context, bucket bus.Bucket) (page chain.Page, revision uint64, err error) {
	entry, err := bucket.Get(ctx, bus.CheckpointKey)
	if errors.Is(err, bus.ErrNoKey) {
		return page, 0, nil
	}
	if err != nil {
		return page, 0, err
	}
	head, err := chain.ParseHead(string(entry.Value))
	if err != nil {
		return page, 0, fmt.Errorf("read the head of the chain: %w", err)
	}
	page, err = loadPage(ctx, bucket, chain.PageOf(max(1, head.Sequence)))
	if err == nil && page.Head != head {
		err = fmt.Errorf("the last page of the chain ends at %s, and its head is %s", page.Head, head)
	}
	return page, entry.Revision, err
}

func loadPage(ctx context.Context, bucket bus.Bucket, n uint64) (page chain.Page, err error) {
	entry, err := bucket.Get(ctx, pageKey(n))
	if err != nil {
		return page, err
	}
	if err := page.UnmarshalBinary(entry.Value); err != nil {
		return page, fmt.Errorf("page %d of the chain: %w", n, err)
	}
	return page, nil
}

// chainEvent is a message of EVENTS as it is chained: as it is stored, not as it is understood.
func chainEvent(m jetstream.Msg) (chain.Event, error) {
	meta, err := m.Metadata()
	if err != nil {
		return chain.Event{}, fmt.Errorf("message without metadata: %w", err)
	}
	return chain.Event{Sequence: meta.Sequence.Stream, Subject: m.Subject(), Headers: m.Headers(), Body: m.Data()}, nil
}
