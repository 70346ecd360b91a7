package jetstream_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/bustest"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server on a folder.
func serve(t *testing.T, dir string) *embedded.Server {
	t.Helper()
	server, err := embedded.Start(embedded.Config{
		Dir: dir, Locations: []string{"default", "eu", bustest.Here, bustest.There},
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	require.NoError(t, err)
	return server
}

// started starts a server for one test.
func started(t *testing.T) *embedded.Server {
	t.Helper()
	server := serve(t, t.TempDir())
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

// open connects to a server and makes its streams.
func open(t *testing.T, server *embedded.Server, changes ...func(*jetstream.Config)) *jetstream.Bus {
	t.Helper()
	user, password := server.User()
	config := jetstream.Config{
		Server: jetstream.Server{InProcess: server, User: user, Password: password, Name: t.Name()},
		Log:    slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, change := range changes {
		change(&config)
	}
	b, err := jetstream.Connect(t.Context(), config)
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

// plain connects to a server without the bus, as whoever has its password could.
func plain(t *testing.T, server *embedded.Server, user, password string, options ...nats.Option) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect("", append(options, nats.InProcessServer(server), nats.UserInfo(user, password))...)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return conn
}

// app connects with full rights.
func app(t *testing.T, server *embedded.Server) *nats.Conn {
	t.Helper()
	user, password := server.User()
	return plain(t, server, user, password)
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

// endLease ends a lease from outside, as its running out would.
func endLease(t *testing.T, server *embedded.Server, name string) {
	t.Helper()
	m := nats.NewMsg("$KV.vedette_leases." + name)
	m.Header.Set("KV-Operation", "DEL")
	_, err := app(t, server).RequestMsg(m, 5*time.Second)
	require.NoError(t, err)
}

func TestBus(t *testing.T) {
	bustest.Suite{
		Parallel: true,
		Open: func(t *testing.T) bustest.Door {
			server := started(t)
			return bustest.Door{
				Bus:    open(t, server),
				Runner: func(t *testing.T, location string) bustest.Runner { return runner(t, server, location) },
				Revoke: func(t *testing.T, lease string) { endLease(t, server, lease) },
			}
		},
	}.Run(t)
}
