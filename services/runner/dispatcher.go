package runner

import (
	"context"
	"log/slog"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/process/recent"
)

const (
	// keepAliveEvery is well under bus.AckWait.
	keepAliveEvery = time.Second
	// gather is how long results may wait for more to join them; one that fails, or that somebody
	// waits for, goes at once and takes the others with it.
	gather = 20 * time.Millisecond
	// A parcel holds at most parcelResults results of parcelBytes in all.
	parcelResults = 500
	parcelBytes   = 512 << 10
	// maxOutbox is how many results may wait for the gate before the workers stall.
	maxOutbox = 2000
	// remembered is how many executions are known to be done after their batch was acknowledged.
	remembered = 8192
	// lastCall is what delivery is given after the grace of a shutdown.
	lastCall = 2 * time.Second
)

// channels connect the dispatcher to the goroutines that block in its place. All are unbuffered:
// what is in one place is in no other.
type channels struct {
	grants  chan struct{}     // to the pullers: one pull each
	pulled  chan bus.Delivery // back, nil for none
	jobs    chan *task        // to the workers
	done    chan done         // back
	parcels chan *parcel      // to the sender
	settled chan *parcel      // back
	closing chan *hand        // to the closers
	closed  chan struct{}     // back
}

func newChannels() channels {
	return channels{
		grants: make(chan struct{}), pulled: make(chan bus.Delivery),
		jobs: make(chan *task), done: make(chan done),
		parcels: make(chan *parcel), settled: make(chan *parcel),
		closing: make(chan *hand), closed: make(chan struct{}),
	}
}

// dispatcher owns everything that is in hand. Nothing in it is shared: no locks.
type dispatcher struct {
	channels
	location  string
	log       *slog.Logger
	metrics   *metrics
	now       func() time.Time
	keepAlive *condition
	pace      pace
	// cut ends the executions that are running, giveUp the deliveries.
	cut, giveUp context.CancelFunc
	grace       time.Duration

	tasks   map[string]*task
	hands   map[*hand]struct{}
	queue   queue
	recent  *recent.IDs
	fence   uint64
	outbox  outbox
	toClose []*hand
	// stopping: nothing new is begun. openPulls, runningCount and closings count what is out with
	// pullers, workers and closers.
	stopping     bool
	openPulls    int
	runningCount int
	closings     int
	// deadline is when the present stage of a shutdown ends; nil without shutdown.
	deadline <-chan time.Time
	isCut    bool
}

// run serves until stop is closed and all that was in hand has come to an end.
func (d *dispatcher) run(stop <-chan struct{}) {
	alive := time.NewTicker(keepAliveEvery)
	defer alive.Stop()
	wake := time.NewTimer(time.Hour)
	defer wake.Stop()
	for !d.finished() {
		d.prepare(wake)
		select {
		case <-stop:
			stop = nil
			d.stop()
		case <-d.deadline:
			d.endStage()
		case <-wake.C:
		case <-alive.C:
			d.showLife()
		case d.grantsTo() <- struct{}{}:
			d.openPulls++
		case delivery := <-d.pulled:
			d.openPulls--
			d.take(delivery)
		case d.jobsTo() <- d.queue.head():
			d.begin()
		case item := <-d.doneFrom():
			d.finish(item)
		case d.parcelsTo() <- d.outbox.parcel:
			d.outbox.sent()
		case p := <-d.settled:
			d.settle(p)
		case d.closingTo() <- d.firstToClose():
			d.toClose = d.toClose[1:]
			d.closings++
		case <-d.closed:
			d.closings--
		}
	}
}

// finished reports that a stop has been carried out.
func (d *dispatcher) finished() bool {
	return d.stopping && d.openPulls == 0 && len(d.tasks) == 0 && len(d.toClose) == 0 && d.closings == 0
}

// prepare moves on what time has brought, and sets the timer to when it next brings something.
func (d *dispatcher) prepare(wake *time.Timer) {
	now := d.now()
	d.queue.ripen(now)
	d.outbox.prepare(now)
	next := now.Add(time.Hour)
	if at, ok := d.queue.next(); ok && at.Before(next) {
		next = at
	}
	if at, ok := d.outbox.next(); ok && at.Before(next) {
		next = at
	}
	wake.Reset(next.Sub(now))
}

// A nil channel takes no part in a select: the next five open a case only while it may happen.

func (d *dispatcher) grantsTo() chan<- struct{} {
	if d.stopping || !d.pace.room(d.runningCount, len(d.queue.ready), len(d.queue.later), d.openPulls) {
		return nil
	}
	return d.grants
}

func (d *dispatcher) jobsTo() chan<- *task {
	if d.queue.head() == nil {
		return nil
	}
	return d.jobs
}

// doneFrom leaves the workers waiting while the gate is too far behind.
func (d *dispatcher) doneFrom() <-chan done {
	if d.outbox.full() && !d.isCut {
		return nil
	}
	return d.done
}

func (d *dispatcher) parcelsTo() chan<- *parcel {
	if d.outbox.parcel == nil {
		return nil
	}
	return d.parcels
}

func (d *dispatcher) closingTo() chan<- *hand {
	if len(d.toClose) == 0 {
		return nil
	}
	return d.closing
}

func (d *dispatcher) firstToClose() *hand {
	if len(d.toClose) == 0 {
		return nil
	}
	return d.toClose[0]
}

// showLife keeps every delivery in hand from being given to another runner.
func (d *dispatcher) showLife() {
	for h := range d.hands {
		if err := h.delivery.KeepAlive(); err != nil {
			d.keepAlive.failed(err)
			return
		}
	}
	d.keepAlive.worked()
}
