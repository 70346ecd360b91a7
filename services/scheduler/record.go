package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vedette/vedette/pkg/bus"
)

const (
	// recordBucket holds the progress record: under progressKey, and as its checkpoint, which is
	// what fences it.
	recordBucket = "schedule"
	progressKey  = "progress"
)

// progress is the record as it is kept.
type progress struct {
	// SentUpTo is the time up to which every due execution was dispatched, or missed for good.
	SentUpTo time.Time `json:"sent_up_to"`
	Holder   string    `json:"holder"`
	Fence    uint64    `json:"fence"`
}

// record keeps how far the schedulers have come.
type record struct {
	bucket   bus.Bucket
	holder   string
	fence    uint64
	revision uint64
	// done is what the predecessor left; the beginning of this term when there was none.
	done time.Time
}

func openRecord(ctx context.Context, b Bus, opt Options, fence uint64) (*record, error) {
	bucket, err := b.Bucket(ctx, recordBucket)
	if err != nil {
		return nil, fmt.Errorf("open the schedule: %w", err)
	}
	r := &record{bucket: bucket, holder: opt.Holder, fence: fence, done: opt.Now().UTC()}
	there, err := r.read(ctx)
	var broken *json.SyntaxError
	switch {
	case errors.As(err, &broken):
		opt.Log.Error("the progress record cannot be read; missed executions are not made up for", "error", err)
	case err != nil:
		return nil, err
	case r.revision > 0:
		r.done = there.SentUpTo
	}
	return r, nil
}

func (r *record) read(ctx context.Context) (progress, error) {
	var p progress
	entry, err := r.bucket.Get(ctx, bus.CheckpointKey)
	if errors.Is(err, bus.ErrNoKey) {
		r.revision = 0
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("read the progress record: %w", err)
	}
	r.revision = entry.Revision
	if err := json.Unmarshal(entry.Value, &p); err != nil {
		return progress{}, fmt.Errorf("read the progress record: %w", err)
	}
	return p, nil
}

// write records progress, unless another scheduler has: errSuperseded when its fence is higher. A
// conflict with an earlier write of one's own, or of a predecessor, is settled by the next.
func (r *record) write(ctx context.Context, sentUpTo time.Time) error {
	text, err := json.Marshal(progress{SentUpTo: sentUpTo.UTC(), Holder: r.holder, Fence: r.fence})
	if err != nil {
		return fmt.Errorf("encode the progress record: %w", err)
	}
	revision, err := r.bucket.Flush(ctx, map[string][]byte{progressKey: text}, text, r.revision)
	if err == nil {
		r.revision = revision
		return nil
	}
	var conflict *bus.ConflictError
	if !errors.As(err, &conflict) {
		return fmt.Errorf("write the progress record: %w", err)
	}
	there, readErr := r.read(ctx)
	switch {
	case readErr != nil:
		return errors.Join(err, readErr)
	case there.Fence > r.fence:
		return fmt.Errorf("%w: its fence is %d, mine %d", errSuperseded, there.Fence, r.fence)
	}
	return fmt.Errorf("write the progress record: %w", err)
}

// recordFailed returns the error that ends the term, if err is one.
func (l *leader) recordFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	l.metrics.failures.WithLabelValues("progress").Inc()
	l.opt.Log.Warn("progress was not recorded", "error", err)
	if errors.Is(err, errSuperseded) {
		return err
	}
	return nil
}
