package runner

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are shared by all runners of one registerer.
type metrics struct {
	executions *prometheus.CounterVec
	missed     prometheus.Counter
	fenced     prometheus.Counter
	repeated   prometheus.Counter
	refused    prometheus.Counter
	isolated   prometheus.Counter
	panics     prometheus.Counter
	inHand     prometheus.Gauge
	delay      prometheus.Histogram
	deliver    prometheus.Histogram
}

func newMetrics(to prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "vedette_runner_" + name, Help: help})
	}
	m := &metrics{
		executions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vedette_runner_executions_total", Help: "Executions that came to a result.",
		}, []string{"outcome"}),
		missed:   counter("missed_total", "Executions dropped because their next due time had come before they could begin."),
		fenced:   counter("fenced_batches_total", "Batches dropped because their scheduler no longer holds the lease."),
		repeated: counter("repeated_executions_total", "Executions delivered again while they were in hand or done, and not run twice."),
		refused:  counter("refused_results_total", "Results dropped because the gate refused them."),
		isolated: counter("isolated_results_total", "Failures not believed because no reference address answered."),
		panics:   counter("panics_total", "Executions that ended in a panic."),
		inHand: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "vedette_runner_executions_in_hand", Help: "Executions pulled and not yet at an end.",
		}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "vedette_runner_start_delay_seconds", Help: "Time from due to begun.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}),
		deliver: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "vedette_runner_deliver_seconds", Help: "Time until the gate answered that results are durable.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}),
	}
	if to == nil {
		return m, nil
	}
	return m, errors.Join(
		share(to, &m.executions), share(to, &m.missed), share(to, &m.fenced), share(to, &m.repeated),
		share(to, &m.refused), share(to, &m.isolated), share(to, &m.panics), share(to, &m.inHand),
		share(to, &m.delay), share(to, &m.deliver))
}

// share registers what collector points to, or puts there what is registered under its name.
func share[T prometheus.Collector](to prometheus.Registerer, collector *T) error {
	err := to.Register(*collector)
	var already prometheus.AlreadyRegisteredError
	if !errors.As(err, &already) {
		return err
	}
	existing, ok := already.ExistingCollector.(T)
	if !ok {
		return fmt.Errorf("register metrics: %w", err)
	}
	*collector = existing
	return nil
}
