package readmodel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/bus"
)

// bygone is what a reader keeps of the timeline and the counts. What it holds is replaced, never
// changed. Its zero value is ready for use.
type bygone struct {
	// froms say when the blocks of each page of the timeline begin.
	froms map[string][]int64
	// months, lately and present are the counts, but for the minutes of days that are over.
	months  map[string][]count
	lately  countsLately
	present countsPresent
	began   tracesBegan
	moments moments
	// definitions are those that boards of the past were made of.
	definitions definitions
}

// decodeIndex reads when the blocks of a page begin.
func decodeIndex(e bus.Entry) (func(*Reader), error) {
	name := strings.TrimPrefix(e.Key, indexPrefix)
	if e.Deleted {
		return func(r *Reader) { delete(r.bygone.froms, name) }, nil
	}
	froms, err := readIndex(e.Value)
	if err != nil {
		return nil, err
	}
	return func(r *Reader) {
		if r.bygone.froms == nil {
			r.bygone.froms = make(map[string][]int64)
		}
		r.bygone.froms[name] = froms
	}, nil
}

// pageAt is a page of the timeline with the number of the block that holds an instant.
type pageAt struct {
	name   string
	number int
	// last says that it is the block at hand.
	last bool
}

// pagesAt returns the pages that had begun by a time, of the kinds given.
func (r *Reader) pagesAt(at time.Time, kinds ...string) []pageAt {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var pages []pageAt
	for name, froms := range r.bygone.froms {
		kind, _, _ := strings.Cut(name, "-")
		// Of blocks that begin at the same time the last one holds all that came by then.
		i, _ := slices.BinarySearch(froms, at.UnixNano()+1)
		if i > 0 && slices.Contains(kinds, kind) {
			pages = append(pages, pageAt{name: name, number: i - 1, last: i == len(froms)})
		}
	}
	return pages
}

// blockAt reads the block of a page that holds an instant. Should the block at hand have become full
// meanwhile, it is found among those that are.
func (r *Reader) blockAt(ctx context.Context, bucket bus.Bucket, p pageAt, at time.Time) (*block, error) {
	if p.last {
		b, err := r.block(ctx, bucket, openPrefix+p.name)
		if err != nil || !b.From.After(at) {
			return b, err
		}
		p.number = b.Number - 1
	}
	for ; p.number >= 0; p.number-- {
		b, err := r.block(ctx, bucket, fmt.Sprintf("%s%s.%d", blockPrefix, p.name, p.number))
		if errors.Is(err, bus.ErrNoKey) { // the index was written, and the block became full, before the one at hand was
			b, err = r.block(ctx, bucket, openPrefix+p.name)
		}
		if err != nil || !b.From.After(at) {
			return b, err
		}
	}
	return nil, fmt.Errorf("page %s of the timeline: no block holds %s", p.name, at.Format(time.RFC3339Nano))
}

func (r *Reader) block(ctx context.Context, bucket bus.Bucket, key string) (*block, error) {
	entry, err := bucket.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	return readBlock(entry.Value)
}

// latestAt returns the last steps of a block up to a time, by id, whole.
func (b *block) latestAt(at time.Time) (map[string]step, error) {
	latest := make(map[string]step, b.Base+b.Steps/4)
	err := b.each(func(s step) bool {
		if s.at.After(at) {
			return false
		}
		if len(s.definition) == 0 {
			s.definition = latest[s.id].definition
		}
		latest[s.id] = s
		return true
	})
	return latest, err
}

// eachPage reads the pages that are wanted, several at a time, and hands how what is on them stood to take,
// which is called by several goroutines.
func (r *Reader) eachPage(ctx context.Context, at time.Time, wanted func(page string) bool, take func(kind string, latest map[string]step) error) error {
	bucket, err := r.bucket(TimelineName)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, p := range r.pagesAt(at, "check", "service", "incident", "runner") {
		if !wanted(p.name) {
			continue
		}
		group.Go(func() error {
			b, err := r.blockAt(ctx, bucket, p, at)
			if err != nil {
				return err
			}
			latest, err := b.latestAt(at)
			if err != nil {
				return err
			}
			kind, _, _ := strings.Cut(p.name, "-")
			return take(kind, latest)
		})
	}
	return group.Wait()
}

// snapshot is how all that is of some kinds stood at an instant.
type snapshot struct {
	definitions *definitions

	mu        sync.Mutex
	sequence  uint64
	checks    []*checkState
	services  []*serviceEntry
	incidents []*IncidentView
	runners   []*RunnerView
}

// snapshotAt reads how everything on the pages that are wanted stood: everything that was there, and of
// what was over what its block still holds.
func (r *Reader) snapshotAt(ctx context.Context, at time.Time, wanted func(page string) bool) (*snapshot, error) {
	s := &snapshot{definitions: &r.bygone.definitions}
	err := r.eachPage(ctx, at, wanted, s.take)
	return s, err
}

// take reads the steps of a page.
func (s *snapshot) take(kind string, latest map[string]step) (err error) {
	var part snapshot
	for _, one := range latest {
		part.sequence = max(part.sequence, one.sequence)
		if len(one.body) == 0 {
			continue
		}
		switch kind {
		case "check":
			err = addView(&part.checks, one, s.definitions.check)
		case "service":
			err = addView(&part.services, one, readWhole[serviceEntry])
		case "incident":
			err = addView(&part.incidents, one, readWhole[IncidentView])
		case "runner":
			err = addView(&part.runners, one, readWhole[RunnerView])
		}
		if err != nil {
			return fmt.Errorf("read how %s %s stood: %w", kind, one.id, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sequence = max(s.sequence, part.sequence)
	s.checks = append(s.checks, part.checks...)
	s.services = append(s.services, part.services...)
	s.incidents = append(s.incidents, part.incidents...)
	s.runners = append(s.runners, part.runners...)
	return nil
}

func addView[V any](to *[]*V, one step, read func(definition, body []byte) (*V, error)) error {
	view, err := read(one.definition, one.body)
	if err == nil {
		*to = append(*to, view)
	}
	return err
}
