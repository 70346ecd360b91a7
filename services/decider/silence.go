package decider

import (
	"container/heap"
	"context"
	"time"
)

// silences knows for each check when silence alone may change its status. A result puts that off
// without touching the order: the deadline is looked at anew when it comes.
type silences struct {
	order   byDeadline
	watches map[string]*watch
}

type watch struct {
	id string
	at time.Time
	// evaluated is the time for which the check's verdict was last asked.
	evaluated time.Time
	index     int
}

func newSilences() silences { return silences{watches: make(map[string]*watch)} }

// set notes that the check was evaluated and when it is to be looked at again; zero for never.
func (s *silences) set(id string, evaluated, at time.Time) {
	w := s.watches[id]
	switch {
	case at.IsZero():
		s.remove(id)
	case w == nil:
		w = &watch{id: id, at: at, evaluated: evaluated}
		s.watches[id] = w
		heap.Push(&s.order, w)
	default:
		w.at, w.evaluated = at, evaluated
		heap.Fix(&s.order, w.index)
	}
}

func (s *silences) remove(id string) {
	if w := s.watches[id]; w != nil {
		heap.Remove(&s.order, w.index)
		delete(s.watches, id)
	}
}

// heard notes that a verdict was asked for the time of a new result.
func (s *silences) heard(id string, evaluated time.Time, deadline func(evaluated time.Time) time.Time) {
	if w := s.watches[id]; w != nil {
		if evaluated.After(w.evaluated) {
			w.evaluated = evaluated
		}
		return
	}
	s.set(id, evaluated, deadline(evaluated))
}

// due returns the checks whose deadline has passed, and stops at the first that has not.
func (s *silences) due(now time.Time, deadline func(id string, evaluated time.Time) time.Time) []string {
	var ids []string
	var kept []*watch
	for len(s.order) > 0 && now.After(s.order[0].at) {
		w := s.order[0]
		if at := deadline(w.id, w.evaluated); at.IsZero() || at.After(now) {
			s.set(w.id, w.evaluated, at)
			continue
		}
		ids = append(ids, w.id)
		heap.Pop(&s.order)
		kept = append(kept, w)
	}
	for _, w := range kept {
		heap.Push(&s.order, w)
	}
	return ids
}

// byDeadline is a heap, earliest deadline first.
type byDeadline []*watch

func (h byDeadline) Len() int           { return len(h) }
func (h byDeadline) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h byDeadline) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *byDeadline) Push(x any) {
	w := x.(*watch) //nolint:forcetypeassert // holds nothing else
	w.index = len(*h)
	*h = append(*h, w)
}

// Pop implements heap.Interface.
func (h *byDeadline) Pop() any {
	old := *h
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return w
}

// inquiry is the question whether checks really fell silent: results stored by the time of asking
// may not have been counted yet.
type inquiry struct {
	at     time.Time
	target uint64
}

// maxInquiry bounds the wait for results that are said to be stored: a check must not stay up for
// ever because one of them cannot be read.
const maxInquiry = 10 * time.Second

// beginWatching starts the watch over all checks: all that was stored before is counted.
func (l *leader) beginWatching() {
	if l.isReady {
		return
	}
	l.isReady = true
	for _, check := range l.board.Checks() {
		l.watch(check.ID, time.Time{})
	}
	close(l.ready)
	l.log.Info("decider has caught up", "events", l.board.Sequence(), "results", l.results)
}

// watch notes when silence may next change what was evaluated last at the given time.
func (l *leader) watch(checkID string, evaluated time.Time) {
	if !l.isReady {
		return
	}
	check, ok := l.board.Check(checkID)
	if !ok {
		l.silences.remove(checkID)
		l.waits.remove(checkID)
		return
	}
	l.silences.set(checkID, evaluated, l.tallies.Deadline(check, evaluated))
	l.awaitHeartbeat(check)
}

// askForSilences asks how far RESULTS goes when a check seems to have fallen silent, or a heartbeat
// not to have come.
func (l *leader) askForSilences(ctx context.Context, now time.Time) {
	if l.inquiry == nil && (len(l.dueSilences(now)) > 0 || !l.reporting && len(l.overdue(now)) > 0) {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		last, err := l.bus.LastResult(ctx)
		cancel()
		if err != nil {
			l.metrics.failures.WithLabelValues("follow").Inc()
			l.log.Warn("cannot tell whether checks are silent: the end of the results is not known", "error", err)
			return
		}
		l.inquiry = &inquiry{at: now, target: last}
	}
	l.settleSilences(ctx)
}

// settleSilences decides the silences asked about, once all results stored by then are counted.
func (l *leader) settleSilences(ctx context.Context) {
	if l.inquiry == nil || len(l.pending) > 0 {
		return
	}
	if l.results < l.inquiry.target {
		if l.now().Sub(l.inquiry.at) < maxInquiry {
			return
		}
		l.log.Warn("results are stored but cannot be read; checks without data become unknown",
			"read", l.results, "stored", l.inquiry.target)
	}
	at := l.inquiry.at
	l.inquiry = nil
	for _, id := range l.dueSilences(at) {
		check, ok := l.board.Check(id)
		if !ok {
			l.silences.remove(id)
			continue
		}
		l.judge(id, l.tallies.Silence(check, at), cause{}, time.Time{})
		l.silences.set(id, at, l.tallies.Deadline(check, at))
	}
	l.settlePending(ctx)
	l.reportOverdue(ctx, at)
}

func (l *leader) dueSilences(now time.Time) []string {
	return l.silences.due(now, func(id string, evaluated time.Time) time.Time {
		check, ok := l.board.Check(id)
		if !ok {
			return time.Time{}
		}
		return l.tallies.Deadline(check, evaluated)
	})
}
