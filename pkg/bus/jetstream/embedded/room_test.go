package embedded_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus/jetstream"
)

// serverWith starts a server of an operator's, with so much storage.
func serverWith(t *testing.T, bytes int64) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		JetStream: true, StoreDir: t.TempDir(), DontListen: true, NoSigs: true, NoLog: true, JetStreamMaxStore: bytes, JetStreamMaxMemory: 1 << 30,
	})
	require.NoError(t, err)
	go s.Start()
	require.True(t, s.ReadyForConnections(10*time.Second))
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s
}

func ensure(t *testing.T, s *server.Server, limits jetstream.Limits) error {
	t.Helper()
	b, err := jetstream.Connect(t.Context(), jetstream.Config{
		Server: jetstream.Server{InProcess: s}, Limits: limits, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	require.NoError(t, err)
	defer b.Close()
	if err := b.EnsureTopology(t.Context()); err != nil {
		return err
	}
	return b.Probe(t.Context())
}

func limitOf(t *testing.T, s *server.Server, name string) int64 {
	t.Helper()
	conn, err := nats.Connect("", nats.InProcessServer(s))
	require.NoError(t, err)
	defer conn.Close()
	js, err := natsjs.New(conn)
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), name)
	require.NoError(t, err)
	return stream.CachedInfo().Config.MaxBytes
}

func TestLogsFitTheRoomOfTheServer(t *testing.T) {
	const gib = 1 << 30
	s := serverWith(t, 10*gib)
	require.NoError(t, ensure(t, s, jetstream.Limits{}))
	require.EqualValues(t, 4*gib, limitOf(t, s, "RESULTS"))
	require.EqualValues(t, 2*gib, limitOf(t, s, "EVENTS"))

	require.NoError(t, ensure(t, s, jetstream.Limits{}), "the next process finds them")
	require.EqualValues(t, 4*gib, limitOf(t, s, "RESULTS"), "and leaves them as they are")

	require.NoError(t, ensure(t, s, jetstream.Limits{Results: 5 * gib}), "what is given is set")
	require.EqualValues(t, 5*gib, limitOf(t, s, "RESULTS"))
	require.EqualValues(t, 2*gib, limitOf(t, s, "EVENTS"))
}

func TestALimitThatDoesNotFitIsRefusedWithTheCure(t *testing.T) {
	const gib = 1 << 30
	s := serverWith(t, 10*gib)
	err := ensure(t, s, jetstream.Limits{Results: 20 * gib})
	require.ErrorContains(t, err, "20480 MiB")
	require.ErrorContains(t, err, "--max-results")
	require.ErrorContains(t, err, "max_file_store")
	require.NoError(t, ensure(t, s, jetstream.Limits{Results: gib}))
	require.EqualValues(t, 4*gib, limitOf(t, s, "EVENTS"), "the other fits what is left")
}

func TestPlentyOfRoomGivesTheDefaults(t *testing.T) {
	const gib = 1 << 30
	s := serverWith(t, 1000*gib)
	require.NoError(t, ensure(t, s, jetstream.Limits{}))
	require.EqualValues(t, 32*gib, limitOf(t, s, "RESULTS"))
	require.EqualValues(t, 16*gib, limitOf(t, s, "EVENTS"))
}
