package runner

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
)

// station is a server of its own with a door that stores reports as a gate does.
type station struct {
	server *embedded.Server
	bus    *jetstream.Bus
	log    *slog.Logger
	taken  atomic.Int64
}

func newStation(t testing.TB) *station {
	t.Helper()
	s := &station{log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))}
	var err error
	s.server, err = embedded.Start(embedded.Config{Dir: t.TempDir(), Locations: []string{here}, Log: s.log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.server.Stop()) })
	user, password := s.server.User()
	s.bus, err = jetstream.Connect(t.Context(), jetstream.Config{
		Server: jetstream.Server{InProcess: s.server, User: user, Password: password, Name: t.Name()}, Log: s.log,
	})
	require.NoError(t, err)
	t.Cleanup(s.bus.Close)
	require.NoError(t, s.bus.EnsureTopology(t.Context()))
	require.NoError(t, s.bus.OpenLocation(t.Context(), here))
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.bus.ServeIngest(ctx, s.store) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-served)
	})
	return s
}

func (s *station) store(ctx context.Context, location string, report bus.Report) error {
	if len(report.Results) == 0 {
		return nil
	}
	var messages []monitor.EventMessage
	for _, r := range report.Results {
		messages = append(messages, monitor.EventMessage{
			Meta: monitor.Meta{ID: r.ID + time.Now().String(), Source: "/test", Time: time.Now()}, Event: monitor.Executed(r),
		})
	}
	_, err := s.bus.AppendResults(ctx, location, messages)
	if err == nil {
		s.taken.Add(int64(len(messages)))
	}
	return err
}

// runner connects as a runner of the location does: to an account that can do nothing else.
func (s *station) runner(t testing.TB, id string) *jetstream.RunnerBus {
	t.Helper()
	user, password := s.server.Runner(here)
	r, err := jetstream.ConnectRunner(t.Context(), jetstream.RunnerConfig{
		Server:   jetstream.Server{InProcess: s.server, User: user, Password: password, Name: id},
		Location: here, APIPrefix: embedded.RunnerAPIPrefix, InboxPrefix: embedded.RunnerInboxPrefix, Log: s.log,
	})
	require.NoError(t, err)
	return r
}

func (s *station) dispatch(t testing.TB, id string, b monitor.ExecuteChecks) {
	t.Helper()
	require.NoError(t, s.bus.Dispatch(t.Context(), id, b))
}

// stored counts the results in RESULTS by execution.
func (s *station) stored(t testing.TB) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	after := uint64(0)
	for {
		messages, err := s.bus.ReadResults(t.Context(), after, 100)
		require.NoError(t, err)
		if len(messages) == 0 {
			return counts
		}
		for _, m := range messages {
			r, ok := monitor.ResultOf(m.Event)
			require.True(t, ok)
			require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
			counts[r.ID]++
			after = m.Sequence
		}
	}
}

// realEngine executes real checks of a local target that takes the given time, and counts them.
func realEngine(t testing.TB, id string, takes time.Duration) (*executor.Engine, string, *atomic.Int64) {
	t.Helper()
	var asked atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		time.Sleep(takes)
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(target.Close)
	table, err := kinds.Table()
	require.NoError(t, err)
	return executor.NewEngine(table, executor.Environment{Runner: id}), target.URL, &asked
}

func checksOf(prefix string, count int, target string, due time.Time) monitor.ExecuteChecks {
	b := batch(prefix, count, due)
	for i := range b.Executions {
		d := b.Executions[i].Check
		d.Target = target
		d.Assertions = []string{"status == 200"}
		b.Executions[i].Check = d.WithDefaults()
	}
	return b
}

// Of two runners one is cut off in the middle, as if killed: the other executes what it had in hand.
func TestOnJetStreamKilledRunnerLosesNothing(t *testing.T) {
	s := newStation(t)
	engine, target, asked := realEngine(t, "runner-1", 30*time.Millisecond)
	doomed := &link{}
	conn := s.runner(t, "doomed")
	t.Cleanup(conn.Close)
	doomed.ExecutionSource, doomed.Ingest = conn, conn
	killed := start(t, doomed, Options{ID: "doomed", Engine: engine, Concurrency: 8, ShutdownGrace: time.Millisecond})
	heir := s.runner(t, "heir")
	t.Cleanup(heir.Close)
	stop := start(t, heir, Options{ID: "heir", Engine: engine, Concurrency: 8})

	const batches, each = 20, 25
	for i := range batches {
		s.dispatch(t, fmt.Sprint("batch-", i), checksOf(fmt.Sprint("b", i), each, target, time.Now()))
	}
	require.Eventually(t, func() bool { return asked.Load() > 100 }, 20*time.Second, time.Millisecond)
	doomed.isCut.Store(true)
	killed()
	require.Eventually(t, func() bool { return len(s.stored(t)) == batches*each }, 30*time.Second, 100*time.Millisecond)
	stop()
	twice := 0
	for _, times := range s.stored(t) {
		if times > 1 {
			twice++
		}
	}
	assert.Less(t, twice, 2*(99+8), "twice only what the killed runner had delivered and not acknowledged")
}

// A runner that stops in good order leaves nothing behind that somebody must wait for.
func TestOnJetStreamStopHandsOver(t *testing.T) {
	s := newStation(t)
	engine, target, _ := realEngine(t, "runner-1", 200*time.Millisecond)
	first := s.runner(t, "first")
	t.Cleanup(first.Close)
	stop := start(t, first, Options{ID: "first", Engine: engine, Concurrency: 5})
	for i := range 10 {
		s.dispatch(t, fmt.Sprint("batch-", i), checksOf(fmt.Sprint("b", i), 1, target, time.Now().Add(100*time.Millisecond)))
	}
	require.Eventually(t, func() bool { return len(s.stored(t)) > 0 }, 10*time.Second, time.Millisecond)
	stop()
	second := s.runner(t, "second")
	t.Cleanup(second.Close)
	begun := time.Now()
	stop = start(t, second, Options{ID: "second", Engine: engine, Concurrency: 50})
	require.Eventually(t, func() bool { return len(s.stored(t)) == 10 }, 20*time.Second, 5*time.Millisecond)
	assert.Less(t, time.Since(begun), bus.AckWait, "nothing waits for AckWait")
	for id, times := range s.stored(t) {
		assert.Equal(t, 1, times, id)
	}
	stop()
}

// BenchmarkOnJetStream measures executions per second of one runner on an embedded server that syncs
// before it acknowledges: alone, and with the real HTTP executor and its target on the same processors.
func BenchmarkOnJetStream(b *testing.B) {
	httpEngine, target, _ := realEngine(b, "runner-1", 0)
	for name, engine := range map[string]Engine{"nothing": quick{}, "http": httpEngine} {
		b.Run(name, func(b *testing.B) {
			s := newStation(b)
			conn := s.runner(b, "runner-1")
			b.Cleanup(conn.Close)
			for i := 0; i*100 < b.N; i++ {
				s.dispatch(b, fmt.Sprint("batch-", i), checksOf(fmt.Sprint("b", i), min(100, b.N-i*100), target, time.Now()))
			}
			b.ResetTimer()
			stop := start(b, conn, Options{Engine: engine, Concurrency: 64})
			require.Eventually(b, func() bool { return int(s.taken.Load()) == b.N }, 5*time.Minute, 5*time.Millisecond)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "executions/s")
			b.StopTimer()
			stop()
		})
	}
}
