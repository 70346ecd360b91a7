package process_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/process"
)

func TestHealthTellsOfReadinessAndMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "vedette_test_total", Help: "Of this test."}))
	var away atomic.Bool
	ctx, cancel := context.WithCancel(t.Context())
	listening := make(chan net.Addr, 1)
	h := process.Health{
		Address: ":0", Gatherer: registry, Log: silent(),
		Ready: func(context.Context) error {
			if away.Load() {
				return errors.New("NATS is away")
			}
			return nil
		},
		Listening: func(a net.Addr) { listening <- a },
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	address := <-listening
	require.True(t, address.(*net.TCPAddr).IP.IsLoopback(), "an address without a host is loopback")

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(path string) (int, string) {
		response, err := client.Get("http://" + address.String() + path)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode, string(body)
	}
	status, _ := ask("/healthz")
	require.Equal(t, http.StatusOK, status)
	status, body := ask("/readyz")
	require.Equal(t, http.StatusOK, status, body)
	away.Store(true)
	status, body = ask("/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, body, "NATS is away")
	_, body = ask("/metrics")
	require.Contains(t, body, "vedette_test_total 0")
	status, _ = ask("/")
	require.Equal(t, http.StatusNotFound, status)

	cancel()
	require.NoError(t, <-ended)
}

func TestHealthSaysWhatIsWrongWithItsAddress(t *testing.T) {
	require.ErrorContains(t, process.Health{Address: "8081", Log: silent()}.Run(t.Context()), "use host:port")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	require.ErrorContains(t, process.Health{Address: taken.Addr().String(), Log: silent()}.Run(t.Context()), "cannot be listened on")
}
