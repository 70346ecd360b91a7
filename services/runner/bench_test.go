package runner

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// getter asks an HTTP target over kept connections: as little as an executor can do.
type getter struct {
	client *http.Client
	url    string
}

func (g getter) Execute(ctx context.Context, e monitor.Execution) monitor.Result {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url, nil)
	if err != nil {
		return resultOf(e, monitor.OutcomeError)
	}
	response, err := g.client.Do(request)
	if err != nil {
		return resultOf(e, monitor.OutcomeFailure)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return resultOf(e, monitor.OutcomeFailure)
	}
	return resultOf(e, monitor.OutcomeSuccess)
}

// BenchmarkRunner measures executions per second from the queue to an answered delivery, on the
// in-memory bus: once with a target that costs nothing, which is the runner alone, and once with a
// local HTTP server.
func BenchmarkRunner(b *testing.B) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	defer target.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	defer client.CloseIdleConnections()
	for name, engine := range map[string]Engine{"nothing": quick{}, "http": getter{client, target.URL}} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			settled := make(chan int, 1024)
			w.set(nil, func(r bus.Report) error { settled <- len(r.Results); return nil })
			for i := 0; i*100 < b.N; i++ {
				w.dispatch(batch(fmt.Sprintf("b%d", i), min(100, b.N-i*100), time.Now()))
			}
			b.ResetTimer()
			stop := start(b, w.link(), Options{Engine: engine, Concurrency: 64})
			for left := b.N; left > 0; {
				left -= <-settled
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "executions/s")
			b.StopTimer()
			w.set(nil, nil)
			stop()
			w.stop()
			require.Len(b, w.stored(), b.N)
		})
	}
}
