package decider

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// leaderOf returns a leader at work on the given number of checks, without its surroundings.
func leaderOf(b *testing.B, checks int) *leader {
	b.Helper()
	m, err := newMetrics(nil)
	require.NoError(b, err)
	f := &faulty{Memory: bus.NewMemory()}
	opt := Options{Validator: strict{}, Log: slog.New(slog.DiscardHandler)}.withDefaults()
	l := newLeader(f, opt, m)
	l.board, l.tallies, l.isReady = monitor.NewBoard(), monitor.NewTallies(), true
	l.kept, err = openSnapshots(b.Context(), f, opt, m, 1)
	require.NoError(b, err)
	var orders []order
	add := func(id string, c monitor.Command) {
		orders = append(orders, order{CommandMessage: monitor.CommandMessage{Meta: monitor.Meta{ID: id}, Command: c}})
		if len(orders) == maxCommands {
			_, err := l.decideCommands(b.Context(), orders)
			require.NoError(b, err)
			orders = orders[:0]
		}
	}
	for i := range 100 {
		add(fmt.Sprint("s", i), monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: fmt.Sprint("web-", i)}})
	}
	for i := range checks {
		d := definition(fmt.Sprint("check-", i))
		d.Service = fmt.Sprint("web-", i%100)
		d.Assertions = []string{"status == 200", "latency < duration('800ms')"}
		add(fmt.Sprint("c", i), monitor.RegisterCheck{Definition: d})
	}
	require.Len(b, l.board.Checks(), checks)
	return l
}

// batchOf returns the n-th batch of results of 100 checks, one in a hundred of which fails.
func batchOf(n, checks int) []monitor.EventMessage {
	now := time.Now()
	results := make([]monitor.EventMessage, 100)
	for i := range results {
		r := monitor.Result{ID: fmt.Sprint(n, "-", i), CheckID: fmt.Sprint("check-", (n*100+i)%checks), Location: "default", DueAt: now.Add(time.Duration(n) * time.Second), StartedAt: now, Outcome: monitor.OutcomeSuccess}
		if i == n%100 {
			r.Outcome = monitor.OutcomeFailure
		}
		results[i] = monitor.EventMessage{Meta: monitor.Meta{Sequence: uint64(n + 1), Index: i, StoredAt: now}, Event: monitor.Executed(r)}
	}
	return results
}

func BenchmarkResults(b *testing.B) {
	const checks = 10000
	l := leaderOf(b, checks)
	n := 0
	b.ResetTimer()
	for b.Loop() {
		l.take(context.Background(), incoming{results: batchOf(n, checks)})
		n++
	}
	b.ReportMetric(float64(n*100)/b.Elapsed().Seconds(), "results/s")
}

func BenchmarkCommands(b *testing.B) {
	l := leaderOf(b, 1000)
	n := 0
	b.ResetTimer()
	for b.Loop() {
		orders := make([]order, maxCommands)
		for i := range orders {
			d := definition(fmt.Sprint("check-", i))
			d.Service, d.Name = "web-0", fmt.Sprint("name ", n)
			orders[i] = order{CommandMessage: monitor.CommandMessage{Meta: monitor.Meta{ID: fmt.Sprint("u", n, "-", i)}, Command: monitor.UpdateCheck{Definition: d}}}
		}
		_, err := l.decideCommands(context.Background(), orders)
		require.NoError(b, err)
		n++
	}
	b.ReportMetric(float64(n*maxCommands)/b.Elapsed().Seconds(), "commands/s")
}

func BenchmarkSilenceTick10000Checks(b *testing.B) {
	const checks = 10000
	l := leaderOf(b, checks)
	for n := range checks / 100 {
		l.take(context.Background(), incoming{results: batchOf(n, checks)})
	}
	now := time.Now()
	b.ResetTimer()
	for b.Loop() {
		l.dueSilences(now)
	}
}

func BenchmarkSnapshotCopy10000Checks(b *testing.B) {
	const checks = 10000
	l := leaderOf(b, checks)
	for n := range checks / 100 {
		l.take(context.Background(), incoming{results: batchOf(n, checks)})
	}
	b.ResetTimer()
	for b.Loop() {
		l.kept.prepare(l)
	}
}

func BenchmarkSnapshotWrite10000Checks(b *testing.B) {
	const checks = 10000
	l := leaderOf(b, checks)
	for n := range checks / 100 {
		l.take(context.Background(), incoming{results: batchOf(n, checks)})
	}
	text, err := json.Marshal(l.board)
	require.NoError(b, err)
	b.ReportMetric(float64(len(text))/1e6, "board-MB")
	b.ResetTimer()
	for b.Loop() {
		l.kept.latest = manifest{}
		o := l.kept.prepare(l)(context.Background())
		require.NoError(b, o.err)
		l.kept.revision = o.revision
	}
}
