package runner

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/process/recent"
)

// Run executes checks until ctx ends, then stops in good order: what has not begun goes back to the
// queue, what runs is finished, its results are delivered and its batches acknowledged, and the gate
// is told. It returns nil after that, within ShutdownGrace and a few seconds; before, only an error
// in the options ends it.
func Run(ctx context.Context, b Bus, opt Options) error {
	opt = opt.withDefaults()
	if err := opt.validate(); err != nil {
		return fmt.Errorf("runner options: %w", err)
	}
	metrics, err := newMetrics(opt.Registerer)
	if err != nil {
		return fmt.Errorf("runner metrics: %w", err)
	}
	log := opt.Log.With("runner", opt.ID, "location", opt.Location)

	// Work goes on after ctx has ended, until it is done or the dispatcher cuts it off.
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	delivery, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()

	d := &dispatcher{
		channels: newChannels(), location: opt.Location, log: log, metrics: metrics, now: opt.Now,
		keepAlive: &condition{
			log: log, broken: "the server cannot be told that batches are being worked on",
			well: "the server is told again that batches are being worked on",
		},
		pace: newPace(opt.Concurrency), cut: cut, giveUp: giveUp, grace: opt.ShutdownGrace,
		tasks: make(map[string]*task), hands: make(map[*hand]struct{}), recent: recent.NewIDs(remembered),
	}
	crew := crew{b: b, opt: opt, dispatcher: d}
	crew.start(ctx, work, delivery)
	log.Info("runner started", "concurrency", opt.Concurrency, "version", opt.Version)
	d.run(ctx.Done())
	crew.dismiss()
	log.Info("runner stopped")
	return nil
}

// crew are the goroutines that block in the dispatcher's place.
type crew struct {
	b          Bus
	opt        Options
	dispatcher *dispatcher
	members    sync.WaitGroup
}

func (c *crew) start(pull, work, delivery context.Context) {
	d := c.dispatcher
	puller := &puller{source: c.b, grants: d.grants, pulled: d.pulled, condition: &condition{
		log: d.log, broken: "executions cannot be pulled", well: "executions are pulled again",
	}}
	for range pullers {
		c.members.Go(func() { puller.run(pull) })
	}
	worker := &worker{
		id: c.opt.ID, engine: c.opt.Engine, metrics: d.metrics, log: d.log, now: c.opt.Now,
		jobs: d.jobs, done: d.done,
		references: &references{addresses: c.opt.References, metrics: d.metrics, condition: &condition{
			log: d.log, broken: "isolated: no reference address answers, failures are not believed",
			well: "reference addresses answer again",
		}},
	}
	for range c.opt.Concurrency {
		c.members.Go(func() { worker.run(work) })
	}
	sender := &sender{
		gate: c.b, self: c.self(), log: d.log, metrics: d.metrics, parcels: d.parcels, settled: d.settled,
		condition: &condition{log: d.log, broken: "the gate does not answer; results wait", well: "the gate answers again"},
	}
	c.members.Go(func() { sender.run(delivery) })
	closer := &closer{log: d.log, in: d.closing, closed: d.closed}
	for range closers {
		c.members.Go(func() { closer.run(delivery) })
	}
}

// dismiss ends the goroutines, none of which has anything in hand, and waits for them.
func (c *crew) dismiss() {
	close(c.dispatcher.jobs)
	close(c.dispatcher.parcels)
	close(c.dispatcher.closing)
	c.members.Wait()
}

func (c *crew) self() monitor.Runner {
	host, err := os.Hostname()
	if err != nil {
		host = "" // reported as not known
	}
	return monitor.Runner{
		ID: c.opt.ID, Location: c.opt.Location, Host: clip(host, monitor.MaxTextLength),
		Version: clip(c.opt.Version, monitor.MaxTextLength), Concurrency: c.opt.Concurrency,
	}
}
