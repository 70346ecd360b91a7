package answer_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/replay"
	"github.com/vedette/vedette/pkg/replay/answer"
)

// stored is a server with so many results of one check, in messages of ten.
func stored(t testing.TB, n int) *jetstream.Bus {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	server, err := embedded.Start(embedded.Config{Dir: t.TempDir(), Locations: []string{"default"}, Log: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	user, password := server.User()
	b, err := jetstream.Connect(t.Context(), jetstream.Config{Server: jetstream.Server{InProcess: server, User: user, Password: password, Name: t.Name()}, Log: log})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.EnsureTopology(t.Context()))
	for _, e := range []monitor.Event{
		monitor.ServiceRegistered{Definition: monitor.ServiceDefinition{ID: "web"}.WithDefaults()},
		monitor.CheckRegistered{Definition: monitor.Definition{ID: "home", Service: "web", Kind: "http", Target: "t"}.WithDefaults()},
	} {
		m := monitor.EventMessage{Meta: monitor.Meta{ID: e.Type(), Source: "/test", Time: time.Now()}, Event: e}
		_, err := b.Append(t.Context(), bus.Batch{Events: []monitor.EventMessage{m}, Expect: map[bus.Aggregate]uint64{bus.AggregateOf(e): 0}})
		require.NoError(t, err)
	}
	due := time.Now()
	const perMessage = 10
	for first := 0; first < n; first += perMessage {
		var results []monitor.EventMessage
		for i := first; i < min(n, first+perMessage); i++ {
			due = due.Add(30 * time.Second)
			r := monitor.Result{
				ID: fmt.Sprint("home-", i), CheckID: "home", Service: "web", Revision: 1, Location: "default", Runner: "runner-1", DueAt: due,
				StartedAt: due, DurationMS: 41.7, Outcome: monitor.OutcomeSuccess, Attempts: 1, Trigger: monitor.TriggerSchedule,
				Observed: map[string]any{"status": 200, "ip": "192.0.2.1", "http_version": "HTTP/2.0", "bytes": 5120},
				Timings:  &monitor.Timings{DNS: 1.2, Connect: 3.1, TLS: 9.8, FirstByte: 25, Transfer: 2.6},
			}
			results = append(results, monitor.EventMessage{Meta: monitor.Meta{ID: r.ID, Source: "/vedette/gate", Time: time.Now()}, Event: monitor.Executed(r)})
		}
		_, err := b.AppendResults(t.Context(), "default", results)
		require.NoError(t, err)
	}
	return b
}

func ask(t testing.TB, b answer.Logs, share float64) replay.Report {
	t.Helper()
	threshold := 2
	q := replay.Question{Check: "home", From: time.Now().Add(-time.Hour), To: time.Now(), Change: replay.Change{FailureThreshold: &threshold}}
	report, err := answer.WhatIf(t.Context(), b, q, nil, answer.Options{Share: share})
	require.NoError(t, err)
	return report
}

func TestWhatIfReadsJetStream(t *testing.T) {
	b := stored(t, 105)
	report := ask(t, b, 1)
	require.Equal(t, 105, report.Results)
	require.Equal(t, "results", report.Source)
	require.True(t, report.Complete)
}

// BenchmarkWhatIfOnJetStream reads 86,400 results, as many as a check has in 30 days at 30 s.
func BenchmarkWhatIfOnJetStream(b *testing.B) {
	const n = 86_400
	logs := stored(b, n)
	for _, share := range []float64{1, answer.DefaultShare} {
		b.Run(fmt.Sprint("share=", share), func(b *testing.B) {
			for b.Loop() {
				require.Equal(b, n, ask(b, logs, share).Results)
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "results/s")
		})
	}
}
