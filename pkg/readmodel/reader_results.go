package readmodel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// dueSkew is by how much due times may be out of the order in which results came, late ones aside.
const dueSkew = 10 * time.Minute

// Results implements ResultRepository.
func (r *Reader) Results(ctx context.Context, checkID string, query ResultQuery) (Page[monitor.Result], error) {
	s, err := newSearch(checkID, query)
	if err != nil {
		return Page[monitor.Result]{}, err
	}
	if _, _, _, err := r.known(checkID); err != nil {
		return Page[monitor.Result]{}, err
	}
	bucket, err := r.bucket(historyBucket)
	if err != nil {
		return Page[monitor.Result]{}, err
	}
	entry, err := bucket.Get(ctx, openPrefix+token(checkID))
	if errors.Is(err, bus.ErrNoKey) {
		return s.page(), nil
	}
	if err == nil {
		err = s.run(ctx, bucket, entry.Value)
	}
	if err != nil {
		return Page[monitor.Result]{}, fmt.Errorf("results of check %s: %w", checkID, err)
	}
	return s.page(), nil
}

// search is one query of a history. Results are numbered from 0 in the order in which they came; a
// cursor is the number of the last one given.
type search struct {
	check string
	query ResultQuery
	list  uint64
	// before is the number before which results are wanted.
	before int
	items  []monitor.Result
	// next is the number of the last item; more says that there are others before it.
	next  int
	more  bool
	total int
}

func newSearch(check string, query ResultQuery) (*search, error) {
	limit, err := limitOf(query.Limit)
	if err != nil {
		return nil, err
	}
	query.Limit = limit
	for _, o := range query.Outcomes {
		if !slices.Contains(monitor.Outcomes(), o) {
			return nil, fmt.Errorf("%w: outcome %q: use one of %v", ErrQuery, o, monitor.Outcomes())
		}
	}
	if !query.From.IsZero() && !query.To.IsZero() && !query.From.Before(query.To) {
		return nil, fmt.Errorf("%w: from %s: it must be before to, %s", ErrQuery, query.From.Format(time.RFC3339), query.To.Format(time.RFC3339))
	}
	s := &search{check: check, query: query, items: []monitor.Result{}, before: int(^uint(0) >> 1)}
	s.list = listOf("results", check, query.From, query.To, query.Outcomes)
	at, err := placeOf(query.Cursor, s.list)
	if err != nil {
		return nil, err
	}
	if at != nil {
		if at.Number < 0 || at.Number != float64(int(at.Number)) {
			return nil, ErrCursor
		}
		s.before = int(at.Number)
	}
	return s, nil
}

// unfiltered says that the number of results tells the total.
func (s *search) unfiltered() bool {
	return s.query.From.IsZero() && s.query.To.IsZero() && len(s.query.Outcomes) == 0
}

// run goes through the chunks, newest first, several at a time.
func (s *search) run(ctx context.Context, bucket bus.Bucket, open []byte) error {
	c, err := readChunk(open)
	if err != nil {
		return err
	}
	oldest := max(0, c.Number-keptChunks+1)
	if s.unfiltered() {
		s.total = c.First + c.Count
		if err := s.forgotten(ctx, bucket, oldest); err != nil {
			return err
		}
	}
	if done, err := s.take(c); done || err != nil {
		return err
	}
	for number := c.Number - 1; number >= oldest; {
		var keys []string
		for ; number >= oldest && len(keys) < atOnce; number-- {
			keys = append(keys, chunkKey(s.check, number))
		}
		chunks := make([]*chunk, len(keys))
		err := fetch(ctx, bucket, keys, func(i int, raw []byte) (err error) {
			chunks[i], err = readChunk(raw)
			return err
		})
		if err != nil {
			return err
		}
		for i, c := range chunks {
			if c == nil || c.Number != number+len(keys)-i {
				continue // written over meanwhile
			}
			if done, err := s.take(c); done || err != nil {
				return err
			}
		}
	}
	return nil
}

// forgotten takes what is not kept any more off the total.
func (s *search) forgotten(ctx context.Context, bucket bus.Bucket, oldest int) error {
	if oldest == 0 {
		return nil
	}
	return fetch(ctx, bucket, []string{chunkKey(s.check, oldest)}, func(_ int, raw []byte) error {
		c, err := readChunk(raw)
		if err == nil && c.Number == oldest {
			s.total -= c.First
		}
		return err
	})
}

// take takes what matches of a chunk. done says that older ones need not be looked at.
func (s *search) take(c *chunk) (done bool, err error) {
	if !s.query.From.IsZero() && c.Count > 0 && c.Newest.Before(s.query.From.Add(-dueSkew)) {
		return true, nil
	}
	if s.unfiltered() && c.First >= s.before {
		return false, nil
	}
	results, err := c.results()
	if err != nil {
		return false, err
	}
	for i, result := range slices.Backward(results) {
		if !s.matches(result) {
			continue
		}
		if !s.unfiltered() {
			s.total++
		}
		switch number := c.First + i; {
		case number >= s.before:
		case len(s.items) < s.query.Limit:
			s.items, s.next = append(s.items, result), number
		default:
			s.more = true
		}
	}
	return s.unfiltered() && s.more, nil
}

func (s *search) matches(r monitor.Result) bool {
	return (s.query.From.IsZero() || !r.DueAt.Before(s.query.From)) &&
		(s.query.To.IsZero() || r.DueAt.Before(s.query.To)) &&
		(len(s.query.Outcomes) == 0 || slices.Contains(s.query.Outcomes, r.Outcome))
}

func (s *search) page() Page[monitor.Result] {
	p := Page[monitor.Result]{Items: s.items, Total: s.total}
	if s.more {
		p.NextCursor = place{List: s.list, Number: float64(s.next)}.cursor()
	}
	return p
}
