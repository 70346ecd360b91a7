package main_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/services/vedette/client"
)

func TestARestartKeepsEverything(t *testing.T) {
	data := t.TempDir()
	watched := newTarget(t)
	again := func() (*program, *client.Client) {
		p := start(t, nil, "up", "--data", data, "--http", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0")
		c, err := client.New(p.base, "", "test")
		require.NoError(t, err)
		t.Cleanup(c.Close)
		return p, c
	}
	p, c := again()
	create(t, p, "services", `{"id":"web"}`)
	create(t, p, "checks", `{"id":"home","service":"web","kind":"http","target":"`+watched.URL+`","interval":"1h"}`)
	_, err := c.RunCheck(t.Context(), "home", "")
	require.NoError(t, err)
	before := awaitStatus(t, c, "home", monitor.StatusUp)
	require.Zero(t, p.stop())

	p, c = again()
	after := get(t, c, "home")
	require.Equal(t, before.Revision, after.Revision)
	require.Equal(t, before.Definition, after.Definition)
	require.Equal(t, before.CreatedAt, after.CreatedAt)
	require.Equal(t, before.StatusSince, after.StatusSince, "a restart decides nothing")
	require.Zero(t, p.stop())
}

// TestPartsAndRemoteRunnersJoinOverNATS has a runner of another location, with the rights of a
// runner only, and parts that stand by or share the work, connect to a server that is opened to them.
func TestPartsAndRemoteRunnersJoinOverNATS(t *testing.T) {
	p := up(t, "--nats-listen", "127.0.0.1:0", "--remote-location", "eu", "--nats-password", "open-sesame", "--nats-runner-password", "knock-knock")
	c, err := client.New(p.base, "", "test")
	require.NoError(t, err)
	defer c.Close()
	watched := newTarget(t)

	health := freeAddress(t)
	remote := background(t, []string{"VEDETTE_PASSWORD=knock-knock"}, discard{}, "runner", "--nats-url", p.nats, "--location", "eu",
		"--user", embedded.RunnerUser("eu"), "--health", health)
	rights := []string{"VEDETTE_NATS_URL=" + p.nats, "VEDETTE_USER=vedette", "VEDETTE_PASSWORD=open-sesame"}
	standbys := []*program{remote}
	for _, name := range []string{"gate", "decider", "scheduler", "projector", "notifier"} {
		standbys = append(standbys, background(t, rights, discard{}, name))
	}
	second := start(t, rights, "api", "--http", "127.0.0.1:0")

	create(t, second, "services", `{"id":"web"}`)
	create(t, second, "checks", `{"id":"home","service":"web","kind":"http","target":"`+watched.URL+`","interval":"1s","locations":["default","eu"],"quorum":2}`)
	check := awaitStatus(t, c, "home", monitor.StatusUp)
	seen := map[string]bool{}
	require.Eventually(t, func() bool {
		list, err := c.Results(t.Context(), "home", nil, 0)
		for _, r := range list.Items {
			seen[r.Value.Location] = seen[r.Value.Location] || r.Value.Outcome == monitor.OutcomeSuccess
		}
		return err == nil && seen["default"] && seen["eu"]
	}, patience, 50*time.Millisecond, "both locations execute it: %v", seen)
	require.Equal(t, []string{"default", "eu"}, check.Locations)

	response, err := http.Get("http://" + health + "/readyz")
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)

	// Those that stand by stop as well as those that work.
	require.Zero(t, second.stop())
	for _, part := range standbys {
		require.Zero(t, part.stop())
		require.NotContains(t, part.log.String(), "Permissions Violation")
	}
}

func TestAWrongPasswordEndsARunnerAtOnce(t *testing.T) {
	p := up(t, "--nats-listen", "127.0.0.1:0", "--nats-password", "open-sesame", "--nats-runner-password", "knock-knock")
	code, _, errs := run(t, []string{"VEDETTE_PASSWORD=wrong"}, "runner", "--nats-url", p.nats, "--user", "runner-default")
	require.Equal(t, 1, code)
	require.Contains(t, strings.ToLower(errs), "authorization")
	require.NotContains(t, errs, "wrong")
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) Close() error                { return nil }

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}
