package scheduler

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/monitor"
)

// leader is the scheduler while it holds the lease. Its loop owns the plan.
type leader struct {
	bus     Bus
	opt     Options
	metrics *metrics
	now     func() time.Time
	fence   uint64
	plan    *plan
	record  *record
	queues  map[string]*queue
	senders func(location string, q *queue)
	changes chan change
	// syncing holds the checks as they are read from the beginning; nil when that is done.
	syncing map[string]monitor.Check
	// planned says that all checks have been read once.
	planned bool
	marks   chan time.Time
}

func newLeader(b Bus, opt Options, m *metrics, fence uint64, r *record) *leader {
	return &leader{
		bus: b, opt: opt, metrics: m, now: opt.Now, fence: fence, record: r,
		plan: newPlan(opt.Lead, opt.CatchUp), queues: make(map[string]*queue),
		changes: make(chan change), marks: make(chan time.Time, 1),
	}
}

// run serves until ctx ends, or another scheduler has taken over.
func (l *leader) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	l.senders = func(location string, q *queue) {
		s := &sender{location: location, fence: l.fence, bus: l.bus, queue: q, now: l.now, log: l.opt.Log, metrics: l.metrics}
		g.Go(func() error {
			s.run(ctx)
			return nil
		})
	}
	for _, location := range l.opt.Locations {
		l.queue(location)
	}
	g.Go(func() error { return l.loop(ctx) })
	g.Go(func() error {
		w := watcher{store: l.bus, changes: l.changes, log: l.opt.Log, metrics: l.metrics}
		w.run(ctx)
		return nil
	})
	g.Go(func() error { return l.keepRecord(ctx) })
	g.Go(func() error {
		d := desk{bus: l.bus, opt: l.opt, metrics: l.metrics, now: l.now}
		return d.run(ctx)
	})
	return g.Wait()
}

func (l *leader) loop(ctx context.Context) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	var recorded time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-l.changes:
			l.follow(c)
		case <-tick.C:
			if !l.planned {
				continue
			}
			now := l.now()
			l.tick(now)
			if gap := now.Sub(recorded); gap >= progressEvery || gap < 0 {
				recorded = now
				l.mark(l.progress())
			}
		}
	}
}

// tick sends what is due.
func (l *leader) tick(now time.Time) {
	out, missed := l.plan.take(now)
	for location, items := range out {
		missed += l.queue(location).put(now, items)
	}
	l.metrics.missed.Add(float64(missed))
}

// queue returns the queue of a location, and begins to serve it when it is the first time.
func (l *leader) queue(location string) *queue {
	q := l.queues[location]
	if q == nil {
		q = newQueue()
		l.queues[location] = q
		l.senders(location, q)
	}
	return q
}

// follow takes a change of the checks.
func (l *leader) follow(c change) {
	now := l.now()
	switch {
	case c.begin:
		l.syncing = make(map[string]monitor.Check)
	case c.caughtUp:
		l.sync(now)
	}
	for _, check := range c.checks {
		switch {
		case l.syncing != nil && check.deleted:
			delete(l.syncing, check.ID)
		case l.syncing != nil:
			l.syncing[check.ID] = check.Check
		case check.deleted:
			l.plan.remove(check.ID)
		default:
			l.set(check.Check, now, now)
		}
	}
	l.metrics.checks.Set(float64(len(l.plan.entries)))
}

// sync makes the plan one of exactly the checks that were read from the beginning.
func (l *leader) sync(now time.Time) {
	if l.syncing == nil {
		return
	}
	done := l.record.done
	if l.planned {
		done = l.plan.horizon()
	}
	for id := range l.plan.entries {
		if _, there := l.syncing[id]; !there {
			l.plan.remove(id)
		}
	}
	for _, check := range l.syncing {
		l.set(check, now, done)
	}
	l.syncing = nil
	if !l.planned {
		l.planned = true
		l.plan.last = now.Round(0)
		l.opt.Log.Info("scheduler has planned", "checks", len(l.plan.entries), "to_make_up", len(l.plan.lates))
	}
}

func (l *leader) set(check monitor.Check, now, done time.Time) {
	l.metrics.missed.Add(float64(l.plan.set(check, now.Round(0), done)))
	if !check.Paused {
		for _, location := range check.Locations {
			l.queue(location)
		}
	}
}

// progress is the time up to which everything due has been dispatched.
func (l *leader) progress() time.Time {
	at := l.plan.horizon()
	for _, q := range l.queues {
		if oldest, waits := q.oldest(); waits && !oldest.After(at) {
			at = oldest.Add(-time.Nanosecond)
		}
	}
	return at
}

// mark leaves the progress to be recorded, in place of one that still is.
func (l *leader) mark(at time.Time) {
	select {
	case <-l.marks:
	default:
	}
	l.marks <- at
}

// keepRecord records progress until ctx ends. Only a successor's record ends the term.
func (l *leader) keepRecord(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case at := <-l.marks:
			writing, cancel := context.WithTimeout(ctx, requestTimeout)
			err := l.record.write(writing, at)
			cancel()
			if err == nil {
				continue
			}
			if err := l.recordFailed(ctx, err); err != nil {
				return err
			}
		}
	}
}
