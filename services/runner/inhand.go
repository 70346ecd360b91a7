package runner

import (
	"time"

	"github.com/vedette/vedette/pkg/bus"
)

// take expands a batch into tasks.
func (d *dispatcher) take(delivery bus.Delivery) {
	if delivery == nil {
		return
	}
	h := &hand{delivery: delivery}
	if d.stopping {
		h.spoiled = true
		d.toClose = append(d.toClose, h)
		return
	}
	batch := delivery.Batch()
	if batch.Fence != 0 && batch.Fence < d.fence {
		d.metrics.fenced.Inc()
		d.log.Warn("dropped a batch of a scheduler that no longer holds the lease",
			"fence", batch.Fence, "highest", d.fence, "executions", len(batch.Executions))
		d.toClose = append(d.toClose, h)
		return
	}
	d.fence = max(d.fence, batch.Fence)
	d.hands[h] = struct{}{}
	for _, execution := range batch.Executions {
		d.add(h, &task{id: execution.ID(), execution: execution, hands: []*hand{h}})
	}
	d.closeIfDone(h)
}

// add takes a task of h in hand, unless it is in hand or done already.
func (d *dispatcher) add(h *hand, t *task) {
	switch known := d.tasks[t.id]; {
	case t.execution.Location != d.location:
		d.log.Error("dropped an execution that is meant for another location",
			"execution", t.id, "location", t.execution.Location)
	case d.recent.Has(t.id):
		d.metrics.repeated.Inc()
	case known != nil:
		d.metrics.repeated.Inc()
		known.hands = append(known.hands, h)
		h.remaining++
		h.begun = h.begun || known.state == running || known.state == finished
	default:
		now := d.now()
		t.startAt = t.execution.DueAt
		if latest := now.Add(maxEarly); t.startAt.After(latest) {
			t.startAt = latest
		}
		h.remaining++
		d.tasks[t.id] = t
		d.metrics.inHand.Inc()
		d.queue.push(t)
	}
}

// begin notes that a worker has taken the head of the queue.
func (d *dispatcher) begin() {
	t := d.queue.head()
	d.queue.drop()
	t.state = running
	d.runningCount++
	for _, h := range t.hands {
		h.begun = true
	}
}

// finish takes what became of a task from a worker.
func (d *dispatcher) finish(item done) {
	d.runningCount--
	switch {
	case item.missed:
		d.metrics.missed.Inc()
		d.log.Debug("dropped an execution: its next due time has come", "execution", item.task.id)
		d.end(item.task)
	case item.aborted:
		d.spoil(item.task)
	default:
		d.pace.observe(item.took)
		item.task.state = finished
		d.outbox.add(item, d.now())
	}
}

// settle takes a parcel back from the sender: what is in it is durable, or was refused for good.
func (d *dispatcher) settle(p *parcel) {
	d.outbox.settled()
	for _, item := range p.items {
		if p.undelivered {
			d.spoil(item.task)
			continue
		}
		d.recent.Add(item.task.id)
		d.end(item.task)
	}
}

// spoil ends a task that was not done: its deliveries will be returned.
func (d *dispatcher) spoil(t *task) {
	for _, h := range t.hands {
		h.spoiled = true
	}
	d.end(t)
}

func (d *dispatcher) end(t *task) {
	t.state = ended
	delete(d.tasks, t.id)
	d.metrics.inHand.Dec()
	for _, h := range t.hands {
		h.remaining--
		d.closeIfDone(h)
	}
}

func (d *dispatcher) closeIfDone(h *hand) {
	if h.remaining == 0 {
		delete(d.hands, h)
		d.toClose = append(d.toClose, h)
	}
}

// stop begins the shutdown. A batch of which nothing has begun goes back to the queue; one that has
// begun is finished, for only whole batches can be returned and its parts are due at once.
func (d *dispatcher) stop() {
	d.stopping = true
	d.deadline = time.After(d.grace)
	d.outbox.hurry()
	d.spoilUnless(func(t *task) bool {
		if t.state == running || t.state == finished {
			return true
		}
		for _, h := range t.hands {
			if h.begun {
				return true
			}
		}
		return false
	})
}

// endStage ends the grace: what runs is cut off, what has not begun goes back, and what has finished
// is given one last call. The next time it ends that too.
func (d *dispatcher) endStage() {
	d.deadline = nil
	if !d.isCut {
		d.isCut = true
		d.log.Warn("executions were still running at the end of the shutdown's grace; they go back to the queue", "running", d.runningCount)
		d.cut()
		d.spoilUnless(func(t *task) bool { return t.state == running || t.state == finished })
		d.deadline = time.After(lastCall)
		return
	}
	d.log.Warn("the gate did not take the last results; their executions go back to the queue", "results", len(d.tasks))
	d.giveUp()
	for _, item := range d.outbox.abandon() {
		d.spoil(item.task)
	}
}

func (d *dispatcher) spoilUnless(keep func(*task) bool) {
	for _, t := range d.tasks {
		if !keep(t) {
			d.spoil(t)
		}
	}
}
