package pastbench_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Production beside a what-if: so many checks every second, measured for so long, after they have settled.
const (
	besideChecks  = 200
	besideSettles = 5 * time.Second
	besideLasts   = 20 * time.Second
)

// BenchmarkBeside measures answers and executions without a what-if over a thousand checks, and with one
// after the other beside.
func BenchmarkBeside(b *testing.B) {
	p := prepare(b)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }))
	defer target.Close()
	v := build(b).serve(b, p.folder)
	v.produce(b, target.URL)
	defer v.cease(b)
	time.Sleep(besideSettles)
	for b.Loop() {
		v.observe(b, "without")
		asking, stop := context.WithCancel(b.Context())
		var group sync.WaitGroup
		group.Go(func() {
			for asking.Err() == nil {
				_, _ = v.ask(asking, http.MethodPost, "/api/v1/replays", question(p, "service", "fleet")) // is cut off at the end
			}
		})
		time.Sleep(time.Second)
		v.observe(b, "with")
		stop()
		group.Wait()
	}
}

// produce registers checks of a target.
func (v *program) produce(b *testing.B, url string) {
	b.Helper()
	_, err := v.ask(b.Context(), http.MethodPost, "/api/v1/services", map[string]any{"id": "beside"})
	require.NoError(b, err)
	for i := range besideChecks {
		_, err := v.ask(b.Context(), http.MethodPost, "/api/v1/checks", map[string]any{
			"id": fmt.Sprint("beside-", i), "service": "beside", "kind": "http", "target": url, "interval": "1s", "timeout": "900ms",
		})
		require.NoError(b, err)
	}
}

// cease deletes them again.
func (v *program) cease(b *testing.B) {
	b.Helper()
	ctx := context.WithoutCancel(b.Context())
	for i := range besideChecks {
		_, err := v.ask(ctx, http.MethodDelete, fmt.Sprint("/api/v1/checks/beside-", i), nil)
		require.NoError(b, err)
	}
	_, err := v.ask(ctx, http.MethodDelete, "/api/v1/services/beside", nil)
	require.NoError(b, err)
}

// observe asks now and then, as somebody who has a board open, and counts the executions meanwhile.
func (v *program) observe(b *testing.B, what string) {
	b.Helper()
	before, begun := v.stored(b), time.Now()
	var took []float64
	paths := []string{"/api/v1/overview", "/api/v1/checks?limit=100", "/api/v1/checks/beside-0", "/api/v1/checks?service=beside&sort=latency"}
	for i := 0; time.Since(begun) < besideLasts; i++ {
		asked := time.Now()
		_, err := v.ask(b.Context(), http.MethodGet, paths[i%len(paths)], nil)
		require.NoError(b, err)
		took = append(took, milliseconds(time.Since(asked)))
		time.Sleep(20 * time.Millisecond)
	}
	expected := besideChecks * time.Since(begun).Seconds()
	report(b, "answers-"+what, took)
	b.ReportMetric(100*(v.stored(b)-before)/expected, "executed-"+what+"-%")
}

// stored is how many results were stored so far.
func (v *program) stored(b *testing.B) (sum float64) {
	b.Helper()
	raw, err := v.ask(b.Context(), http.MethodGet, "/metrics", nil)
	require.NoError(b, err)
	for line := range bytes.Lines(raw) {
		if text := string(line); strings.HasPrefix(text, "vedette_gate_results_stored_total") {
			fields := strings.Fields(text)
			n, err := strconv.ParseFloat(fields[len(fields)-1], 64)
			require.NoError(b, err)
			sum += n
		}
	}
	return sum
}
