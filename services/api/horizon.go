package api

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/readmodel"
)

// settledAfter is how long before the horizon an instant lies of which all is written: an event counts from
// when it was decided on, a moment before it is written.
const settledAfter = 30 * time.Second

// caching is for an answer that cannot change any more. It is for its reader alone, since readers may be asked
// who they are, and it ends: results are kept for a time only.
const caching = "private, max-age=86400, immutable"

// horizon is up to when the read models are known to hold everything. They are always a little behind the
// log; what counts is that they have come to where the log once ended.
type horizon struct {
	last  func(context.Context) (uint64, error)
	knows func(sequence uint64) bool
	now   func() time.Time

	mu      sync.Mutex
	reached time.Time
	// asked is when the log ended at end.
	asked time.Time
	end   uint64
}

// newHorizon is that of a server's timeline.
func (s *server) newHorizon() *horizon {
	return &horizon{last: s.bus.Last, now: s.now, knows: func(sequence uint64) bool {
		known := false
		for _, p := range s.reads.Projections() { // what boards are made of, corrections among it
			if p.Results == 0 && (p.Rebuilding || p.Events < sequence) && (p.Events > 0 || p.Name == readmodel.TimelineName) {
				return false
			}
			known = known || p.Name == readmodel.TimelineName
		}
		return known
	}}
}

// settled reports whether nothing can come any more that was decided by a time.
func (h *horizon) settled(ctx context.Context, at time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reached.Sub(at) > settledAfter {
		return true
	}
	if !h.asked.IsZero() && h.knows(h.end) {
		h.reached, h.asked = h.asked, time.Time{}
	}
	if h.asked.IsZero() {
		asked := h.now()
		end, err := h.last(ctx)
		if err != nil {
			return false
		}
		if h.asked, h.end = asked, end; h.knows(end) {
			h.reached, h.asked = asked, time.Time{}
		}
	}
	return h.reached.Sub(at) > settledAfter
}

// cachingOf is the Cache-Control of an answer that tells of events alone: none of the present or while it may
// change, nor for a span back from now, which names another instant every time.
func cachingOf(then Then, board any) string {
	m, past := board.(*readmodel.Moment)
	if !past || !m.Settled() || strings.HasPrefix(then.At, "-") {
		return ""
	}
	return caching
}

// cached lets an answer be kept, where it cannot change.
func (a *answer) cached(then Then, board any) *answer {
	if a != nil {
		a.CacheControl = cachingOf(then, board)
	}
	return a
}
