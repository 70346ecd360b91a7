package middleware

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// The results by which messages are counted.
const (
	resultOK      = "ok"
	resultRefused = "refused"
	resultFailed  = "failed"
)

// Metrics returns middleware that counts messages by type and result ("ok", "refused", "failed"), and
// measures how long sending and handling them takes. An error says that the metrics are registered
// already.
func Metrics(registerer prometheus.Registerer) (bus.Middleware, error) {
	m := metrics{
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vedette_bus_commands_sent_total", Help: "Commands sent, by how, type and result.",
		}, []string{"operation", "type", "result"}),
		sending: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "vedette_bus_command_send_seconds", Help: "Time until a command was stored (post) or its outcome known (send).",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}, []string{"operation"}),
		handled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vedette_bus_commands_handled_total", Help: "Commands handled, by type and result.",
		}, []string{"type", "result"}),
		handling: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "vedette_bus_command_batch_handle_seconds", Help: "Time in which a batch of commands was handled.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vedette_bus_events_handled_total", Help: "Events handled by subscribers, by type and result.",
		}, []string{"type", "result"}),
		eventing: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "vedette_bus_event_handle_seconds", Help: "Time in which a subscriber handled an event.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 15),
		}),
	}
	for _, c := range []prometheus.Collector{m.sent, m.sending, m.handled, m.handling, m.events, m.eventing} {
		if err := registerer.Register(c); err != nil {
			return bus.Middleware{}, fmt.Errorf("metrics of messages: %w", err)
		}
	}
	return bus.Middleware{Send: m.send, Handle: m.handle, Event: m.event}, nil
}

type metrics struct {
	sent, handled, events *prometheus.CounterVec
	sending               *prometheus.HistogramVec
	handling, eventing    prometheus.Histogram
}

func (m metrics) send(operation bus.Operation, next bus.SendFunc) bus.SendFunc {
	return func(ctx context.Context, command monitor.CommandMessage) (bus.Outcome, error) {
		begun := time.Now()
		outcome, err := next(ctx, command)
		m.sending.WithLabelValues(string(operation)).Observe(time.Since(begun).Seconds())
		m.sent.WithLabelValues(string(operation), command.Command.Type(), resultOf(outcome, err)).Inc()
		return outcome, err
	}
}

func (m metrics) handle(next bus.CommandHandler) bus.CommandHandler {
	return func(ctx context.Context, commands []monitor.CommandMessage) ([]bus.Outcome, error) {
		begun := time.Now()
		outcomes, err := next(ctx, commands)
		m.handling.Observe(time.Since(begun).Seconds())
		for i, command := range commands {
			var outcome bus.Outcome
			if i < len(outcomes) {
				outcome = outcomes[i]
			}
			m.handled.WithLabelValues(command.Command.Type(), resultOf(outcome, err)).Inc()
		}
		return outcomes, err
	}
}

func (m metrics) event(next bus.EventHandler) bus.EventHandler {
	return func(ctx context.Context, event monitor.EventMessage) error {
		begun := time.Now()
		err := next(ctx, event)
		m.eventing.Observe(time.Since(begun).Seconds())
		m.events.WithLabelValues(event.Event.Type(), resultOf(bus.Outcome{}, err)).Inc()
		return err
	}
}

func resultOf(outcome bus.Outcome, err error) string {
	switch {
	case err != nil:
		return resultFailed
	case !outcome.Accepted():
		return resultRefused
	default:
		return resultOK
	}
}
