package embedded_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, cfg embedded.Config) *embedded.Server {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	server, err := embedded.Start(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

// roundTrip demands that a connection carries messages.
func roundTrip(t *testing.T, conn *nats.Conn) {
	t.Helper()
	defer conn.Close()
	_, err := conn.Subscribe("echo", func(m *nats.Msg) { _ = m.Respond(m.Data) })
	require.NoError(t, err)
	answer, err := conn.Request("echo", []byte("hello"), 5*time.Second)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(answer.Data))
}

func TestAFolderIsUsedByOneServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	first, err := embedded.Start(embedded.Config{Dir: dir})
	require.NoError(t, err)
	_, err = embedded.Start(embedded.Config{Dir: dir})
	require.ErrorIs(t, err, embedded.ErrInUse)
	require.ErrorContains(t, err, dir)
	require.ErrorContains(t, err, "--data")
	require.NoError(t, first.Stop())
	start(t, embedded.Config{Dir: dir})
}

func TestAFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := embedded.Start(embedded.Config{Dir: filepath.Join(file, "below")})
	require.ErrorContains(t, err, "--data")
}

func TestSettingsAreRefusedTogetherWithTheirCure(t *testing.T) {
	_, err := embedded.Start(embedded.Config{Listen: "nowhere", Locations: []string{"ok", "Not Ok"}})
	for _, says := range []string{"data", "nats-listen", "host:port", "location", `"Not Ok"`} {
		require.ErrorContains(t, err, says)
	}
	for _, address := range []string{"0.0.0.0:4222", ":4222", "[::]:4222", "192.0.2.1:4222", "example.org:4222"} {
		for _, cfg := range []embedded.Config{{}, {Password: "a"}, {RunnerPassword: "b"}} {
			cfg.Dir, cfg.Listen = t.TempDir(), address
			_, err := embedded.Start(cfg)
			require.ErrorContains(t, err, "--nats-password", address)
		}
	}
	_, err = embedded.Start(embedded.Config{Dir: t.TempDir(), Listen: "127.0.0.1:99999"})
	require.ErrorContains(t, err, "nats-listen")
}

func TestAnAddressThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	dir := t.TempDir()
	_, err = embedded.Start(embedded.Config{Dir: dir, Listen: taken.Addr().String()})
	require.ErrorContains(t, err, taken.Addr().String())
	require.ErrorContains(t, err, "choose another address")
	start(t, embedded.Config{Dir: dir}) // the folder was let go
}

func TestWithoutAnAddressOnlyTheProcessItselfConnects(t *testing.T) {
	server := start(t, embedded.Config{})
	assert.Empty(t, server.ClientURL())
	user, password := server.User()
	conn, err := nats.Connect("", nats.InProcessServer(server), nats.UserInfo(user, password))
	require.NoError(t, err)
	roundTrip(t, conn)
}

func TestOnLoopbackNoPasswordIsAsked(t *testing.T) {
	server := start(t, embedded.Config{Listen: "127.0.0.1:0"})
	conn, err := nats.Connect(server.ClientURL())
	require.NoError(t, err)
	roundTrip(t, conn)
}

func TestAPasswordIsAsked(t *testing.T) {
	server := start(t, embedded.Config{Listen: "127.0.0.1:0", Password: "secret", RunnerPassword: "other", Locations: []string{"north"}})
	user, password := server.User()
	assert.Equal(t, "secret", password)
	conn, err := nats.Connect(server.ClientURL(), nats.UserInfo(user, password))
	require.NoError(t, err)
	roundTrip(t, conn)
	runner, password := server.Runner("north")
	assert.Equal(t, "runner-north", runner)
	conn, err = nats.Connect(server.ClientURL(), nats.UserInfo(runner, password))
	require.NoError(t, err)
	conn.Close()
	for _, options := range [][]nats.Option{nil, {nats.UserInfo(user, "guess")}, {nats.UserInfo(runner, "secret")}, {nats.UserInfo("runner-south", "other")}} {
		_, err = nats.Connect(server.ClientURL(), options...)
		require.ErrorIs(t, err, nats.ErrAuthorization)
	}
}

func TestPasswordsThatNobodyChoseDiffer(t *testing.T) {
	one, two := start(t, embedded.Config{}), start(t, embedded.Config{})
	_, first := one.User()
	_, second := two.User()
	assert.NotEqual(t, first, second)
	assert.GreaterOrEqual(t, len(first), 20)
}

func TestOddPasswordsAndLocationsAreNoSyntax(t *testing.T) {
	odd := `p"a\s$s}{ wörd # //`
	server := start(t, embedded.Config{Listen: "127.0.0.1:0", Password: odd, RunnerPassword: odd, Locations: []string{"a-b", "a_b", "a__b"}, Relaxed: true})
	user, _ := server.User()
	conn, err := nats.Connect(server.ClientURL(), nats.UserInfo(user, odd))
	require.NoError(t, err)
	roundTrip(t, conn)
	for _, location := range []string{"a-b", "a_b", "a__b"} {
		name, password := server.Runner(location)
		conn, err := nats.Connect(server.ClientURL(), nats.UserInfo(name, password))
		require.NoError(t, err, location)
		conn.Close()
	}
}
