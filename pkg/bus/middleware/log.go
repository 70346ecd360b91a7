package middleware

import (
	"context"
	"log/slog"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// Log returns middleware that writes what succeeds at debug level and what fails as errors; a sender
// who gave up waiting is a warning. Refusals are written at info where they are decided, and at debug
// where they are answered. Of a batch of commands it writes one line, and one for each refusal.
func Log(log *slog.Logger) bus.Middleware {
	l := logger{log}
	return bus.Middleware{Send: l.send, Handle: l.handle, Event: l.event}
}

type logger struct{ log *slog.Logger }

func (l logger) send(operation bus.Operation, next bus.SendFunc) bus.SendFunc {
	return func(ctx context.Context, m monitor.CommandMessage) (bus.Outcome, error) {
		begun := time.Now()
		outcome, err := next(ctx, m)
		log := l.log.With("operation", string(operation), about(m.Meta, m.Command), "took", time.Since(begun))
		switch {
		case err != nil && ctx.Err() != nil:
			log.WarnContext(ctx, "the sender of a command did not wait for its outcome", "error", err)
		case err != nil:
			log.ErrorContext(ctx, "a command could not be sent", "error", err)
		case !outcome.Accepted():
			log.DebugContext(ctx, "a command was answered with a refusal", "code", string(outcome.Refusal.Code), "reason", outcome.Refusal.Message)
		default:
			log.DebugContext(ctx, "a command was sent", "revision", outcome.Revision, "sequence", outcome.Sequence)
		}
		return outcome, err
	}
}

func (l logger) handle(next bus.CommandHandler) bus.CommandHandler {
	return func(ctx context.Context, commands []monitor.CommandMessage) ([]bus.Outcome, error) {
		begun := time.Now()
		outcomes, err := next(ctx, commands)
		took := time.Since(begun)
		if err != nil {
			l.log.ErrorContext(ctx, "commands could not be handled", "commands", len(commands), about(commands[0].Meta, commands[0].Command), "took", took, "error", err)
			return outcomes, err
		}
		refused := 0
		for i, outcome := range outcomes {
			if !outcome.Accepted() && i < len(commands) {
				refused++
				l.log.InfoContext(ctx, "a command was refused", about(commands[i].Meta, commands[i].Command),
					"code", string(outcome.Refusal.Code), "reason", outcome.Refusal.Message)
			}
		}
		l.log.DebugContext(ctx, "commands were handled", "commands", len(commands), "refused", refused, "took", took)
		return outcomes, nil
	}
}

func (l logger) event(next bus.EventHandler) bus.EventHandler {
	return func(ctx context.Context, m monitor.EventMessage) error {
		begun := time.Now()
		err := next(ctx, m)
		log := l.log.With(about(m.Meta, m.Event), "sequence", m.Sequence, "took", time.Since(begun))
		if err != nil {
			log.ErrorContext(ctx, "a subscriber could not handle an event", "error", err)
			return err
		}
		log.DebugContext(ctx, "an event was handled")
		return nil
	}
}

// message is what commands and events have in common.
type message interface {
	Type() string
	Aggregate() (kind, id string)
}

// about returns what tells one message from all others.
func about(meta monitor.Meta, m message) slog.Attr {
	kind, id := m.Aggregate()
	return slog.Group("message", "type", m.Type(), "id", meta.ID, "about", kind+"/"+id, "correlation", meta.CorrelationID, "actor", meta.Actor)
}
