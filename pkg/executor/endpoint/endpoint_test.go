package endpoint_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/route"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestProblem(t *testing.T) {
	for _, good := range []string{"example.org:22", "192.0.2.1:1", "[2001:db8::1]:65535", "münchen.example:80", "a_b:9", "secret://host", "secret://host:22"} {
		require.Empty(t, endpoint.Problem(good), good)
	}
	for bad, text := range map[string]string{
		"https://example.org": "is a URL: use host:port", "example.org": "is not host:port: use", "2001:db8::1": "is not host:port: use", ":22": "has a host that is none: use",
		"a b:22": "has a host that is none", "example.org:0": "use 1 to 65535", "example.org:65536": "use 1 to 65535", "example.org:ssh": "use 1 to 65535",
		"a/b:22": "has a host that is none", strings.Repeat("a", 254) + ":22": "has a host that is none", "": "is not host:port",
	} {
		require.Contains(t, endpoint.Problem(bad), text, bad)
	}
}

func tools(secret string) executor.Tools {
	return executor.Tools{Secret: func(text string) (string, error) {
		return strings.ReplaceAll(text, "secret://target", secret), nil
	}}
}

func TestDialKnowsItsSteps(t *testing.T) {
	address := executortest.ServeConns(t, func(net.Conn) {})
	only4, problems := route.New(route.Options{IPVersion: "4"}, route.ProxyOptions{})
	require.Empty(t, problems)
	conn, err := endpoint.Dial(t.Context(), tools(""), only4, "tcp", strings.Replace(address, "127.0.0.1", "localhost", 1))
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	require.Equal(t, "127.0.0.1", conn.IP())
	require.Positive(t, conn.Timings().DNS)
	require.Positive(t, conn.Timings().Connect)
}

func TestAConnectionEndsWithItsContext(t *testing.T) {
	address := executortest.ServeConns(t, func(net.Conn) {})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	conn, err := endpoint.Dial(ctx, tools(address), route.Route{}, "tcp", "secret://target")
	require.NoError(t, err)
	_, err = io.ReadAll(conn)
	require.ErrorContains(t, err, "timeout")
	require.NoError(t, conn.Close())
}

func TestDialSaysInPlainWords(t *testing.T) {
	for target, text := range map[string]string{
		executortest.Closed(t, "tcp"): "connection refused: 127.0.0.1:", "no-such-host.invalid:22": "no-such-host.invalid",
	} {
		_, err := endpoint.Dial(t.Context(), tools(""), route.Route{}, "tcp", target)
		require.ErrorContains(t, err, text)
	}
	_, err := endpoint.Dial(t.Context(), tools("no target"), route.Route{}, "tcp", "secret://target")
	require.ErrorIs(t, err, executor.ErrSecret)
	require.NotContains(t, err.Error(), "no target")
}
