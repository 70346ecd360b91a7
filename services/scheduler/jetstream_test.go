package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
)

type lenient struct{}

func (lenient) Validate(d monitor.Definition) monitor.Problems {
	var p monitor.Problems
	if d.Kind == "unheard-of" {
		p.Add("kind", "is not known")
	}
	return p
}

// onServer returns a bus on a server of its own, and a runner's end of it.
func onServer(t *testing.T) (*jetstream.Bus, *jetstream.RunnerBus) {
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
	user, password = server.Runner("default")
	r, err := jetstream.ConnectRunner(t.Context(), jetstream.RunnerConfig{
		Server: jetstream.Server{InProcess: server, User: user, Password: password}, Location: "default",
		APIPrefix: embedded.RunnerAPIPrefix, InboxPrefix: embedded.RunnerInboxPrefix, Log: log,
	})
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return b, r
}

func TestOnJetStreamRunnersGetWhatIsDueAcrossATakeover(t *testing.T) {
	b, runner := onServer(t)
	start := func() (stop func()) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() {
			done <- Run(ctx, b, Options{Validator: lenient{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
		}()
		return func() {
			cancel()
			require.NoError(t, <-done)
		}
	}
	check := checkOf("home", time.Second)
	text, err := json.Marshal(check)
	require.NoError(t, err)
	bucket, err := b.Bucket(t.Context(), checksBucket)
	require.NoError(t, err)
	require.NoError(t, bucket.Put(t.Context(), checkPrefix+"home", text))

	stop := start()
	var due []time.Time
	var fence uint64
	pull := func(n int) {
		for end := time.Now().Add(20 * time.Second); len(due) < n && time.Now().Before(end); {
			delivery, err := runner.Pull(t.Context(), time.Second)
			if errors.Is(err, bus.ErrNothing) || errors.Is(err, bus.ErrNoLocation) {
				continue
			}
			require.NoError(t, err)
			require.NoError(t, delivery.Ack(t.Context()))
			require.GreaterOrEqual(t, delivery.Batch().Fence, fence)
			fence = delivery.Batch().Fence
			for _, e := range delivery.Batch().Executions {
				due = append(due, e.DueAt)
			}
		}
		require.GreaterOrEqual(t, len(due), n)
	}
	pull(2)
	first := fence
	stop()
	stop = start()
	pull(5)
	stop()
	require.Greater(t, fence, first, "the successor's fence is higher")
	for i, at := range due[1:] {
		require.Equal(t, time.Second, at.Sub(due[i]), "no due time is skipped or comes twice: %v", due)
	}
}
