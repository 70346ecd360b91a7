package scheduler

import (
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// item is an execution waiting to be dispatched.
type item struct {
	monitor.Execution
	// size is about what it takes as JSON, in bytes.
	size int
}

// current reports whether the execution may still be dispatched: its next due time has not come.
func (i item) current(now time.Time) bool { return i.NextDueAt.After(now) }

// queue holds the executions waiting for one location. What has expired is dropped as it is found,
// and when the queue has grown much since that was last done: it holds about one execution per check.
type queue struct {
	mu    sync.Mutex
	items []item
	swept int
	// filled is told that the queue is not empty any more.
	filled chan struct{}
}

// sweepFrom is the length from which a queue is searched for what has expired.
const sweepFrom = 1000

func newQueue() *queue { return &queue{filled: make(chan struct{}, 1)} }

// put adds executions, and returns how many had to be dropped because they had expired.
func (q *queue) put(now time.Time, items []item) (missed int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(q.items, items...)
	if len(q.items) > max(sweepFrom, 2*q.swept) {
		missed = q.sweep(now)
	}
	select {
	case q.filled <- struct{}{}:
	default:
	}
	return missed
}

func (q *queue) sweep(now time.Time) (missed int) {
	kept := q.items[:0]
	for _, i := range q.items {
		if i.current(now) {
			kept = append(kept, i)
			continue
		}
		missed++
	}
	clear(q.items[len(kept):])
	q.items, q.swept = kept, len(kept)
	return missed
}

// peek returns the next batch, which stays in the queue until drop, and how many had expired.
func (q *queue) peek(now time.Time) (batch []item, missed int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	missed = q.sweepHead(now)
	size := 0
	for n, i := range q.items {
		if size += i.size; n > 0 && (n >= monitor.MaxBatch || size > maxBatchBytes) {
			break
		}
		batch = append(batch, i)
	}
	return batch, missed
}

func (q *queue) sweepHead(now time.Time) (missed int) {
	for _, i := range q.items[:min(monitor.MaxBatch, len(q.items))] {
		if !i.current(now) {
			return q.sweep(now)
		}
	}
	return 0
}

// drop removes a batch that peek returned, as far as put has not swept it.
func (q *queue) drop(batch []item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	gone := make(map[string]struct{}, len(batch))
	for _, i := range batch {
		gone[i.ID()] = struct{}{}
	}
	n := 0
	for n < len(q.items) {
		if _, ok := gone[q.items[n].ID()]; !ok {
			break
		}
		n++
	}
	clear(q.items[:n])
	if q.items = q.items[n:]; len(q.items) == 0 {
		q.items = nil
	}
}

// oldest returns the earliest due time that waits; false when none does.
func (q *queue) oldest() (time.Time, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return time.Time{}, false
	}
	first := q.items[0].DueAt
	for _, i := range q.items[1:] {
		if i.DueAt.Before(first) {
			first = i.DueAt
		}
	}
	return first, true
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}
