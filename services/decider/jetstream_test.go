package decider

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
)

// strict validates as an executor would whose kind wants targets with a scheme.
type strict struct{}

func (strict) Validate(d monitor.Definition) monitor.Problems {
	var p monitor.Problems
	if len(d.Target) < 7 {
		p.Add("target", "has no scheme")
	}
	return p
}

func definition(id string) monitor.Definition {
	return monitor.Definition{ID: id, Service: "web", Kind: "http", Target: "http://example.org", Interval: monitor.Duration(30 * time.Second)}
}

// onServer returns a bus on a server of its own.
func onServer(t testing.TB) *jetstream.Bus {
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
	return b
}

func run(t testing.TB, b Bus) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, b, Options{Validator: strict{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	}()
	return func() {
		cancel()
		require.NoError(t, <-done)
	}
}

func send(t testing.TB, b bus.Commands, id string, c monitor.Command) bus.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	outcome, err := b.Send(ctx, monitor.CommandMessage{Meta: monitor.Meta{ID: id, Time: time.Now(), Source: "/test"}, Command: c})
	require.NoError(t, err)
	return outcome
}

func report(t testing.TB, b bus.ResultLog, check string, n int, outcome monitor.Outcome) {
	t.Helper()
	now := time.Now()
	r := monitor.Result{ID: fmt.Sprint(check, n), CheckID: check, Service: "web", Location: "default", Runner: "r", DueAt: now, StartedAt: now, Outcome: outcome, Trigger: monitor.TriggerSchedule}
	_, err := b.AppendResults(t.Context(), "default", []monitor.EventMessage{{Meta: monitor.Meta{ID: "e" + r.ID, Source: "/test", Time: now}, Event: monitor.Executed(r)}})
	require.NoError(t, err)
}

func TestOnJetStreamARestartGoesOnWhereItStopped(t *testing.T) {
	b := onServer(t)
	stop := run(t, b)
	require.True(t, send(t, b, "s1", monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "web"}}).Accepted())
	first := send(t, b, "c1", monitor.RegisterCheck{Definition: definition("home")})
	require.True(t, first.Accepted())
	require.EqualValues(t, 2, first.Sequence)
	statuses := func() (all []string) {
		events, err := b.Read(t.Context(), 0, 1000, bus.Filter{Aggregate: "check"})
		require.NoError(t, err)
		for _, m := range events {
			if e, ok := m.Event.(monitor.CheckStatusChanged); ok {
				all = append(all, string(e.To))
			}
		}
		return all
	}
	want := []string{}
	for i := range 6 {
		outcome, status := monitor.OutcomeFailure, "down"
		if i%2 == 1 {
			outcome, status = monitor.OutcomeSuccess, "up"
		}
		want = append(want, status)
		report(t, b, "home", i, outcome)
		require.Eventually(t, func() bool { return len(statuses()) == len(want) }, 10*time.Second, 5*time.Millisecond)
		stop()
		stop = run(t, b)
	}
	require.True(t, send(t, b, "p1", monitor.PauseCheck{CheckID: "home"}).Accepted())
	stop()
	require.Equal(t, append(want, "paused"), statuses())
}

// BenchmarkOnJetStreamDecisionDelay is the time from storing a failing result to its events.
func BenchmarkOnJetStreamDecisionDelay(b *testing.B) {
	js := onServer(b)
	stop := run(b, js)
	defer stop()
	send(b, js, "s1", monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "web"}})
	send(b, js, "c1", monitor.RegisterCheck{Definition: definition("home")})
	changed := make(chan struct{}, 16)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- js.Follow(ctx, 2, bus.Filter{Aggregate: "check"}, func(events []monitor.EventMessage) error {
			for range events {
				changed <- struct{}{}
			}
			return nil
		}, nil)
	}()
	var delays []time.Duration
	n := 0
	for b.Loop() {
		outcome := monitor.OutcomeFailure
		if n++; n%2 == 0 {
			outcome = monitor.OutcomeSuccess
		}
		report(b, js, "home", n, outcome)
		started := time.Now()
		<-changed
		delays = append(delays, time.Since(started))
	}
	cancel()
	require.NoError(b, <-done)
	slices.Sort(delays)
	b.ReportMetric(float64(delays[len(delays)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds())/1000, "p99-ms")
}
