package middleware

import (
	"context"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// Span is a piece of work on one message.
type Span struct {
	Place
	// Parent is the span that caused it; zero for the first of a trace.
	Parent [8]byte
	// Name is "send", "post", "handle" or "event", and the message's type.
	Name      string
	Begun     time.Time
	Took      time.Duration
	MessageID string
	About     string
	Err       error
	// Refusal is why a command was refused.
	Refusal string
}

// Trace returns middleware that makes a trace of each chain of messages and hands its spans to
// record, which must be safe for concurrent use and quick. The trace's id is the correlation id, a
// span's parent follows from the causation id: any process derives the same from the message alone.
// A command sent with a context of [WithPlace] continues the sender's trace.
func Trace(record func(Span)) bus.Middleware {
	t := tracer{record}
	return bus.Middleware{Send: t.send, Handle: t.handle, Event: t.event}
}

type tracer struct{ record func(Span) }

func (t tracer) send(operation bus.Operation, next bus.SendFunc) bus.SendFunc {
	return func(ctx context.Context, m monitor.CommandMessage) (bus.Outcome, error) {
		span := begin(string(operation), m.Meta, m.Command)
		if caller, ok := PlaceOf(ctx); ok {
			if m.CorrelationID == "" || m.CorrelationID == m.ID {
				m.CorrelationID = correlationOf(caller.Trace)
			}
			span.Parent, span.Sampled = caller.Span, caller.Sampled
		}
		span.Trace, span.Span = traceOf(m.Meta), spanOf(m.ID)
		outcome, err := next(WithPlace(ctx, span.Place), m)
		t.end(span, outcome, err)
		return outcome, err
	}
}

func (t tracer) handle(next bus.CommandHandler) bus.CommandHandler {
	return func(ctx context.Context, commands []monitor.CommandMessage) ([]bus.Outcome, error) {
		spans := make([]Span, len(commands))
		for i, m := range commands {
			spans[i] = begin("handle", m.Meta, m.Command)
			spans[i].Trace, spans[i].Span, spans[i].Parent = traceOf(m.Meta), newSpan(), spanOf(m.ID)
		}
		if len(spans) == 1 { // several are of several traces
			ctx = WithPlace(ctx, spans[0].Place)
		}
		outcomes, err := next(ctx, commands)
		for i, span := range spans {
			var outcome bus.Outcome
			if i < len(outcomes) {
				outcome = outcomes[i]
			}
			t.end(span, outcome, err)
		}
		return outcomes, err
	}
}

func (t tracer) event(next bus.EventHandler) bus.EventHandler {
	return func(ctx context.Context, m monitor.EventMessage) error {
		span := begin("event", m.Meta, m.Event)
		span.Trace, span.Span = traceOf(m.Meta), newSpan()
		if m.CausationID != "" {
			span.Parent = spanOf(m.CausationID)
		}
		err := next(WithPlace(ctx, span.Place), m)
		t.end(span, bus.Outcome{}, err)
		return err
	}
}

func begin(what string, meta monitor.Meta, m message) Span {
	kind, id := m.Aggregate()
	return Span{Name: what + " " + m.Type(), Begun: time.Now(), MessageID: meta.ID, About: kind + "/" + id, Place: Place{Sampled: true}}
}

func (t tracer) end(s Span, outcome bus.Outcome, err error) {
	s.Took, s.Err = time.Since(s.Begun), err
	if !outcome.Accepted() {
		s.Refusal = outcome.Refusal.Message
	}
	t.record(s)
}

// LogSpans returns a record function for [Trace] that writes sampled spans to a log at debug level,
// with the fields by which log stores find the traces they belong to.
func LogSpans(log *slog.Logger) func(Span) {
	return func(s Span) {
		if !s.Sampled {
			return
		}
		fields := []any{
			"trace_id", hex.EncodeToString(s.Trace[:]), "span_id", hex.EncodeToString(s.Span[:]), "parent_id", hex.EncodeToString(s.Parent[:]),
			"message", s.MessageID, "about", s.About, "begun", s.Begun, "took", s.Took,
		}
		if s.Err != nil {
			fields = append(fields, "error", s.Err)
		}
		if s.Refusal != "" {
			fields = append(fields, "refusal", s.Refusal)
		}
		log.Debug(s.Name, fields...)
	}
}
