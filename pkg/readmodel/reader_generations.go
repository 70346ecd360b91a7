package readmodel

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/bus"
)

// ProjectionView is what is known of a projection: the state of the generation that serves, and what
// there is beside it.
type ProjectionView struct {
	ProjectionState
	Lineage Lineage `json:"generations"`
	// Order is the one last given, whether it was taken up yet or not.
	Order *Order `json:"order,omitempty"`
	// Progress is that of the build under way, or of the last one.
	Progress *BuildProgress `json:"progress,omitempty"`
	// Comparison is that of the last switch.
	Comparison *BuildComparison `json:"comparison,omitempty"`
}

// generations are what a reader knows of GenerationsBucket.
type generations struct {
	known       bool
	table       Generations
	orders      map[string]*Order
	progress    map[string]*BuildProgress
	comparisons map[string]*BuildComparison
}

func newGenerations() generations {
	return generations{orders: make(map[string]*Order), progress: make(map[string]*BuildProgress), comparisons: make(map[string]*BuildComparison)}
}

// watchGenerations keeps what is known of the generations current until ctx ends.
func (r *Reader) watchGenerations(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.watchGenerationsOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		r.log.Warn("the table of generations cannot be watched; trying again", "bucket", GenerationsBucket, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
		}
	}
}

func (r *Reader) watchGenerationsOnce(ctx context.Context) error {
	bucket, err := r.store.Bucket(ctx, GenerationsBucket)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	w := &watcher{reader: r, name: GenerationsBucket}
	group.Go(func() error {
		return endless(ctx, bucket.Watch(ctx, ">", func(entries []bus.Entry) {
			for _, e := range entries {
				if e.Key == bus.CheckpointKey {
					w.checkpoint.Store(e.Revision)
				}
				r.takeGenerations(e)
			}
		}, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.generations.known = true
			r.announce()
		}))
	})
	group.Go(func() error { return w.look(ctx, bucket) })
	return group.Wait()
}

// takeGenerations takes an entry. What cannot be read, or was deleted, leaves what is known: a
// projector writes the table again when it misses it.
func (r *Reader) takeGenerations(e bus.Entry) {
	if e.Deleted {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	g := &r.generations
	var err error
	switch {
	case e.Key == bus.CheckpointKey:
		var table Generations
		if table, err = ReadGenerations(e.Value); err == nil {
			g.table, g.known = table, true
		}
	case strings.HasPrefix(e.Key, OrderPrefix):
		err = takeInto(g.orders, strings.TrimPrefix(e.Key, OrderPrefix), e.Value)
	case strings.HasPrefix(e.Key, ProgressPrefix):
		err = takeInto(g.progress, strings.TrimPrefix(e.Key, ProgressPrefix), e.Value)
	case strings.HasPrefix(e.Key, ComparisonPrefix):
		err = takeInto(g.comparisons, strings.TrimPrefix(e.Key, ComparisonPrefix), e.Value)
	}
	if err != nil {
		r.log.Error("an entry about generations cannot be read", "bucket", GenerationsBucket, "key", e.Key, "error", err)
	}
	r.announce()
}

func takeInto[V any](views map[string]*V, name string, raw []byte) error {
	view := new(V)
	if err := json.Unmarshal(raw, view); err != nil {
		return err
	}
	views[name] = view
	return nil
}

// announce tells of news of the generations. It is called with mu held.
func (r *Reader) announce() {
	r.trust()
	close(r.turned)
	r.turned = make(chan struct{})
}

// trust decides whether silence means anything: not while the results are behind. It is called with
// mu held.
func (r *Reader) trust() {
	activity := r.states[activityBucket]
	lineage, _ := r.generations.table.Lineage(activityBucket)
	r.board.trusted = !activity.FlushedAt.IsZero() && !activity.Rebuilding && !lineage.Frozen
}

// serving returns the generation of a projection that serves; known is false while that is not known.
// turned is closed when there is news.
func (r *Reader) serving(name string) (generation int, known bool, turned <-chan struct{}) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	lineage, _ := r.generations.table.Lineage(name)
	return lineage.Serving, r.generations.known, r.turned
}

// awaitServing waits until it is known which generation serves; it returns 0 when ctx ends.
func (r *Reader) awaitServing(ctx context.Context, name string) int {
	for {
		generation, known, turned := r.serving(name)
		if known {
			return generation
		}
		select {
		case <-turned:
		case <-ctx.Done():
			return 0
		}
	}
}

// Projections implements Reads.
func (r *Reader) Projections() []ProjectionView {
	r.mu.RLock()
	defer r.mu.RUnlock()
	views := make([]ProjectionView, 0, len(r.states))
	for _, p := range Projections() {
		views = append(views, r.projection(p.Name()))
	}
	return views
}

// projection is called with mu held.
func (r *Reader) projection(name string) ProjectionView {
	g := &r.generations
	v := ProjectionView{ProjectionState: r.states[name], Order: g.orders[name], Progress: g.progress[name], Comparison: g.comparisons[name]}
	v.Name = name
	v.Lineage, _ = g.table.Lineage(name)
	return v
}

// Projection implements Reads.
func (r *Reader) Projection(name string) (view ProjectionView, news <-chan struct{}) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.projection(name), r.turned
}
