package gate

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
)

// BenchmarkGate measures results per second through a gate on the in-memory bus: validation,
// gathering, writing and announcing, with as many runners as there are goroutines.
func BenchmarkGate(b *testing.B) {
	for _, size := range []int{1, 20, 200} {
		b.Run(fmt.Sprintf("report=%d", size), func(b *testing.B) {
			m := bus.NewMemory()
			stop := open(b, m)
			require.Eventually(b, func() bool { return m.Deliver(b.Context(), here, from("first")) == nil }, time.Second, time.Millisecond)
			var runners atomic.Int64
			b.SetParallelism(4)
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				runner := fmt.Sprintf("runner-%d", runners.Add(1))
				for round := 0; p.Next(); round++ {
					report := from(runner)
					for i := range size {
						r := result(fmt.Sprintf("%s-%d-%d", runner, round, i), time.Now().Truncate(time.Millisecond))
						r.Runner = runner
						report.Results = append(report.Results, r)
					}
					require.NoError(b, m.Deliver(b.Context(), here, report))
				}
			})
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "results/s")
			stop()
		})
	}
}

// BenchmarkValidate measures the checking of one result.
func BenchmarkValidate(b *testing.B) {
	report := reportOf(result("home", noon()))
	for b.Loop() {
		if _, err := validate(here, report, noon()); err != nil {
			b.Fatal(err)
		}
	}
}
