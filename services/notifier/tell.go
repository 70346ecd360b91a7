package notifier

import (
	"context"
	"log/slog"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// tell writes a line about an event that somebody should hear of, and reports whether it did.
func (n *notifier) tell(ctx context.Context, m monitor.EventMessage) bool {
	level, text, what := describe(m.Event)
	if text == "" {
		return false
	}
	n.log.LogAttrs(ctx, level, text, append(what, causes(m)...)...)
	n.metrics.told.WithLabelValues(m.Event.Type()).Inc()
	return true
}

// describe returns the line about an event and what goes with it; no text for events that nobody
// needs to be told of.
func describe(event monitor.Event) (slog.Level, string, []slog.Attr) {
	switch e := event.(type) {
	case monitor.CheckStatusChanged:
		return levelOf(e.To), "check status changed", []slog.Attr{
			slog.String("check", e.CheckID), slog.String("service", e.Service),
			slog.String("from", string(e.From)), slog.String("to", string(e.To)), slog.Time("at", e.At),
			slog.String("reason", e.Reason), slog.String("execution", e.ResultID),
			slog.Uint64("result_sequence", e.Position.Sequence), slog.Int("result_index", e.Position.Index),
		}
	case monitor.ServiceStatusChanged:
		return levelOf(e.To), "service status changed", []slog.Attr{
			slog.String("service", e.ServiceID),
			slog.String("from", string(e.From)), slog.String("to", string(e.To)), slog.Time("at", e.At),
			slog.String("reason", e.Reason), slog.String("check", e.CheckID),
		}
	case monitor.IncidentOpened:
		return slog.LevelWarn, "incident opened", []slog.Attr{
			slog.String("incident", e.IncidentID), slog.String("check", e.CheckID), slog.String("service", e.Service),
			slog.Time("at", e.OpenedAt), slog.String("reason", e.Cause), slog.String("execution", e.ResultID),
		}
	case monitor.IncidentResolved:
		return slog.LevelInfo, "incident resolved", []slog.Attr{
			slog.String("incident", e.IncidentID), slog.String("check", e.CheckID), slog.String("service", e.Service),
			slog.Time("at", e.ResolvedAt), slog.Duration("duration", time.Duration(e.DurationMS)*time.Millisecond),
			slog.String("reason", e.Resolution),
		}
	case monitor.CheckRegistered, monitor.CheckUpdated, monitor.CheckDeleted, monitor.CheckPaused,
		monitor.CheckResumed, monitor.CheckSucceeded, monitor.CheckFailed, monitor.ServiceRegistered,
		monitor.ServiceUpdated, monitor.ServiceDeleted, monitor.PageRegistered,
		monitor.PageUpdated, monitor.PageDeleted, monitor.CorrectionAdded, monitor.CorrectionWithdrawn,
		monitor.RunnerJoined, monitor.RunnerLeft:
		return 0, "", nil
	}
	return 0, "", nil
}

// causes are the ids by which an event is found, and those of what led to it.
func causes(m monitor.EventMessage) []slog.Attr {
	return []slog.Attr{
		slog.String("event", m.ID), slog.Uint64("sequence", m.Sequence),
		slog.String("causation", m.CausationID), slog.String("correlation", m.CorrelationID),
		slog.String("command", m.CommandID), slog.String("actor", m.Actor),
	}
}

func levelOf(s monitor.Status) slog.Level {
	switch s {
	case monitor.StatusDown, monitor.StatusDegraded, monitor.StatusUnknown:
		return slog.LevelWarn
	case monitor.StatusUp, monitor.StatusPaused, monitor.StatusMaintenance:
		return slog.LevelInfo
	}
	return slog.LevelWarn
}
