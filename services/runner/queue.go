package runner

import (
	"container/heap"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// maxEarly bounds the wait for a due time. Batches come at most 300 ms early; a due time further
// ahead says that this machine's clock is behind, and the scheduler's is the one that counts.
const maxEarly = time.Second

// hand is a delivery in hand.
type hand struct {
	delivery bus.Delivery
	// remaining counts the tasks of the delivery that have not come to an end.
	remaining int
	// begun says that one of them has been executed, or is being.
	begun bool
	// spoiled says that one of them ended without being done: the delivery is to be returned.
	spoiled bool
}

// task is an execution in hand. Workers read id and execution only; the rest is the dispatcher's.
type task struct {
	id        string
	execution monitor.Execution
	startAt   time.Time
	state     state
	// hands are the deliveries that brought it: more than one after a redelivery.
	hands []*hand
}

type state int

const (
	waiting  state = iota // for its due time
	ready                 // for a worker
	running               // on a worker
	finished              // its result is on its way to the gate
	ended                 // nothing is left to do
)

// queue holds the tasks that have not begun: those waiting for their due time, earliest first, and
// those that are ready, in the order in which they became so. An ended task may linger in it and is
// passed over.
type queue struct {
	later byStart
	ready []*task
}

func (q *queue) push(t *task) { heap.Push(&q.later, t) }

// ripen moves what is due by now to the ready ones.
func (q *queue) ripen(now time.Time) {
	for len(q.later) > 0 && (!q.later[0].startAt.After(now) || q.later[0].state == ended) {
		t := heap.Pop(&q.later).(*task) //nolint:forcetypeassert // holds nothing else
		if t.state == ended {
			continue
		}
		t.state = ready
		q.ready = append(q.ready, t)
	}
}

// head returns the task to begin next, or nil.
func (q *queue) head() *task {
	for len(q.ready) > 0 && q.ready[0].state == ended {
		q.drop()
	}
	if len(q.ready) == 0 {
		return nil
	}
	return q.ready[0]
}

// drop removes the head.
func (q *queue) drop() {
	q.ready[0] = nil
	q.ready = q.ready[1:]
	if len(q.ready) == 0 {
		q.ready = nil
	}
}

// next returns when the earliest waiting task is to start; false when none waits.
func (q *queue) next() (time.Time, bool) {
	if len(q.later) == 0 {
		return time.Time{}, false
	}
	return q.later[0].startAt, true
}

// byStart is a heap, earliest start first.
type byStart []*task

func (h byStart) Len() int           { return len(h) }
func (h byStart) Less(i, j int) bool { return h[i].startAt.Before(h[j].startAt) }
func (h byStart) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *byStart) Push(x any) { *h = append(*h, x.(*task)) } //nolint:forcetypeassert // holds nothing else

// Pop implements heap.Interface.
func (h *byStart) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return t
}
