package decider

import (
	"context"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// take counts a batch of results and decides what follows from each, in order.
func (l *leader) take(ctx context.Context, in incoming) {
	if in.caughtUp {
		l.beginWatching()
		return
	}
	for _, m := range in.results {
		l.count(m)
	}
	l.applied = max(l.applied, in.results[len(in.results)-1].Sequence)
	l.settlePending(ctx)
	l.settleSilences(ctx)
}

// count counts one result, and leaves what it leads to to be judged.
func (l *leader) count(m monitor.EventMessage) {
	result, ok := monitor.ResultOf(m.Event)
	if !ok {
		return
	}
	stored := m.StoredAt
	if stored.IsZero() {
		stored = m.Time
	}
	check, known := l.board.Check(result.CheckID)
	// One from an earlier life of the check does not count, even where a new term hears of it later.
	if !known || stored.Before(check.CreatedAt) {
		l.metrics.results.WithLabelValues("unknown").Inc()
		return
	}
	hearing, counted := l.tallies.Hear(check.Definition, m)
	if !counted {
		l.metrics.results.WithLabelValues("late").Inc()
		return
	}
	l.metrics.results.WithLabelValues("counted").Inc()
	if hearing.WasSilent {
		l.judge(check.ID, hearing.Silence, cause{}, time.Time{})
	}
	why := cause{causationID: m.ID, correlationID: m.CorrelationID}
	if why.correlationID == "" {
		why.correlationID = m.ID
	}
	l.judge(check.ID, hearing.Verdict, why, stored)
	if l.isReady {
		l.silences.heard(check.ID, stored, func(evaluated time.Time) time.Time { return l.tallies.Deadline(check, evaluated) })
		l.awaitHeartbeat(check)
	}
}

// judge leaves a verdict to be judged.
func (l *leader) judge(checkID string, v monitor.Verdict, why cause, stored time.Time) {
	l.pending = append(l.pending, decision{why: why, stored: stored, decide: func(b *monitor.Board) []monitor.Event {
		return b.Judge(checkID, v)
	}})
}
