package decider

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/process/backoff"
)

// leader is the decider while it holds the lease. Its loop owns the board, the tallies and all else
// here; what happens elsewhere comes in by the channels, so nothing is locked.
type leader struct {
	bus     Bus
	opt     Options
	log     *slog.Logger
	metrics *metrics
	now     func() time.Time

	board *monitor.Board
	// behind says that the log may hold events that the board has not folded.
	behind  bool
	tallies *monitor.Tallies
	// results is the sequence in RESULTS up to which what follows from the results is durable;
	// applied that up to which the tallies have counted them. They differ while pending is not empty.
	results, applied uint64
	// pending are decisions not yet durable, in order.
	pending  []decision
	retry    *time.Timer
	pause    backoff.Backoff
	silences silences
	inquiry  *inquiry
	presence presence
	// waits are for heartbeats, deaf the times in which none could be heard.
	waits silences
	deaf  []deafness
	// reporting says that the gate is being told of those that did not come, in the background.
	reporting  bool
	reported   chan error
	background sync.WaitGroup
	kept       *snapshots
	trouble    trouble
	lastTick   time.Time

	incoming chan incoming
	requests chan request
	reports  chan bus.Report
	// ready is closed when the results stored before this term have been counted.
	ready   chan struct{}
	isReady bool
}

// decision is one to be made against the board when its turn comes, and again after a conflict.
type decision struct {
	why cause
	// stored is when the result that asks for it was stored; zero when none does.
	stored time.Time
	decide func(*monitor.Board) []monitor.Event
}

// incoming is a batch of results, or the news that those are all there were.
type incoming struct {
	results  []monitor.EventMessage
	caughtUp bool
}

func newLeader(b Bus, opt Options, m *metrics) *leader {
	l := &leader{
		bus: b, opt: opt, log: opt.Log, metrics: m, now: opt.Now,
		silences: newSilences(), waits: newSilences(), reported: make(chan error),
		incoming: make(chan incoming), requests: make(chan request), reports: make(chan bus.Report),
		ready: make(chan struct{}), retry: time.NewTimer(time.Hour),
	}
	l.retry.Stop()
	return l
}

// run serves until ctx ends, or something fails that a new term may cure.
func (l *leader) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	stop, err := l.bus.OnRunner(ctx, func(report bus.Report) {
		select {
		case l.reports <- report:
		case <-ctx.Done():
		}
	})
	if err != nil {
		return err
	}
	g.Go(func() error { return l.follow(ctx) })
	g.Go(func() error { return l.serve(ctx) })
	g.Go(func() error { return l.loop(ctx) })
	g.Go(func() error { return l.stayAlive(ctx) })
	err = g.Wait()
	l.background.Wait()
	stop()
	l.kept.wait()
	return err
}

// follow hands the results to the loop. It never gives up: without results nothing is decided wrongly.
func (l *leader) follow(ctx context.Context) error {
	after := l.results
	var pause backoff.Backoff
	caughtUp := false
	for {
		err := l.bus.FollowResults(ctx, after, func(results []monitor.EventMessage) error {
			if len(results) == 0 {
				return nil
			}
			select {
			case l.incoming <- incoming{results: results}:
				after = results[len(results)-1].Sequence
				pause.Reset()
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}, func() {
			if caughtUp {
				return
			}
			select {
			case l.incoming <- incoming{caughtUp: true}:
				caughtUp = true
			case <-ctx.Done():
			}
		})
		if ctx.Err() != nil {
			return nil
		}
		l.metrics.failures.WithLabelValues("follow").Inc()
		l.log.Error("results cannot be followed; trying again", "after", after, "error", err)
		if !pause.Wait(ctx) {
			return nil
		}
	}
}

func (l *leader) loop(ctx context.Context) error {
	defer l.retry.Stop()
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	l.lastTick = l.now()
	for {
		results := l.incoming
		if len(l.pending) > 0 {
			results = nil // not before what came before is durable
		}
		select {
		case <-ctx.Done():
			return nil
		case in := <-results:
			l.take(ctx, in)
		case r := <-l.requests:
			outcomes, err := l.decideCommands(ctx, r.commands)
			r.reply <- reply{outcomes, err}
		case report := <-l.reports:
			l.hear(ctx, report)
		case <-tick.C:
			if err := l.tick(ctx); err != nil {
				return err
			}
		case <-l.retry.C:
			l.settlePending(ctx)
		case err := <-l.reported:
			l.reporting = false
			if err != nil {
				l.metrics.failures.WithLabelValues("report").Inc()
				l.log.Warn("the gate could not be told of heartbeats that did not come; trying again", "error", err)
			}
		}
	}
}

// tick looks for what the passing of time alone brings about.
func (l *leader) tick(ctx context.Context) error {
	now := l.now()
	l.presence.excuse(now.Sub(l.lastTick))
	l.wasDeaf(l.lastTick, now)
	l.lastTick = now
	if !l.isReady {
		return nil
	}
	l.leaveSilent(ctx, now)
	l.askForSilences(ctx, now)
	return l.maybeSnapshot(ctx, now)
}

// maxConflicts is how many conflicts in a row are answered at once.
const maxConflicts = 5

// settlePending makes the pending decisions and writes what follows from them. What cannot be
// written is tried again later, in the same order.
func (l *leader) settlePending(ctx context.Context) {
	conflicts := 0
	for len(l.pending) > 0 {
		made, err := l.settleSome(ctx)
		var conflict *bus.ConflictError
		if errors.As(err, &conflict) && conflicts < maxConflicts && ctx.Err() == nil {
			conflicts++
			continue
		}
		if err != nil {
			l.retry.Reset(l.pause.Next())
			return
		}
		l.pending = l.pending[made:]
	}
	l.pending = nil
	l.pause.Reset()
	l.results = l.applied
	l.metrics.position.WithLabelValues("results").Set(float64(l.results))
}

// settleSome makes as many pending decisions as one append holds, and returns how many.
func (l *leader) settleSome(ctx context.Context) (made int, err error) {
	if err := l.catchUp(ctx); err != nil {
		if ctx.Err() == nil {
			l.metrics.failures.WithLabelValues("append").Inc()
			l.trouble.report(l.log, l.now(), err)
		}
		return 0, err
	}
	t := newTransaction(l.board)
	now := l.now()
	var stored []time.Time
	for made < len(l.pending) && !t.full() {
		d := l.pending[made]
		made++
		events := d.decide(l.board)
		if len(events) == 0 {
			continue
		}
		if _, err := t.stage(events, d.why, now); err != nil {
			l.board.Undo()
			return 0, err
		}
		if !d.stored.IsZero() {
			stored = append(stored, d.stored)
		}
	}
	if _, err := l.commit(ctx, t); err != nil {
		return 0, err
	}
	for _, at := range stored {
		l.metrics.delay.Observe(l.now().Sub(at).Seconds())
	}
	return made, nil
}

// afterEvents follows events that the board has just folded.
func (l *leader) afterEvents(events []monitor.EventMessage) {
	for _, m := range events {
		switch e := m.Event.(type) {
		case monitor.CheckDeleted:
			l.tallies.Forget(e.CheckID)
			l.silences.remove(e.CheckID)
			l.waits.remove(e.CheckID)
		case monitor.CheckRegistered:
			l.watch(e.Definition.ID, m.Time)
		case monitor.CheckUpdated:
			l.watch(e.Definition.ID, time.Time{})
		case monitor.CheckPaused:
			l.watch(e.CheckID, m.Time)
		case monitor.CheckResumed:
			l.watch(e.CheckID, m.Time)
		case monitor.CheckSucceeded, monitor.CheckFailed, monitor.CheckStatusChanged,
			monitor.ServiceRegistered, monitor.ServiceUpdated, monitor.ServiceDeleted, monitor.ServiceStatusChanged,
			monitor.IncidentOpened, monitor.IncidentResolved, monitor.RunnerJoined, monitor.RunnerLeft,
			monitor.PageRegistered, monitor.PageUpdated, monitor.PageDeleted,
			monitor.CorrectionAdded, monitor.CorrectionWithdrawn:
		}
	}
	l.metrics.position.WithLabelValues("events").Set(float64(l.board.Sequence()))
}
