package kinds_test

import (
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/executortest/debian"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
)

// TestRealNodeExporter scrapes what most machines are scraped by.
func TestRealNodeExporter(t *testing.T) { eachVersion(t, testRealNodeExporter) }

func testRealNodeExporter(t *testing.T, host string) {
	program := debian.Program(t, "prometheus-node-exporter", "prometheus-node-exporter")
	address := net.JoinHostPort(host, strconv.Itoa(freePort(t)))
	url := "http://" + address + "/metrics"
	debian.Start(t, func() bool {
		response, err := http.Get(url) //nolint:gosec // its own address
		if err == nil {
			_ = response.Body.Close()
		}
		return err == nil
	}, program, "--web.listen-address="+address)
	engine := executortest.Engine(t, kinds.All())
	execute := func(options map[string]any, assertions ...string) monitor.Result {
		return engine.Execute(t.Context(), executortest.Execution(monitor.Definition{
			Kind: "metrics", Target: url, Options: executortest.Options(t, options), Assertions: assertions, Timeout: monitor.Duration(10 * time.Second),
		}))
	}
	for name, tc := range map[string]struct {
		options    map[string]any
		assertions []string
		outcome    monitor.Outcome
	}{
		"one value":     {map[string]any{"metric": "node_memory_MemTotal_bytes"}, []string{"series == 1 && value > 1e7"}, monitor.OutcomeSuccess},
		"by its labels": {map[string]any{"metric": "node_cpu_seconds_total", "labels": map[string]string{"cpu": "0", "mode": "idle"}}, []string{"series == 1 && value > 0.0"}, monitor.OutcomeSuccess},
		"counted":       {map[string]any{"metric": "node_cpu_seconds_total", "aggregate": "count"}, []string{"value >= 8.0"}, monitor.OutcomeSuccess},
		"with a help":   {map[string]any{"metric": "go_gc_duration_seconds_count"}, []string{"value >= 0.0"}, monitor.OutcomeSuccess},
		"warned of":     {map[string]any{"metric": "node_memory_MemTotal_bytes", "warning": "> 1"}, nil, monitor.OutcomeDegraded},
		"critical":      {map[string]any{"metric": "node_memory_MemTotal_bytes", "critical": "> 1"}, nil, monitor.OutcomeFailure},
		"not there":     {map[string]any{"metric": "node_no_such_thing"}, nil, monitor.OutcomeFailure},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(tc.options, tc.assertions...)
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
		})
	}
	t.Run("a rate", func(t *testing.T) {
		// All processors together spend about a second each second, in one mode or another.
		const patience, pause = 30 * time.Second, 200 * time.Millisecond
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			r := execute(map[string]any{"metric": "node_cpu_seconds_total", "labels": map[string]string{"cpu": "0"}, "aggregate": "rate"}, "value > 0.0 && value < 2.0")
			require.Equal(c, monitor.OutcomeSuccess, r.Outcome, r.Error)
		}, patience, pause)
	})
}
