package jetstream_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
)

// serve starts a server in a folder of the test's, or in dir.
func serve(t *testing.T, dir string) *embedded.Server {
	t.Helper()
	server, err := embedded.Start(embedded.Config{Dir: dir, Locations: []string{"default", "eu"}, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))})
	require.NoError(t, err)
	return server
}

// open connects to a server and makes its streams.
func open(t *testing.T, server *embedded.Server) *jetstream.Bus {
	t.Helper()
	user, password := server.User()
	b, err := jetstream.Connect(t.Context(), jetstream.Config{
		Server: jetstream.Server{InProcess: server, User: user, Password: password, Name: t.Name()},
		Log:    slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.EnsureTopology(t.Context()))
	return b
}

func runner(t *testing.T, server *embedded.Server, location string) *jetstream.RunnerBus {
	t.Helper()
	user, password := server.Runner(location)
	r, err := jetstream.ConnectRunner(t.Context(), jetstream.RunnerConfig{
		Server: jetstream.Server{InProcess: server, User: user, Password: password}, Location: location,
		APIPrefix: embedded.RunnerAPIPrefix, InboxPrefix: embedded.RunnerInboxPrefix,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

func registered(id string) monitor.EventMessage {
	return monitor.EventMessage{
		Meta:  monitor.Meta{ID: cloudevents.NewID(), Source: "/test", Time: time.Now()},
		Event: monitor.ServiceRegistered{Definition: monitor.ServiceDefinition{ID: id}},
	}
}

func batchOf(events ...monitor.EventMessage) bus.Batch {
	b := bus.Batch{Events: events, Expect: map[bus.Aggregate]uint64{}}
	for _, e := range events {
		b.Expect[bus.AggregateOf(e.Event)] = 0
	}
	return b
}

func TestSmoke(t *testing.T) {
	server := serve(t, t.TempDir())
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	b := open(t, server)
	ctx := t.Context()

	written, err := b.Append(ctx, batchOf(registered("a"), registered("b")))
	require.NoError(t, err)
	require.EqualValues(t, 2, written[1].Sequence)
	_, err = b.Append(ctx, batchOf(registered("c"), registered("a")))
	var conflict *bus.ConflictError
	require.ErrorAs(t, err, &conflict)
	last, err := b.Last(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 2, last, "all or nothing")
	events, err := b.Read(ctx, 0, 10, bus.Filter{})
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.NoError(t, b.Probe(ctx))

	serving, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		done <- b.ServeCommands(serving, []string{"service"}, func(_ context.Context, commands []monitor.CommandMessage) ([]bus.Outcome, error) {
			outcomes := make([]bus.Outcome, len(commands))
			for i, c := range commands {
				outcomes[i] = bus.Outcome{CommandID: c.ID, Aggregate: "service", ID: "x", Revision: 1}
			}
			return outcomes, nil
		})
	}()
	begun := time.Now()
	outcome, err := b.Send(ctx, cloudevents.NewCommand("", monitor.DeleteService{ServiceID: "x"}, "/test", "", time.Now()))
	require.NoError(t, err)
	require.True(t, outcome.Accepted())
	t.Log("send took", time.Since(begun))
	stop()
	require.NoError(t, <-done)

	r := runner(t, server, "eu")
	_, err = r.Pull(ctx, 100*time.Millisecond)
	require.ErrorIs(t, err, bus.ErrNoLocation)
	require.NoError(t, b.OpenLocation(ctx, "eu"))
	require.NoError(t, b.Dispatch(ctx, "1", monitor.ExecuteChecks{Location: "eu", Executions: []monitor.Execution{{Location: "eu"}}}))
	d, err := r.Pull(ctx, time.Second)
	require.NoError(t, err)
	require.NoError(t, d.KeepAlive())
	require.NoError(t, d.Ack(ctx))
	_, err = r.Pull(ctx, 100*time.Millisecond)
	require.ErrorIs(t, err, bus.ErrNothing)

	gate, stop := context.WithCancel(ctx)
	go func() {
		done <- b.ServeIngest(gate, func(_ context.Context, location string, _ bus.Report) error {
			require.Equal(t, "eu", location)
			return nil
		})
	}()
	require.Eventually(t, func() bool { return r.Deliver(ctx, "eu", bus.Report{}) == nil }, 5*time.Second, 20*time.Millisecond)
	stop()
	require.NoError(t, <-done)

	bucket, err := b.Bucket(ctx, "things")
	require.NoError(t, err)
	rev, err := bucket.Flush(ctx, map[string][]byte{"a": []byte("1"), "b": []byte("2")}, []byte("c1"), 0)
	require.NoError(t, err)
	_, err = bucket.Flush(ctx, map[string][]byte{"a": nil}, []byte("c2"), 0)
	require.ErrorAs(t, err, &conflict)
	_, err = bucket.Flush(ctx, map[string][]byte{"a": nil}, []byte("c2"), rev)
	require.NoError(t, err)
	list, err := bucket.List(ctx, ">")
	require.NoError(t, err)
	require.Len(t, list, 2)
	_, err = bucket.Get(ctx, "a")
	require.ErrorIs(t, err, bus.ErrNoKey)
}
