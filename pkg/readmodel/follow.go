package readmodel

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/bus"
)

// Buckets opens buckets, as bus.Store does.
type Buckets interface {
	Bucket(ctx context.Context, name string) (bus.Bucket, error)
}

// Following is what Follow calls, always on one goroutine at a time.
type Following struct {
	// Begin says that a generation is read from its beginning: what it does not hold when CaughtUp is
	// called is not there any more.
	Begin    func()
	Handle   func([]bus.Entry)
	CaughtUp func()
}

// Follow watches the entries of a projection whose keys match pattern, in whichever generation
// serves, and blocks until ctx ends (then nil) or something fails (then its error).
func Follow(ctx context.Context, store Buckets, name, pattern string, f Following) error {
	table, err := store.Bucket(ctx, GenerationsBucket)
	if err != nil {
		return err
	}
	group, living := errgroup.WithContext(ctx)
	serving := make(chan int)
	group.Go(func() error {
		now := 0
		tell := func(generation int) {
			if generation == now {
				return
			}
			now = generation
			select {
			case serving <- generation:
			case <-living.Done():
			}
		}
		return endless(living, table.Watch(living, bus.CheckpointKey, func(entries []bus.Entry) {
			for _, e := range entries {
				if generations, err := ReadGenerations(e.Value); err == nil && !e.Deleted {
					lineage, _ := generations.Lineage(name)
					tell(lineage.Serving)
				}
			}
		}, func() {
			if now == 0 { // no projector has written the table yet
				tell(1)
			}
		}))
	})
	group.Go(func() error { return followServing(living, store, name, pattern, serving, f) })
	err = group.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// errEnded: a watch came to an end that nobody asked for.
var errEnded = errors.New("a watch has ended by itself")

func endless(ctx context.Context, err error) error {
	if err == nil && ctx.Err() == nil {
		return errEnded
	}
	return err
}

// followServing watches one generation after the other.
func followServing(ctx context.Context, store Buckets, name, pattern string, serving <-chan int, f Following) error {
	generation := 0
	for {
		if generation == 0 {
			select {
			case generation = <-serving:
			case <-ctx.Done():
				return nil
			}
		}
		bucket, err := store.Bucket(ctx, BucketOf(name, generation))
		if err != nil {
			return err
		}
		watching, stop := context.WithCancel(ctx)
		f.Begin()
		failed := make(chan error, 1)
		go func() { failed <- endless(watching, bucket.Watch(watching, pattern, f.Handle, f.CaughtUp)) }()
		select {
		case generation = <-serving:
			stop()
			if err := <-failed; err != nil {
				return err
			}
		case err := <-failed:
			stop()
			return err
		}
	}
}
