package projector

import (
	"context"
	"log/slog"
	"time"

	"github.com/vedette/vedette/pkg/readmodel"
)

// rebuild is a fold of the whole log that is under way.
type rebuild struct {
	started, told, logged time.Time
	// first and target are the sequences at which it began and at which it is done.
	first, target uint64
	messages      int
	phase         string
	reason        string
	// leftovers are the keys that the bucket held before.
	leftovers map[string]struct{}
}

func newRebuild(w *worker, first, target uint64, leftovers map[string]struct{}) *rebuild {
	now := w.opt.Now()
	w.metrics.progress.WithLabelValues(w.name).Set(0)
	return &rebuild{started: now, logged: now, first: first, target: target, leftovers: leftovers, phase: readmodel.PhaseFolding}
}

// level is that of its beginning and end in the log: of no interest at the very first start, when
// there is nothing to build from.
func (r *rebuild) level() slog.Level {
	if r.target == 0 {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// share is how much of the log is folded, 0 to 1.
func (r *rebuild) share(position uint64) float64 {
	switch {
	case position >= r.target:
		return 1
	case position < r.first:
		return 0
	}
	return float64(position+1-r.first) / float64(r.target-r.first+1)
}

// at is the progress as of now.
func (r *rebuild) at(w *worker) readmodel.BuildProgress {
	now := w.opt.Now()
	took, share := now.Sub(r.started), r.share(w.position)
	p := readmodel.BuildProgress{
		Generation: w.generation, Reason: r.reason, Phase: r.phase, StartedAt: r.started.UTC(), UpdatedAt: now.UTC(),
		From: r.first, To: r.target, Position: w.position, Messages: r.messages, Percent: 100 * share,
	}
	if took > 0 {
		p.PerSecond = float64(r.messages) / took.Seconds()
	}
	if share > 0 && share < 1 {
		p.LeftMS = time.Duration(float64(took) * (1 - share) / share).Milliseconds()
	}
	return p
}

// tellProgress tells how far the rebuild is, now and then.
func (w *worker) tellProgress(ctx context.Context) {
	r := w.rebuild
	now := w.opt.Now()
	if r == nil || r.target == 0 || now.Sub(r.told) < tellEvery {
		return
	}
	r.told = now
	w.publish(ctx)
	if now.Sub(r.logged) < logEvery {
		return
	}
	r.logged = now
	p := r.at(w)
	w.log.Info("read model is being built", "position", p.Position, "percent", int(p.Percent),
		"messages_per_second", int(p.PerSecond), "left", time.Duration(p.LeftMS)*time.Millisecond)
}

// publish tells everybody how far it is.
func (w *worker) publish(ctx context.Context) {
	p := w.rebuild.at(w)
	w.metrics.progress.WithLabelValues(w.name).Set(p.Percent / 100)
	if err := w.keeper.ledger.tell(ctx, readmodel.ProgressPrefix+w.name, p); err != nil {
		w.log.Debug("the progress of a build cannot be told", "error", err)
	}
}

// done tells that all is written. A generation that is built is not done before it serves.
func (r *rebuild) done(ctx context.Context, w *worker) {
	r.phase = readmodel.PhaseDone
	if r.target > 0 {
		w.publish(ctx)
	}
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
