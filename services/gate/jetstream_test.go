package gate

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
)

// onServer returns the bus of a gate and that of a runner, on a server of their own.
func onServer(t testing.TB) (*jetstream.Bus, *jetstream.RunnerBus) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	server, err := embedded.Start(embedded.Config{Dir: t.TempDir(), Locations: []string{here}, Log: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	user, password := server.User()
	b, err := jetstream.Connect(t.Context(), jetstream.Config{
		Server: jetstream.Server{InProcess: server, User: user, Password: password, Name: t.Name()}, Log: log,
	})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.EnsureTopology(t.Context()))
	user, password = server.Runner(here)
	r, err := jetstream.ConnectRunner(t.Context(), jetstream.RunnerConfig{
		Server:   jetstream.Server{InProcess: server, User: user, Password: password, Name: "runner"},
		Location: here, APIPrefix: embedded.RunnerAPIPrefix, InboxPrefix: embedded.RunnerInboxPrefix, Log: log,
	})
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return b, r
}

// ready waits until a gate answers.
func ready(t testing.TB, r bus.Ingest) {
	t.Helper()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return r.Deliver(ctx, here, from("first")) == nil
	}, 10*time.Second, 10*time.Millisecond)
}

// Runners deliver while gates come and go: every result is stored, in the order of its runner, and
// nothing that was acknowledged is missing.
func TestOnJetStreamGatesComeAndGo(t *testing.T) {
	b, r := onServer(t)
	var heard atomic.Int64
	stopListening, err := b.OnResult(t.Context(), func(monitor.EventMessage) { heard.Add(1) })
	require.NoError(t, err)
	stop := open(t, b)
	ready(t, r)
	const runners, reports = 4, 60
	var pending sync.WaitGroup
	var acknowledged atomic.Int64
	for n := range runners {
		runner := fmt.Sprint(n)
		pending.Go(func() {
			for i := range reports {
				report := from(runner, fmt.Sprintf("%s-%02d-a", runner, i), fmt.Sprintf("%s-%02d-b", runner, i))
				for {
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
					err := r.Deliver(ctx, here, report)
					cancel()
					if err == nil {
						break
					}
				}
				acknowledged.Add(2)
			}
		})
	}
	for round := range 5 {
		target := int64((round + 1) * runners * reports * 2 / 6)
		require.Eventually(t, func() bool { return acknowledged.Load() >= target }, 30*time.Second, time.Millisecond)
		next := open(t, b)
		stop()
		stop = next
	}
	pending.Wait()
	stop()
	first, seen := map[string]string{}, map[string]bool{}
	for _, message := range stored(t, b) {
		for _, check := range message {
			if !seen[check] { // a repeat, by a gate that did not know of the first, counts for nothing
				assert.Less(t, first[check[:1]], check)
				first[check[:1]], seen[check] = check, true
			}
		}
	}
	assert.Len(t, seen, runners*reports*2)
	require.Eventually(t, func() bool { return heard.Load() >= runners*reports*2 }, 5*time.Second, time.Millisecond)
	stopListening()
}

// BenchmarkOnJetStream measures results per second through a gate on an embedded server that syncs
// before it acknowledges, from runners that have one report in flight each.
func BenchmarkOnJetStream(b *testing.B) {
	for _, size := range []int{1, 20, 200} {
		b.Run(fmt.Sprintf("report=%d", size), func(b *testing.B) {
			j, r := onServer(b)
			stop := open(b, j)
			ready(b, r)
			var runners atomic.Int64
			b.SetParallelism(4)
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				runner := fmt.Sprintf("runner-%d", runners.Add(1))
				for round := 0; p.Next(); round++ {
					report := from(runner)
					for i := range size {
						one := result(fmt.Sprintf("%s-%d-%d", runner, round, i), time.Now().Truncate(time.Millisecond))
						one.Runner = runner
						report.Results = append(report.Results, one)
					}
					require.NoError(b, r.Deliver(b.Context(), here, report))
				}
			})
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "results/s")
			b.StopTimer()
			stop()
		})
	}
}
