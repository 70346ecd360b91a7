package readmodel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/bus"
)

const (
	// lookEvery is how often a watch is compared with its bucket, and the pause after a failure.
	lookEvery  = 5 * time.Second
	retryAfter = 250 * time.Millisecond
	// lookTimeout bounds one look.
	lookTimeout = 5 * time.Second
)

// watcher keeps what the reader knows of one bucket current, whatever happens to bucket and watch.
type watcher struct {
	reader   *Reader
	name     string
	caughtUp func()
	// known are the keys that the reader has, and in which watch each was last seen.
	known map[string]int
	round int
	// lines are those of the pages, by key; seed is that of their hashes.
	lines map[string]pageLines
	seed  maphash.Seed
	// checkpoint is the revision of the checkpoint last seen.
	checkpoint atomic.Uint64
	// broken holds the keys whose entries could not be read, so that each is told of once.
	broken map[string]struct{}
	// loading are the changes gathered while a bucket is read: they are shown together. loaded says
	// that it is read.
	loading []func(*Reader)
	loaded  bool
}

// errSwitched: another generation serves.
var errSwitched = errors.New("another generation serves")

// errSilent: a bucket has changed, and its watch does not tell.
var errSilent = errors.New("the bucket was made anew, or its watch has fallen silent")

// run ends with ctx.
func (w *watcher) run(ctx context.Context) {
	w.known, w.lines, w.broken = make(map[string]int), make(map[string]pageLines), make(map[string]struct{})
	w.seed = maphash.MakeSeed()
	for ctx.Err() == nil {
		err := w.watch(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errSwitched) {
			continue
		}
		w.reader.log.Warn("a read model cannot be watched; going on with what is known, and trying again", "bucket", w.name, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
		}
	}
}

// watch reads the bucket that serves from the beginning and follows it, until another one serves.
// What it holds is shown at once when all of it has been read, and what is not there any more is
// dropped with that: until then readers see what was there before.
func (w *watcher) watch(ctx context.Context) error {
	generation := w.reader.awaitServing(ctx, w.name)
	if generation == 0 {
		return nil
	}
	bucket, err := w.reader.store.Bucket(ctx, BucketOf(w.name, generation))
	if err != nil {
		return err
	}
	w.round++
	w.loading, w.loaded = nil, false
	w.checkpoint.Store(0)
	group, ctx := errgroup.WithContext(ctx)
	patterns := watched(w.name)
	entries := make(chan []bus.Entry)
	arrived := make(chan struct{}, len(patterns))
	for _, pattern := range patterns {
		group.Go(func() error {
			err := bucket.Watch(ctx, pattern, func(batch []bus.Entry) {
				select {
				case entries <- batch:
				case <-ctx.Done():
				}
			}, func() { arrived <- struct{}{} })
			if err == nil && ctx.Err() == nil {
				err = errSilent
			}
			return err
		})
	}
	group.Go(func() error { return w.take(ctx, bucket, entries, arrived, len(patterns)) })
	group.Go(func() error { return w.look(ctx, bucket) })
	group.Go(func() error { return w.attend(ctx, generation) })
	return group.Wait()
}

// attend returns errSwitched when another generation serves.
func (w *watcher) attend(ctx context.Context, generation int) error {
	for {
		now, _, turned := w.reader.serving(w.name)
		if now != generation {
			return errSwitched
		}
		select {
		case <-turned:
		case <-ctx.Done():
			return nil
		}
	}
}

// watched returns the patterns of the entries of a bucket that are kept in memory.
func watched(name string) []string {
	switch name {
	case historyBucket:
		return []string{bus.CheckpointKey}
	case activityBucket:
		return []string{pagePrefix + "*", bus.CheckpointKey}
	case tracesBucket:
		return []string{beganKey, bus.CheckpointKey}
	case TimelineName:
		return []string{indexPrefix + "*", bus.CheckpointKey}
	case countsBucket:
		return []string{monthPrefix + "*", latelyKey, presentKey, bus.CheckpointKey}
	default:
		return []string{">"}
	}
}

// take takes what the watches tell.
func (w *watcher) take(ctx context.Context, bucket bus.Bucket, entries <-chan []bus.Entry, arrived <-chan struct{}, patterns int) error {
	for {
		select {
		case batch := <-entries:
			w.apply(batch)
		case <-arrived:
			if patterns--; patterns == 0 {
				w.show(bucket)
				w.caughtUp()
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// apply decodes a batch, then changes the board at once.
func (w *watcher) apply(batch []bus.Entry) {
	changes := make([]func(*Reader), 0, len(batch))
	for _, e := range batch {
		change, err := w.decode(e)
		if err != nil {
			if _, told := w.broken[e.Key]; !told {
				w.broken[e.Key] = struct{}{}
				w.reader.log.Error("an entry of a read model cannot be read: delete its bucket to have it rebuilt", "bucket", w.name, "key", e.Key, "error", err)
			}
			continue
		}
		delete(w.broken, e.Key)
		if e.Deleted {
			delete(w.known, e.Key)
		} else {
			w.known[e.Key] = w.round
		}
		if change != nil {
			changes = append(changes, change)
		}
	}
	if !w.loaded {
		w.loading = append(w.loading, changes...)
		return
	}
	changes = append(w.loading, changes...)
	w.loading = nil
	w.reader.mu.Lock()
	defer w.reader.mu.Unlock()
	for _, change := range changes {
		change(w.reader)
	}
}

// show shows what was read of a bucket instead of what was there before.
func (w *watcher) show(bucket bus.Bucket) {
	var gone []bus.Entry
	for key, round := range w.known {
		if round != w.round {
			gone = append(gone, bus.Entry{Key: key, Deleted: true})
		}
	}
	w.apply(gone)
	w.loading, w.loaded = append(w.loading, func(r *Reader) {
		r.buckets[w.name] = bucket
		if w.name == activityBucket {
			clear(r.board.recalled)
		}
	}), true
	w.apply(nil)
}

// look compares the checkpoint's revision with that in the bucket now and then: a watch of a bucket
// that was dropped and made anew may never tell of it.
func (w *watcher) look(ctx context.Context, bucket bus.Bucket) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lookEvery):
		}
		before := w.checkpoint.Load()
		asking, cancel := context.WithTimeout(ctx, lookTimeout)
		entry, err := bucket.Get(asking, bus.CheckpointKey)
		cancel()
		switch {
		case err != nil && !errors.Is(err, bus.ErrNoKey):
			continue // the server is away, or the bucket: opening it again would not help yet
		case entry.Revision < before, entry.Revision > w.checkpoint.Load() && w.stuck(ctx, entry.Revision):
			return fmt.Errorf("%w: its checkpoint is %d, seen was %d", errSilent, entry.Revision, before)
		}
	}
}

// stuck gives the watch some time to tell of a revision.
func (w *watcher) stuck(ctx context.Context, revision uint64) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(lookTimeout):
		return w.checkpoint.Load() < revision
	}
}

// decode returns what an entry changes.
func (w *watcher) decode(e bus.Entry) (func(*Reader), error) {
	switch {
	case e.Key == bus.CheckpointKey:
		var state ProjectionState
		if e.Deleted {
			w.checkpoint.Store(0)
		} else if err := json.Unmarshal(e.Value, &state); err != nil {
			return nil, err
		} else {
			w.checkpoint.Store(e.Revision)
		}
		return func(r *Reader) { r.moveTo(w.name, state) }, nil
	case strings.HasPrefix(e.Key, pagePrefix):
		return w.decodePage(e)
	case w.name == TimelineName:
		return decodeIndex(e)
	case w.name == tracesBucket:
		return decodeBegan(e)
	case w.name == countsBucket:
		return decodeCounts(e)
	case strings.HasPrefix(e.Key, checkPrefix):
		return decodeView(e, func(b *board, key string, v *checkEntry) { b.setCheck(key, v) })
	case strings.HasPrefix(e.Key, servicePrefix):
		return decodeView(e, func(b *board, key string, v *serviceEntry) { b.setService(key, v) })
	case strings.HasPrefix(e.Key, incidentPrefix):
		return decodeView(e, func(b *board, key string, v *IncidentView) { set(b.incidents, key, v) })
	case strings.HasPrefix(e.Key, correctionPrefix):
		return decodeView(e, func(b *board, key string, v *CorrectionView) { b.setCorrection(key, v) })
	case strings.HasPrefix(e.Key, statusPagePrefix):
		return decodeView(e, func(b *board, key string, v *StatusPageView) { set(b.pages, key, v) })
	case strings.HasPrefix(e.Key, runnerPrefix):
		return decodeView(e, func(b *board, key string, v *RunnerView) { set(b.runners, key, v) })
	}
	return nil, nil //nolint:nilnil // what is counted here is not read there
}

// decodeView reads an entry of views; nil is one that was deleted.
func decodeView[V any](e bus.Entry, set func(*board, string, *V)) (func(*Reader), error) {
	var view *V
	if !e.Deleted {
		view = new(V)
		if err := json.Unmarshal(e.Value, view); err != nil {
			return nil, err
		}
	}
	return func(r *Reader) { set(r.board, e.Key, view) }, nil
}

func set[V any](views map[string]*V, key string, view *V) {
	if view == nil {
		delete(views, key)
		return
	}
	views[key] = view
}

// pageLines are hashes of the lines of a page, by check.
type pageLines map[string]uint64
