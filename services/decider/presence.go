package decider

import (
	"context"
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/process/backoff"
)

// presence knows when each runner was last heard.
type presence struct {
	runners map[string]*heard
}

type heard struct {
	monitor.Runner
	at time.Time
}

// newPresence gives the runners that have joined before a full grace.
func newPresence(runners []monitor.Runner, now time.Time) presence {
	p := presence{runners: make(map[string]*heard, len(runners))}
	for _, r := range runners {
		p.runners[r.ID] = &heard{Runner: r, at: now}
	}
	return p
}

// maxDeaf is how late a tick may be: what this process slept through is no runner's silence.
const maxDeaf = 2 * time.Second

// excuse puts off every runner's end of patience by the time that this process did not listen.
func (p *presence) excuse(gap time.Duration) {
	if gap <= maxDeaf {
		return
	}
	for _, r := range p.runners {
		r.at = r.at.Add(gap)
	}
}

// hear takes a runner's sign of life.
func (l *leader) hear(ctx context.Context, report bus.Report) {
	now := l.now()
	known := l.presence.runners[report.Runner.ID]
	switch {
	case report.Runner.ID == "":
		return
	case report.Stopping && known == nil:
		return
	case report.Stopping:
		delete(l.presence.runners, report.Runner.ID)
		l.decide(leaves(known.Runner, "stopped", now))
	case known != nil && sameRunner(known.Runner, report.Runner):
		known.at = now
		return
	default:
		l.presence.runners[report.Runner.ID] = &heard{Runner: report.Runner, at: now}
		l.decide(joins(report.Runner, now))
	}
	l.settlePending(ctx)
}

// leaveSilent lets the runners go that have been silent for too long.
func (l *leader) leaveSilent(ctx context.Context, now time.Time) {
	for id, r := range l.presence.runners {
		if now.Sub(r.at) < l.opt.SilentAfter {
			continue
		}
		delete(l.presence.runners, id)
		l.log.Warn("runner has gone silent", "runner", id, "location", r.Location, "heard", r.at)
		l.decide(leaves(r.Runner, "silent", now))
	}
	if len(l.pending) > 0 && l.pause == (backoff.Backoff{}) {
		l.settlePending(ctx)
	}
}

func (l *leader) decide(decide func(*monitor.Board) []monitor.Event) {
	l.pending = append(l.pending, decision{decide: decide})
}

func joins(r monitor.Runner, now time.Time) func(*monitor.Board) []monitor.Event {
	return func(b *monitor.Board) []monitor.Event {
		if known, ok := joined(b, r.ID); ok && sameRunner(known, r) {
			return nil
		}
		return []monitor.Event{monitor.RunnerJoined{
			RunnerID: r.ID, Location: r.Location, Host: r.Host, Version: r.Version, Concurrency: r.Concurrency, At: now.UTC(),
		}}
	}
}

func leaves(r monitor.Runner, reason string, now time.Time) func(*monitor.Board) []monitor.Event {
	return func(b *monitor.Board) []monitor.Event {
		if _, ok := joined(b, r.ID); !ok {
			return nil
		}
		return []monitor.Event{monitor.RunnerLeft{RunnerID: r.ID, Location: r.Location, Reason: reason, At: now.UTC()}}
	}
}

func joined(b *monitor.Board, id string) (monitor.Runner, bool) {
	runners := b.Runners()
	i := slices.IndexFunc(runners, func(r monitor.Runner) bool { return r.ID == id })
	if i < 0 {
		return monitor.Runner{}, false
	}
	return runners[i], true
}

func sameRunner(a, b monitor.Runner) bool {
	return a.Location == b.Location && a.Host == b.Host && a.Version == b.Version && a.Concurrency == b.Concurrency
}
