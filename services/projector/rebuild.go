package projector

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/readmodel"
)

// rebuild is a fold of the whole log that is under way.
type rebuild struct {
	started, told time.Time
	// first and target are the sequences at which it began and at which it is done.
	first, target uint64
	messages      int
	// leftovers are the keys that the bucket held before.
	leftovers map[string]struct{}
}

// beginRebuild begins from nothing. A fold of events leaves the bucket as it is until all is folded,
// so that nobody sees a board of the past, and then replaces all of it at once; one of results, whose
// entries are too many to gather, empties the bucket first, and shows how its past comes back.
func (w *worker) beginRebuild(ctx context.Context, reason string) error {
	w.fold, w.position = w.fresh(), 0
	leftovers := make(map[string]struct{})
	if w.ofResults {
		if err := w.bus.DropBucket(ctx, w.name); err != nil {
			return fmt.Errorf("empty the bucket: %w", err)
		}
		bucket, err := w.bus.Bucket(ctx, w.name)
		if err != nil {
			return fmt.Errorf("open the bucket: %w", err)
		}
		w.bucket, w.revision = bucket, 0
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
	end, err := w.end(ctx)
	if err != nil {
		return fmt.Errorf("end of the log: %w", err)
	}
	first := uint64(1)
	if w.ofResults {
		if first, err = w.bus.FirstResult(ctx); err != nil {
			return fmt.Errorf("beginning of the log: %w", err)
		}
	}
	w.rebuild = newRebuild(w, first, end, leftovers)
	w.metrics.rebuilds.WithLabelValues(w.name).Inc()
	w.log.Log(ctx, w.rebuild.level(), "read model is built from the log", "reason", reason, "from", first, "to", end)
	return nil
}

func newRebuild(w *worker, first, target uint64, leftovers map[string]struct{}) *rebuild {
	now := w.opt.Now()
	w.metrics.progress.WithLabelValues(w.name).Set(0)
	return &rebuild{started: now, told: now, first: first, target: target, leftovers: leftovers}
}

// level is that of its beginning and end in the log: of no interest at the very first start, when
// there is nothing to build from.
func (r *rebuild) level() slog.Level {
	if r.target == 0 {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// tell logs how far the rebuild is, now and then.
func (r *rebuild) tell(w *worker, messages int) {
	r.messages += messages
	share := 1.0
	if r.target > r.first && w.position < r.target {
		share = float64(w.position+1-min(w.position+1, r.first)) / float64(r.target-r.first+1)
	}
	w.metrics.progress.WithLabelValues(w.name).Set(share)
	now := w.opt.Now()
	if now.Sub(r.told) < tellEvery {
		return
	}
	r.told = now
	took := now.Sub(r.started)
	var left time.Duration
	if share > 0 {
		left = time.Duration(float64(took) * (1 - share) / share).Round(time.Second)
	}
	w.log.Info("read model is being built", "position", w.position, "percent", int(100*share),
		"messages_per_second", int(float64(r.messages)/took.Seconds()), "left", left)
}

// done tells that all is written.
func (r *rebuild) done(ctx context.Context, w *worker) {
	took := w.opt.Now().Sub(r.started)
	w.metrics.progress.WithLabelValues(w.name).Set(1)
	w.log.Log(ctx, r.level(), "read model is built", "position", w.position, "messages", r.messages, "took", took,
		"messages_per_second", int(float64(r.messages)/max(took.Seconds(), 1e-3)))
}

// withoutLeftovers adds the deletion of what the bucket held before and is not written again.
func (r *rebuild) withoutLeftovers(changes []readmodel.Change) []readmodel.Change {
	for _, c := range changes {
		delete(r.leftovers, c.Key)
	}
	for key := range r.leftovers {
		changes = append(changes, readmodel.Change{Key: key})
	}
	r.leftovers = nil
	return changes
}
