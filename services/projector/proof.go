package projector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/readmodel"
)

// proof compares two generations while both go on: it follows both buckets and keeps a hash of every
// value, so that when they stand at the same position what is left to do takes no time.
type proof struct {
	old, fresh *imprint
	oldNumber  int
	// ready is closed when both have been read.
	ready chan struct{}
	stop  context.CancelFunc
}

// imprint is what a bucket holds, by hashes.
type imprint struct {
	bucket bus.Bucket
	seed   maphash.Seed

	mu sync.Mutex
	// hashes are those of the values by key; position is where the checkpoint stands.
	hashes   map[string]uint64
	position uint64
	// moved is closed and replaced when the checkpoint has moved.
	moved chan struct{}
}

// startProof begins to follow both buckets. Its goroutines end with the life of the worker, or when
// it serves.
func (w *worker) startProof(ctx context.Context, group *errgroup.Group) {
	ctx, stop := context.WithCancel(ctx)
	p := &proof{ready: make(chan struct{}), stop: stop}
	w.proof = p
	if w.rebuild != nil {
		w.rebuild.phase = readmodel.PhaseComparing
	}
	group.Go(func() error {
		defer stop()
		lineage, err := w.keeper.lineage(ctx)
		if err != nil {
			return err
		}
		p.oldNumber = lineage.Serving
		old, err := w.bus.Bucket(ctx, readmodel.BucketOf(w.name, lineage.Serving))
		if err != nil {
			return fmt.Errorf("open the generation that serves: %w", err)
		}
		seed := maphash.MakeSeed()
		p.old, p.fresh = newImprint(old, seed), newImprint(w.bucket, seed)
		read := make(chan struct{}, 2)
		watching, living := errgroup.WithContext(ctx)
		for _, i := range []*imprint{p.old, p.fresh} {
			watching.Go(func() error { return i.follow(living, w.ofResults, func() { read <- struct{}{} }) })
		}
		watching.Go(func() error {
			for range cap(read) {
				select {
				case <-read:
				case <-living.Done():
					return nil
				}
			}
			close(p.ready)
			return nil
		})
		if err := watching.Wait(); err != nil && ctx.Err() == nil {
			return fmt.Errorf("compare the generations: %w", err)
		}
		return nil
	})
}

func newImprint(bucket bus.Bucket, seed maphash.Seed) *imprint {
	return &imprint{bucket: bucket, seed: seed, hashes: make(map[string]uint64), moved: make(chan struct{})}
}

// follow keeps the imprint that of the bucket until ctx ends. While it reads what there is it rests as a build
// does; read is called when it has.
func (i *imprint) follow(ctx context.Context, ofResults bool, read func()) error {
	reading, began := true, time.Now()
	err := i.bucket.Watch(ctx, ">", func(entries []bus.Entry) {
		i.take(entries, ofResults)
		if reading {
			worked := time.Since(began)
			p := pace{worked: worked, waited: letOthers() + worked} // most of the work was NATS's
			p.rest(ctx)
			began = time.Now()
		}
	}, func() {
		reading = false
		read()
	})
	if err == nil && ctx.Err() == nil {
		return errors.New("a watch has ended by itself")
	}
	return err
}

func (i *imprint) take(entries []bus.Entry, ofResults bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, e := range entries {
		switch {
		case e.Key == bus.CheckpointKey:
			i.move(e, ofResults)
		case e.Deleted:
			delete(i.hashes, e.Key)
		default:
			i.hashes[e.Key] = maphash.Bytes(i.seed, e.Value)
		}
	}
}

func (i *imprint) move(e bus.Entry, ofResults bool) {
	var c checkpoint
	if err := json.Unmarshal(e.Value, &c); err != nil {
		return // the position stays; it is not reached
	}
	i.position, _ = c.position(ofResults)
	close(i.moved)
	i.moved = make(chan struct{})
}

// await waits until the imprint is that of a position. The bucket must not go beyond it meanwhile.
func (i *imprint) await(ctx context.Context, position uint64) error {
	for {
		i.mu.Lock()
		there, moved := i.position, i.moved
		i.mu.Unlock()
		if there == position {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("%w: read is %d, wanted %d", errMissed, there, position)
		}
	}
}

// compare counts what is the same in both, and shows some of what is not. Neither bucket may change
// meanwhile.
func (p *proof) compare(ctx context.Context) readmodel.BuildComparison {
	p.old.mu.Lock()
	defer p.old.mu.Unlock()
	p.fresh.mu.Lock()
	defer p.fresh.mu.Unlock()
	c := readmodel.BuildComparison{Old: p.oldNumber, OldPosition: p.old.position, NewPosition: p.fresh.position, Samples: []readmodel.BuildSample{}}
	var others []string
	for key, hash := range p.old.hashes {
		switch other, there := p.fresh.hashes[key]; {
		case !there:
			c.OnlyOld++
		case other != hash:
			c.Different++
		default:
			c.Same++
			continue
		}
		others = append(others, key)
	}
	for key := range p.fresh.hashes {
		if _, there := p.old.hashes[key]; !there {
			c.OnlyNew++
			others = append(others, key)
		}
	}
	slices.Sort(others)
	for _, key := range others[:min(len(others), readmodel.ComparisonSamples)] {
		c.Samples = append(c.Samples, p.sample(ctx, key))
	}
	return c
}

// sample shows a key that is not the same; what cannot be read at the moment is not shown.
func (p *proof) sample(ctx context.Context, key string) readmodel.BuildSample {
	var values [2][]byte
	for i, bucket := range []bus.Bucket{p.old.bucket, p.fresh.bucket} {
		if entry, err := bucket.Get(ctx, key); err == nil {
			values[i] = entry.Value
		}
	}
	s := readmodel.BuildSample{Key: key}
	s.Old, s.New = readmodel.Excerpts(key, values[0], values[1])
	return s
}
