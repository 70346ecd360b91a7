package projector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/readmodel"
)

// renew does what is to be done about a generation that cannot be gone on with. One that serves and
// can be read goes on serving as it stands, while the next is built beside it.
func (w *worker) renew(ctx context.Context, why unusable) error {
	switch {
	case !w.building && why.empty:
		return w.beginInPlace(ctx, why.reason)
	case !w.building:
		if err := w.keeper.replace(ctx, w.generation, why); err != nil {
			return err
		}
		return errReplaced
	}
	lineage, err := w.keeper.lineage(ctx)
	if err != nil {
		return err
	}
	if lineage.Rollback {
		if err := w.keeper.giveUp(ctx, w.generation, why.reason); err != nil {
			return err
		}
		return errReplaced
	}
	return w.begin(ctx, lineage)
}

// beginInPlace builds the generation that serves from the log, where it holds nothing yet, or a part.
// A fold of events leaves the bucket as it is until all is folded, so that nobody sees a board of the
// past; one of results shows how its past comes back.
func (w *worker) beginInPlace(ctx context.Context, reason string) error {
	w.fold, w.position = w.fresh(), 0
	leftovers := make(map[string]struct{})
	if w.ofResults {
		if err := w.empty(ctx); err != nil {
			return err
		}
	} else {
		entries, err := w.bucket.List(ctx, ">")
		if err != nil {
			return fmt.Errorf("list what is to be replaced: %w", err)
		}
		for _, e := range entries {
			if e.Key != bus.CheckpointKey {
				leftovers[e.Key] = struct{}{}
			}
		}
	}
	w.kept = checkpoint{Flush: w.kept.Flush}
	first, end, err := w.bounds(ctx)
	if err != nil {
		return err
	}
	w.rebuild = newRebuild(w, first, end, leftovers)
	w.metrics.rebuilds.WithLabelValues(w.name).Inc()
	w.log.Log(ctx, w.rebuild.level(), "read model is built from the log", "reason", reason, "from", first, "to", end)
	return nil
}

// empty drops all that the bucket holds.
func (w *worker) empty(ctx context.Context) error {
	if err := w.bus.DropBucket(ctx, w.bucketName()); err != nil {
		return fmt.Errorf("empty the bucket: %w", err)
	}
	bucket, err := w.bus.Bucket(ctx, w.bucketName())
	if err != nil {
		return fmt.Errorf("open the bucket: %w", err)
	}
	w.bucket, w.revision = bucket, 0
	return nil
}

// begin begins a generation beside the one that serves: with what that one holds of the time before
// the log's beginning, where the projection can take it over.
func (w *worker) begin(ctx context.Context, lineage readmodel.Lineage) error {
	w.fold = w.fresh()
	if err := w.empty(ctx); err != nil {
		return err
	}
	w.kept = checkpoint{Flush: w.kept.Flush}
	first, end, err := w.bounds(ctx)
	if err != nil {
		return err
	}
	w.position = first - 1
	w.rebuild = newRebuild(w, first, end, nil)
	w.rebuild.reason = lineage.Reason
	w.metrics.rebuilds.WithLabelValues(w.name).Inc()
	w.log.Info("the next generation of a read model is built from the log", "reason", lineage.Reason, "from", first, "to", end)
	if err := w.inherit(ctx, lineage.Serving, first, end); err != nil {
		return fmt.Errorf("take over what the log no longer holds: %w", err)
	}
	w.rebuild.phase = readmodel.PhaseFolding
	return nil
}

// inherit takes over what generation from holds of the time before sequence first, the log's
// beginning.
func (w *worker) inherit(ctx context.Context, from int, first, end uint64) error {
	heir, ok := w.fold.(readmodel.Heir)
	if !ok || first <= 1 {
		return nil
	}
	old, err := w.bus.Bucket(ctx, readmodel.BucketOf(w.name, from))
	if err != nil {
		return fmt.Errorf("open generation %d: %w", from, err)
	}
	entry, err := old.Get(ctx, bus.CheckpointKey)
	if errors.Is(err, bus.ErrNoKey) {
		return nil // there is nothing to take over
	}
	if err != nil {
		return fmt.Errorf("read the checkpoint of generation %d: %w", from, err)
	}
	var there checkpoint
	if err := json.Unmarshal(entry.Value, &there); err == nil && there.Results > end {
		return nil // its sequences are those of another log
	}
	log := readmodel.Beginning{First: first, At: w.opt.Now()}
	if oldest, err := w.bus.ReadResults(ctx, first-1, 1); err != nil {
		return fmt.Errorf("read the beginning of the log: %w", err)
	} else if len(oldest) > 0 {
		log.At = oldest[0].StoredAt
	}
	w.rebuild.phase, w.inheriting = readmodel.PhaseInheriting, true
	w.tellProgress(ctx)
	taken := 0
	for _, pattern := range heir.Heirlooms() {
		if err := w.takeOver(ctx, old, pattern, log, heir, &taken); err != nil {
			return err
		}
	}
	w.pending = append(w.pending, w.fold.Dirty()...)
	if err := w.write(ctx); err != nil {
		return err
	}
	w.inheriting = false
	if err := w.put(ctx, nil, w.next(w.position, true)); err != nil {
		return err
	}
	w.log.Info("what the log no longer holds is taken over", "from_generation", from, "entries", taken)
	return nil
}

// takeOver hands the entries of a pattern to the heir and writes what comes of them, as they come:
// they may be more than memory holds.
func (w *worker) takeOver(ctx context.Context, old bus.Bucket, pattern string, log readmodel.Beginning, heir readmodel.Heir, taken *int) error {
	reading, done := context.WithCancel(ctx)
	defer done()
	var failed error
	err := old.Watch(reading, pattern, func(entries []bus.Entry) {
		for _, e := range entries {
			if e.Deleted || reading.Err() != nil {
				continue
			}
			changes, err := heir.Inherit(e, log)
			if err != nil { // it was wrong before, and stays behind
				w.log.Warn("an entry cannot be taken over into the next generation", "key", e.Key, "error", err)
				continue
			}
			*taken++
			w.pending = append(w.pending, changes...)
		}
		if batchOf(w.pending) < len(w.pending) {
			if failed = w.write(ctx); failed != nil {
				done()
			}
		}
	}, done)
	switch {
	case failed != nil:
		return failed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}

// replace has the next generation built because the one that serves cannot be gone on with. Where the
// previous one is of this program's version, as after going back to an older program, that one is
// brought up to date instead.
func (k *keeper) replace(ctx context.Context, generation int, why unusable) error {
	k.log.Warn("a read model serves as it stands while its next generation is built", "generation", generation, "reason", why.reason)
	lineage, err := k.lineage(ctx)
	if err != nil {
		return err
	}
	before := lineage.Previous
	fits := why.version && before != 0 && k.fits(ctx, before)
	var removed int
	lineage, err = k.ledger.change(ctx, k.name, func(l *readmodel.Lineage) bool {
		if removed = 0; l.Serving != generation {
			return false
		}
		l.Frozen, l.Spoiled = true, !why.version
		switch {
		case l.Building != 0:
		case fits && l.Previous == before:
			back(l)
		default:
			removed = next(l, why.reason)
		}
		return true
	})
	if err != nil {
		k.untidy.Store(true)
		return err
	}
	k.staff(lineage)
	k.remove(ctx, removed)
	return nil
}

// fits reports whether a generation is of this program's version.
func (k *keeper) fits(ctx context.Context, generation int) bool {
	bucket, err := k.bus.Bucket(ctx, readmodel.BucketOf(k.name, generation))
	if err != nil {
		return false
	}
	entry, err := bucket.Get(ctx, bus.CheckpointKey)
	var c checkpoint
	return err == nil && json.Unmarshal(entry.Value, &c) == nil && c.Version == k.version
}

// thaw notes that the generation that serves is kept up to date.
func (k *keeper) thaw(ctx context.Context) error {
	_, err := k.ledger.change(ctx, k.name, func(l *readmodel.Lineage) bool {
		changed := l.Frozen || l.Spoiled
		l.Frozen, l.Spoiled = false, false
		return changed
	})
	return err
}

// giveUp ends a rollback that cannot be. Where nobody keeps the serving one up to date, the next
// generation is built instead.
func (k *keeper) giveUp(ctx context.Context, generation int, reason string) error {
	var removed int
	lineage, err := k.ledger.change(ctx, k.name, func(l *readmodel.Lineage) bool {
		if removed = 0; l.Building != generation {
			return false
		}
		l.Building, l.Rollback, l.Failed = 0, false, fmt.Sprintf("generation %d cannot be gone back to: %s", generation, reason)
		if l.Frozen {
			removed = next(l, l.Reason)
		}
		return true
	})
	if err != nil {
		k.untidy.Store(true)
		return err
	}
	k.log.Error("a read model cannot go back to its previous generation", "reason", lineage.Failed)
	k.staff(lineage)
	k.remove(ctx, removed)
	return nil
}
