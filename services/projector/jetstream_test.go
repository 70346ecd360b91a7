package projector

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// onServer returns a bus on a server of its own, and that server.
func onServer(t testing.TB) (*jetstream.Bus, *embedded.Server) {
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
	return b, server
}

// requireProjected waits until the buckets hold what the logs say.
func (w *world) requireProjected() {
	w.t.Helper()
	var have, want map[string]map[string]string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if have, want = w.everything(), w.folded(); reflect.DeepEqual(have, want) {
			return
		}
	}
	require.Equal(w.t, want, have)
}

func TestOnJetStream(t *testing.T) {
	b, server := onServer(t)
	w := newWorld(t, b)
	p := w.start()
	w.append(monitor.ServiceRegistered{Definition: monitor.ServiceDefinition{ID: "web"}})
	for i := range 5 {
		w.append(monitor.CheckRegistered{Definition: definition(fmt.Sprint("check", i))})
	}
	w.append(monitor.CheckDeleted{CheckID: "check4", Service: "web", From: monitor.StatusUnknown})
	due := time.Now().Add(-time.Hour)
	report := func() {
		for i := range 4 {
			w.report(w.result(fmt.Sprint("check", i), due, monitor.OutcomeSuccess))
		}
		due = due.Add(30 * time.Second)
	}
	report()
	w.requireProjected()

	t.Run("a standby takes over from a killed one", func(t *testing.T) {
		standby := w.start(func(o *Options) { o.Holder = "standby" })
		require.Zero(t, standby.bus.flushes.Load())
		p.bus.dead.Store(true)
		report()
		p.stop()
		w.append(monitor.CheckPaused{CheckID: "check1", Service: "web"})
		w.requireProjected()
		require.NotZero(t, standby.bus.flushes.Load())
		p = standby
	})
	t.Run("a bucket that is dropped is built again", func(t *testing.T) {
		for _, name := range []string{"checks", "activity"} {
			require.NoError(t, b.DropBucket(t.Context(), name))
		}
		report()
		w.append(monitor.CheckResumed{CheckID: "check1", Service: "web"})
		w.requireProjected()
	})
	t.Run("so is a stream that somebody deletes, and the reader sees it", func(t *testing.T) {
		reader := readmodel.NewReader(b, slog.New(slog.DiscardHandler), time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- reader.Run(ctx) }()
		<-reader.Ready()
		user, password := server.User()
		nc, err := nats.Connect("", nats.InProcessServer(server), nats.UserInfo(user, password))
		require.NoError(t, err)
		defer nc.Close()
		js, err := natsjs.New(nc)
		require.NoError(t, err)
		for _, name := range []string{"checks", "services", "activity", "history"} {
			require.NoError(t, js.DeleteStream(t.Context(), "KV_vedette_"+name))
		}
		report()
		last := w.append(monitor.CheckPaused{CheckID: "check2", Service: "web"})[0]
		w.requireProjected()
		waiting, stop := context.WithTimeout(t.Context(), 30*time.Second)
		defer stop()
		require.NoError(t, reader.WaitFor(waiting, last.Sequence))
		require.Eventually(t, func() bool {
			view, err := reader.Check(t.Context(), "check2")
			return err == nil && view.Paused && view.LastResult != nil && view.LastResult.DueAt.Equal(due.Add(-30*time.Second).UTC())
		}, 30*time.Second, 20*time.Millisecond)
		cancel()
		require.NoError(t, <-done)
	})
	t.Run("a lost answer and a conflict", func(t *testing.T) {
		p.bus.loseAnswers.Store(5)
		report()
		w.append(monitor.CheckResumed{CheckID: "check2", Service: "web"})
		w.requireProjected()
		bucket, err := b.Bucket(t.Context(), "incidents")
		require.NoError(t, err)
		require.NoError(t, bucket.Put(t.Context(), "checkpoint", []byte("{}"))) // somebody else's
		w.append(monitor.IncidentOpened{IncidentID: "check1-1", CheckID: "check1", Service: "web", OpenedAt: due})
		w.requireProjected()
	})
	p.stop()
	t.Run("another version", func(t *testing.T) {
		p := w.start(withVersion(9))
		require.Eventually(t, func() bool {
			return w.state("checks").Version == 9 && w.state("history").Version == 9 && !w.state("history").Rebuilding
		}, 30*time.Second, 20*time.Millisecond)
		w.requireProjected()
		p.stop()
	})
	t.Run("more keys than one batch holds", func(t *testing.T) {
		var results []monitor.EventMessage
		var events []monitor.Event
		for i := range 2100 {
			events = append(events, monitor.CheckRegistered{Definition: definition(fmt.Sprint("c", i))})
			results = append(results, w.result(fmt.Sprint("c", i), due, monitor.OutcomeSuccess))
		}
		for i := 0; i < len(events); i += 700 {
			w.append(events[i : i+700]...)
			w.report(results[i : i+700]...)
		}
		p := w.start()
		w.requireProjected()
		p.stop()
	})
}

// TestOnJetStreamAWriteIsSeenSoon is what a client waits for who reads what it wrote.
func TestOnJetStreamAWriteIsSeenSoon(t *testing.T) {
	b, _ := onServer(t)
	w := newWorld(t, b)
	p := w.start()
	defer p.stop()
	reader := readmodel.NewReader(b, slog.New(slog.DiscardHandler), time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- reader.Run(ctx) }()
	<-reader.Ready()
	var slowest, sum time.Duration
	for i := range 50 {
		id := fmt.Sprint("c", i)
		last := w.append(monitor.CheckRegistered{Definition: definition(id)})[0]
		started := time.Now()
		require.NoError(t, reader.WaitFor(ctx, last.Sequence))
		took := time.Since(started)
		sum, slowest = sum+took, max(slowest, took)
		_, err := reader.Check(ctx, id)
		require.NoError(t, err)
	}
	t.Logf("mean %s, slowest %s", sum/50, slowest)
	cancel()
	require.NoError(t, <-done)
}

// BenchmarkOnJetStreamRebuild is the time to build all read models from the logs.
func BenchmarkOnJetStreamRebuild(b *testing.B) {
	js, _ := onServer(b)
	w := newWorld(b, js)
	const checks, messages, perMessage = 1000, 100, 500
	for i := 0; i < checks; i += 500 {
		var events []monitor.Event
		for k := range 500 {
			events = append(events, monitor.CheckRegistered{Definition: definition(fmt.Sprint("c", i+k))})
		}
		w.append(events...)
	}
	for round := range 20 {
		for i := 0; i < checks; i += 500 {
			var events []monitor.Event
			for k := range 500 {
				to := monitor.StatusUp
				if round%2 == 0 {
					to = monitor.StatusDown
				}
				events = append(events, monitor.CheckStatusChanged{CheckID: fmt.Sprint("c", i+k), Service: "web", From: monitor.StatusUnknown, To: to, At: time.Now()})
			}
			w.append(events...)
		}
	}
	due := time.Now().Add(-time.Hour)
	for m := range messages {
		var results []monitor.EventMessage
		for k := range perMessage {
			results = append(results, w.result(fmt.Sprint("c", (m*perMessage+k)%checks), due.Add(time.Duration(m/2)*30*time.Second), monitor.OutcomeSuccess))
		}
		w.report(results...)
	}
	events, err := js.Last(b.Context())
	require.NoError(b, err)
	version := 2 // no read model has a later one
	for b.Loop() {
		version++
		started := time.Now()
		p := w.start(withVersion(version))
		took := make(map[string]time.Duration)
		require.Eventually(b, func() bool {
			for _, r := range readmodel.Projections() {
				if s := w.state(r.Name()); took[r.Name()] == 0 && s.Version == version && !s.Rebuilding {
					took[r.Name()] = time.Since(started)
				}
			}
			return len(took) == len(readmodel.Projections())
		}, time.Minute, 5*time.Millisecond)
		p.stop()
		b.ReportMetric(float64(events)/took["checks"].Seconds(), "events/s")
		b.ReportMetric(messages*perMessage/took["activity"].Seconds(), "activity-results/s")
		b.ReportMetric(messages*perMessage/took["history"].Seconds(), "history-results/s")
	}
}
