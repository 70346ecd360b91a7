package cloudevents_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/monitor"
)

// BenchmarkBatch is the time for one result, in a batch of fifty.
func BenchmarkBatch(b *testing.B) {
	const size = 50
	at := time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)
	events := make([]monitor.EventMessage, size)
	for i := range events {
		events[i] = monitor.EventMessage{
			Meta: monitor.Meta{ID: cloudevents.NewID(), Source: "/vedette/gate", Time: at, CausationID: "home.1.x.default", CorrelationID: "home.1.x.default"},
			Event: monitor.Executed(monitor.Result{
				ID: "home.1.x.default", CheckID: "home", Service: "web", Revision: 1, Location: "default", Runner: "r1",
				DueAt: at, StartedAt: at, NextDueAt: at.Add(time.Minute), DurationMS: 12.25, Outcome: monitor.OutcomeSuccess, Attempts: 1,
				Observed: map[string]any{"status": 200, "bytes": 512, "ip": "192.0.2.1", "http_version": "HTTP/1.1"},
				Timings:  &monitor.Timings{Connect: 0.5, FirstByte: 9, Transfer: 1}, Trigger: monitor.TriggerSchedule,
				Assertions: []monitor.AssertionResult{{Expression: "status == 200", Passed: true}},
			}),
		}
	}
	codec := cloudevents.New()
	raw, err := cloudevents.MarshalBatch(events)
	require.NoError(b, err)
	b.Run("write", func(b *testing.B) {
		for range b.N/size + 1 {
			_, err := cloudevents.MarshalBatch(events)
			require.NoError(b, err)
		}
	})
	b.Run("read", func(b *testing.B) {
		for range b.N/size + 1 {
			_, err := codec.UnmarshalBatch(raw)
			require.NoError(b, err)
		}
	})
}
