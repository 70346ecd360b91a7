package projector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/readmodel"
)

// unusable says why a generation cannot be gone on with; the zero value says that it can.
type unusable struct {
	reason string
	// empty: there is nothing in it that anybody could read meanwhile.
	empty bool
	// version: nothing is wrong with it but that another version of the program wrote it.
	version bool
}

func (w *worker) bucketName() string { return readmodel.BucketOf(w.name, w.generation) }

// part returns whether the generation is being built, or serves. errReplaced: neither.
func (w *worker) part(ctx context.Context) (building bool, err error) {
	lineage, err := w.keeper.lineage(ctx)
	switch {
	case err != nil:
		return false, err
	case lineage.Serving == w.generation:
		return false, nil
	case lineage.Building == w.generation:
		return true, nil
	}
	return false, errReplaced
}

// open restores the fold from its bucket, or begins to build it.
func (w *worker) open(ctx context.Context) (err error) {
	if w.building, err = w.part(ctx); err != nil {
		return err
	}
	opening, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	bucket, err := w.bus.Bucket(opening, w.bucketName())
	if err != nil {
		return fmt.Errorf("open the bucket: %w", err)
	}
	w.bucket, w.fold, w.rebuild, w.pending, w.inheriting = bucket, w.fresh(), nil, nil, false
	for range attempts {
		why, changed, err := w.restore(opening)
		switch {
		case err != nil:
			return err
		case changed:
			continue // a predecessor's last flush
		case why.reason != "":
			return w.renew(ctx, why)
		}
		return w.resume(ctx)
	}
	return fmt.Errorf("the bucket changed %d times while it was read", attempts)
}

// attempts is how often a bucket is read that changes under the reader.
const attempts = 5

// openTimeout bounds the reading of a bucket.
const openTimeout = 6 * requestTimeout

// restore reads checkpoint and entries. why says why they cannot be used, changed that they changed
// meanwhile.
func (w *worker) restore(ctx context.Context) (why unusable, changed bool, err error) {
	w.kept, w.revision = checkpoint{}, 0
	entry, err := w.bucket.Get(ctx, bus.CheckpointKey)
	if errors.Is(err, bus.ErrNoKey) {
		return unusable{reason: "there is none", empty: true}, false, nil
	}
	if err != nil {
		return unusable{}, false, fmt.Errorf("read the checkpoint: %w", err)
	}
	w.revision = entry.Revision
	if err := json.Unmarshal(entry.Value, &w.kept); err != nil {
		w.kept = checkpoint{}
		return unusable{reason: fmt.Sprintf("its checkpoint cannot be read: %v", err)}, false, nil
	}
	switch {
	case w.kept.Name != w.name:
		return unusable{reason: fmt.Sprintf("its checkpoint is that of %q", w.kept.Name)}, false, nil
	case w.kept.Version != w.version:
		return unusable{reason: fmt.Sprintf("it is of version %d, this program writes %d", w.kept.Version, w.version), version: true}, false, nil
	case w.kept.Inheriting:
		return unusable{reason: "it has not taken over all of its predecessor"}, false, nil
	case w.kept.Rebuilding && !w.ofResults && !w.building:
		return unusable{reason: "a rebuild was not finished", empty: true}, false, nil
	}
	var entries []bus.Entry
	for _, pattern := range w.fold.Needs() {
		some, err := w.bucket.List(ctx, pattern)
		if err != nil {
			return unusable{}, false, fmt.Errorf("read the entries %s: %w", pattern, err)
		}
		entries = append(entries, some...)
	}
	again, err := w.bucket.Get(ctx, bus.CheckpointKey)
	if err != nil && !errors.Is(err, bus.ErrNoKey) {
		return unusable{}, false, fmt.Errorf("read the checkpoint: %w", err)
	}
	if again.Revision != w.revision {
		return unusable{}, true, nil
	}
	if err := w.fold.Restore(entries); err != nil {
		w.fold = w.fresh()
		return unusable{reason: fmt.Sprintf("it cannot be read: %v", err)}, false, nil
	}
	return unusable{}, false, nil
}

// resume goes on from the checkpoint, when the log still reaches back to it.
func (w *worker) resume(ctx context.Context) error {
	position, log := w.kept.position(w.ofResults)
	first, end, err := w.bounds(ctx)
	if err != nil {
		return err
	}
	if position > end {
		w.fold = w.fresh()
		return w.renew(ctx, unusable{reason: fmt.Sprintf("%s ends at %d, folded was %d: it was begun anew", log, end, position)})
	}
	w.position = position
	if first > position+1 && position > 0 {
		w.log.Warn("results were dropped by the retention of RESULTS before they were folded", "messages", first-position-1)
	}
	if w.kept.Rebuilding || w.building {
		w.rebuild = newRebuild(w, max(first, position+1), end, nil)
	}
	if !w.building {
		err := w.keeper.thaw(ctx)
		if err != nil {
			return err
		}
	}
	w.log.Info("read model goes on", "position", w.position, "behind", end-w.position, "building", w.building)
	return nil
}

// bounds returns the first sequence that the log holds, and its end.
func (w *worker) bounds(ctx context.Context) (first, end uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if end, err = w.end(ctx); err != nil {
		return 0, 0, fmt.Errorf("end of the log: %w", err)
	}
	first = 1
	if w.ofResults {
		if first, err = w.bus.FirstResult(ctx); err != nil {
			return 0, 0, fmt.Errorf("beginning of the log: %w", err)
		}
	}
	return max(1, first), end, nil
}

// end returns the end of the log.
func (w *worker) end(ctx context.Context) (uint64, error) {
	if w.ofResults {
		return w.bus.LastResult(ctx)
	}
	return w.bus.Last(ctx)
}
