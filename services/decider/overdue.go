package decider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// A heartbeat that does not come is a result like any other: the decider, which knows when the last
// one came, reports it to the gate as late, and decides when it hears of it. So histories, uptimes and
// replays need no rule of their own, and telling twice counts once.

const (
	// aliveEvery is how often a decider leaves word that it listens, under aliveKey.
	aliveEvery = 10 * time.Second
	aliveKey   = lease + ".alive"
)

// deafness is a time in which nobody listened. A heartbeat due within it may have come unheard, so that
// the wait for it stands still meanwhile.
type deafness struct{ from, to time.Time }

// excused is the deadline of a wait that began at a time, put off by the deafness within it.
func excused(deaf []deafness, since, deadline time.Time) time.Time {
	for _, d := range deaf {
		if since.Before(d.to) && deadline.After(d.from) {
			deadline = deadline.Add(d.to.Sub(d.from))
		}
	}
	return deadline
}

// maxDeafness bounds how many such times are remembered; older ones are longer ago than most waits.
const maxDeafness = 64

func (l *leader) wasDeaf(from, to time.Time) {
	if to.Sub(from) <= maxDeaf {
		return
	}
	l.deaf = append(l.deaf, deafness{from, to})
	if extra := len(l.deaf) - maxDeafness; extra > 0 {
		l.deaf = l.deaf[extra:]
	}
}

// lateAt returns when a check's next heartbeat was expected and when it is late; zero for never.
func (l *leader) lateAt(check monitor.Check) (expected, late time.Time) {
	expected, late = l.tallies.Expected(check)
	if late.IsZero() {
		return expected, late
	}
	// One may as well have been sent a little early.
	return expected, excused(l.deaf, expected.Add(-check.Grace.Std()), late)
}

// awaitHeartbeat notes when the next heartbeat of a check will be late.
func (l *leader) awaitHeartbeat(check monitor.Check) {
	if check.Pushed() {
		_, late := l.lateAt(check)
		l.waits.set(check.ID, time.Time{}, late)
	}
}

// overdue returns the checks whose heartbeat is late.
func (l *leader) overdue(now time.Time) []string {
	return l.waits.due(now, func(id string, _ time.Time) time.Time {
		check, ok := l.board.Check(id)
		if !ok {
			return time.Time{}
		}
		_, late := l.lateAt(check)
		return late
	})
}

// reportOverdue tells the gate of the heartbeats that had not come by a time at which all that was
// stored is counted. What cannot be told is told again at the next tick.
func (l *leader) reportOverdue(ctx context.Context, at time.Time) {
	if l.reporting {
		return
	}
	missed := make(map[string][]monitor.Result)
	for _, id := range l.overdue(at) {
		check, ok := l.board.Check(id)
		if !ok {
			l.waits.remove(id)
			continue
		}
		expected, late := l.lateAt(check)
		location := check.Locations[0]
		if len(missed[location]) < bus.MaxReportResults {
			missed[location] = append(missed[location], check.Missed(expected, late))
		}
	}
	if len(missed) == 0 {
		return
	}
	l.reporting = true
	l.background.Go(func() {
		err := reportMissed(ctx, l.bus, missed)
		select {
		case l.reported <- err:
		case <-ctx.Done():
		}
	})
}

func reportMissed(ctx context.Context, gate bus.Ingest, missed map[string][]monitor.Result) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var failed []error
	for location, results := range missed {
		err := gate.Deliver(ctx, location, bus.Report{
			Runner:  monitor.Runner{ID: monitor.HeartbeatRunner, Location: location},
			Results: results,
		})
		if err != nil {
			failed = append(failed, fmt.Errorf("%d at %s: %w", len(results), location, err))
		}
	}
	return errors.Join(failed...)
}

// stayAlive leaves word that this decider listens, until ctx ends.
func (l *leader) stayAlive(ctx context.Context) error {
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	for {
		if err := l.kept.bucket.Put(ctx, aliveKey, []byte(l.now().UTC().Format(time.RFC3339Nano))); err != nil && ctx.Err() == nil {
			l.log.Debug("no word was left that the decider listens", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// lastAlive returns when a decider last left word; zero when none ever did.
func (s *snapshots) lastAlive(ctx context.Context) (time.Time, error) {
	entry, err := s.bucket.Get(ctx, aliveKey)
	if errors.Is(err, bus.ErrNoKey) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read when a decider last listened: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, string(entry.Value))
	if err != nil {
		return time.Time{}, nil // as if there was none
	}
	return at, nil
}
