package projector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/vedette/vedette/pkg/bus"
)

// open restores the fold from its bucket, or begins to rebuild it.
func (w *worker) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	bucket, err := w.bus.Bucket(ctx, w.name)
	if err != nil {
		return fmt.Errorf("open the bucket: %w", err)
	}
	w.bucket, w.fold, w.rebuild, w.pending = bucket, w.fresh(), nil, nil
	for range attempts {
		reason, changed, err := w.restore(ctx)
		switch {
		case err != nil:
			return err
		case changed:
			continue // a predecessor's last flush
		case reason != "":
			return w.beginRebuild(ctx, reason)
		}
		return w.resume(ctx)
	}
	return fmt.Errorf("the bucket changed %d times while it was read", attempts)
}

// attempts is how often a bucket is read that changes under the reader.
const attempts = 5

// openTimeout bounds the reading of a bucket.
const openTimeout = 6 * requestTimeout

// restore reads checkpoint and entries. reason says why they cannot be used, changed that they
// changed meanwhile.
func (w *worker) restore(ctx context.Context) (reason string, changed bool, err error) {
	w.kept, w.revision = checkpoint{}, 0
	entry, err := w.bucket.Get(ctx, bus.CheckpointKey)
	if errors.Is(err, bus.ErrNoKey) {
		return "there is none", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read the checkpoint: %w", err)
	}
	w.revision = entry.Revision
	if err := json.Unmarshal(entry.Value, &w.kept); err != nil {
		w.kept = checkpoint{}
		return fmt.Sprintf("its checkpoint cannot be read: %v", err), false, nil
	}
	switch {
	case w.kept.Name != w.name:
		return fmt.Sprintf("its checkpoint is that of %q", w.kept.Name), false, nil
	case w.kept.Version != w.version:
		return fmt.Sprintf("it is of version %d, this program writes %d", w.kept.Version, w.version), false, nil
	case w.kept.Rebuilding && !w.ofResults:
		return "a rebuild was not finished", false, nil
	}
	var entries []bus.Entry
	for _, pattern := range w.fold.Needs() {
		some, err := w.bucket.List(ctx, pattern)
		if err != nil {
			return "", false, fmt.Errorf("read the entries %s: %w", pattern, err)
		}
		entries = append(entries, some...)
	}
	again, err := w.bucket.Get(ctx, bus.CheckpointKey)
	if err != nil && !errors.Is(err, bus.ErrNoKey) {
		return "", false, fmt.Errorf("read the checkpoint: %w", err)
	}
	if again.Revision != w.revision {
		return "", true, nil
	}
	if err := w.fold.Restore(entries); err != nil {
		w.fold = w.fresh()
		return fmt.Sprintf("it cannot be read: %v", err), false, nil
	}
	return "", false, nil
}

// resume goes on from the checkpoint, when the log still reaches back to it.
func (w *worker) resume(ctx context.Context) error {
	position, log := w.kept.position(w.ofResults)
	end, err := w.end(ctx)
	if err != nil {
		return fmt.Errorf("end of %s: %w", log, err)
	}
	if position > end {
		w.fold = w.fresh()
		return w.beginRebuild(ctx, fmt.Sprintf("%s ends at %d, folded was %d: it was begun anew", log, end, position))
	}
	w.position = position
	if w.ofResults {
		first, err := w.bus.FirstResult(ctx)
		if err != nil {
			return fmt.Errorf("beginning of %s: %w", log, err)
		}
		if first > position+1 && position > 0 {
			w.log.Warn("results were dropped by the retention of RESULTS before they were folded", "messages", first-position-1)
		}
		if w.kept.Rebuilding {
			w.rebuild = newRebuild(w, first, end, nil)
		}
	}
	w.log.Info("read model goes on", "position", w.position, "behind", end-w.position)
	return nil
}

// end returns the end of the log.
func (w *worker) end(ctx context.Context) (uint64, error) {
	if w.ofResults {
		return w.bus.LastResult(ctx)
	}
	return w.bus.Last(ctx)
}
