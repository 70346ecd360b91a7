package projector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/process/backoff"
	"github.com/vedette/vedette/pkg/readmodel"
)

// flush writes what has changed, and the position reached. It tries again until it has, or until ctx
// ends or somebody else has written.
func (w *worker) flush(ctx context.Context) error {
	w.flushed = w.opt.Now()
	w.pending = append(w.pending, w.fold.Dirty()...)
	if w.rebuild != nil && w.caughtUp {
		w.pending = w.rebuild.withoutLeftovers(w.pending)
	}
	keys := len(w.pending)
	var pause backoff.Backoff
	for {
		err := w.write(ctx)
		if err == nil {
			break
		}
		if errors.Is(err, errLost) || ctx.Err() != nil {
			return err
		}
		w.metrics.failures.WithLabelValues(w.name, "flush").Inc()
		w.log.Warn("a read model cannot be written; trying again", "error", err)
		if !pause.Wait(ctx) {
			return ctx.Err()
		}
		if err := w.check(ctx); err != nil {
			return err
		}
		w.flushed = w.opt.Now()
	}
	w.took = w.opt.Now().Sub(w.flushed)
	w.metrics.flushes.WithLabelValues(w.name).Observe(w.took.Seconds())
	w.metrics.keys.WithLabelValues(w.name).Add(float64(keys))
	if w.caughtUp && !w.stored.IsZero() {
		w.metrics.delay.WithLabelValues(w.name).Observe(max(0, w.opt.Now().Sub(w.stored).Seconds()))
	}
	if w.rebuild != nil && w.caughtUp && !w.building {
		w.rebuild.done(ctx, w)
		w.rebuild = nil
	}
	return nil
}

// write writes what is pending in as few batches as it needs. Only the last moves the position: until
// then the values carry their own.
func (w *worker) write(ctx context.Context) error {
	for {
		n := batchOf(w.pending)
		position, rebuilding := w.position, w.rebuild != nil && !w.caughtUp
		if n < len(w.pending) {
			position, _ = w.kept.position(w.ofResults)
			rebuilding = w.rebuild != nil
		}
		if err := w.put(ctx, w.pending[:n], w.next(position, rebuilding)); err != nil {
			return err
		}
		if w.pending = w.pending[n:]; len(w.pending) == 0 {
			w.pending = nil
			return nil
		}
	}
}

// batchOf returns how many of the changes go into one batch.
func batchOf(changes []readmodel.Change) int {
	size := 0
	for n, c := range changes {
		if size += len(c.Key) + len(c.Value); n == bus.MaxFlush || (n > 0 && size > maxFlushBytes) {
			return n
		}
	}
	return len(changes)
}

// put writes one batch. errLost: the checkpoint is another's.
func (w *worker) put(ctx context.Context, changes []readmodel.Change, next checkpoint) error {
	text, err := next.encode()
	if err != nil {
		return err
	}
	puts := make(map[string][]byte, len(changes))
	for _, c := range changes {
		puts[c.Key] = c.Value
	}
	// A write once begun is waited for even while stopping: cut off, it may be stored all the same.
	writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	revision, err := w.bucket.Flush(writing, puts, text, w.revision)
	if err != nil {
		revision, err = w.settle(ctx, text, err)
	}
	if err != nil {
		return err
	}
	w.kept, w.revision = next, revision
	return nil
}

// settle finds out what became of a write that failed: it may have been written, with only the
// answer lost. It returns the checkpoint's revision if so, else an error.
func (w *worker) settle(ctx context.Context, text []byte, cause error) (uint64, error) {
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	entry, err := w.bucket.Get(asking, bus.CheckpointKey)
	switch {
	case errors.Is(err, bus.ErrNoKey):
		entry = bus.Entry{}
	case err != nil:
		return 0, errors.Join(cause, err)
	}
	switch {
	case entry.Revision == w.revision:
		return 0, cause
	case bytes.Equal(entry.Value, text):
		return entry.Revision, nil
	}
	return 0, w.lost(entry, cause)
}

// lookTimeout bounds a look at the bucket.
const lookTimeout = 2 * time.Second

// lost says who has written instead.
func (w *worker) lost(there bus.Entry, cause error) error {
	var other checkpoint
	if there.Revision == 0 {
		return errors.Join(fmt.Errorf("%w: its bucket was dropped", errLost), cause)
	}
	if err := json.Unmarshal(there.Value, &other); err == nil && other.Fence > w.fence {
		return errors.Join(fmt.Errorf("%w: %w: its fence is %d, mine %d", errLost, errSuperseded, other.Fence, w.fence), cause)
	}
	return errors.Join(fmt.Errorf("%w: its checkpoint has revision %d, written was %d", errLost, there.Revision, w.revision), cause)
}

// check makes sure that the checkpoint is the one that was written. A bucket that somebody has
// deleted is made again. While the server is away it says nothing; the next write tells.
func (w *worker) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	entry, err := w.bucket.Get(ctx, bus.CheckpointKey)
	if err != nil && !errors.Is(err, bus.ErrNoKey) {
		bucket, openErr := w.bus.Bucket(ctx, w.bucketName())
		if openErr != nil {
			return nil //nolint:nilerr // the server is away
		}
		w.bucket = bucket
		entry, err = bucket.Get(ctx, bus.CheckpointKey)
	}
	switch {
	case errors.Is(err, bus.ErrNoKey):
		entry = bus.Entry{}
	case err != nil:
		return nil //nolint:nilerr // as above
	}
	if entry.Revision != w.revision {
		return w.lost(entry, nil)
	}
	return nil
}

// look makes sure, while nothing is written, that bucket and log are what they were, and that the
// generation still has its part.
func (w *worker) look(ctx context.Context) error {
	if err := w.check(ctx); err != nil {
		return err
	}
	building, err := w.part(ctx)
	switch {
	case errors.Is(err, errReplaced), errors.Is(err, errSuperseded):
		return err
	case err == nil && building != w.building:
		return fmt.Errorf("%w: the table of generations has changed", errLost)
	}
	asking, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	end, err := w.end(asking)
	if err != nil {
		return nil //nolint:nilerr // the server is away
	}
	if end < w.position {
		return fmt.Errorf("%w: the log ends at %d, folded is %d: it was begun anew", errLost, end, w.position)
	}
	w.metrics.lag.WithLabelValues(w.name).Set(float64(end - w.position))
	return nil
}

// lastFlush flushes what is folded at the end of the process, while the lease is still held.
func (w *worker) lastFlush(process context.Context) {
	if _, wanted := w.flushIn(); !wanted {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(process), lastFlushTimeout)
	defer cancel()
	if err := w.flush(ctx); err != nil {
		w.log.Warn("a read model was not written at the end; its next projector folds the rest again", "error", err)
	}
}
