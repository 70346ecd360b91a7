package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/bus"
)

// beginsBucket holds what is at work: of each heartbeat check that said so, when its work began. That
// is no fact of history until it ends, and then it is in the result.
const beginsBucket = "heartbeats"

// begins notes when work began. It is safe for concurrent use.
type begins struct {
	store bus.Store

	mu     sync.Mutex
	bucket bus.Bucket
}

type begun struct {
	At time.Time `json:"at,omitzero"`
}

func (b *begins) open(ctx context.Context) (bus.Bucket, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bucket == nil {
		bucket, err := b.store.Bucket(ctx, beginsBucket)
		if err != nil {
			return nil, fmt.Errorf("open the notes of what is at work: %w", err)
		}
		b.bucket = bucket
	}
	return b.bucket, nil
}

// note says that a check's work began.
func (b *begins) note(ctx context.Context, check string, at time.Time) error {
	bucket, err := b.open(ctx)
	if err != nil {
		return err
	}
	return put(ctx, bucket, check, begun{at})
}

// end returns when the work began that has now ended, and forgets it; zero when nobody said.
func (b *begins) end(ctx context.Context, check string) (time.Time, error) {
	bucket, err := b.open(ctx)
	if err != nil {
		return time.Time{}, err
	}
	entry, err := bucket.Get(ctx, check)
	if errors.Is(err, bus.ErrNoKey) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read when the work of %s began: %w", check, err)
	}
	var note begun
	if err := json.Unmarshal(entry.Value, &note); err != nil || note.At.IsZero() {
		return time.Time{}, nil // as if nobody had said
	}
	return note.At, put(ctx, bucket, check, begun{})
}

// dues tells heartbeats of one check apart, whose results would be taken for one if they were due in the
// same millisecond. It is safe for concurrent use.
type dues struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// next returns the millisecond at hand, or the one after the last.
func (d *dues) next(check string, now time.Time) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := now.UTC().Truncate(time.Millisecond)
	if last := d.last[check]; !at.After(last) {
		at = last.Add(time.Millisecond)
	}
	d.last[check] = at
	return at
}

func put(ctx context.Context, bucket bus.Bucket, check string, note begun) error {
	raw, err := json.Marshal(note)
	if err != nil {
		return fmt.Errorf("note when the work of %s began: %w", check, err)
	}
	if err := bucket.Put(ctx, check, raw); err != nil {
		return fmt.Errorf("note when the work of %s began: %w", check, err)
	}
	return nil
}
