package gate

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are shared by all gates of one registerer.
type metrics struct {
	reports  *prometheus.CounterVec
	stored   prometheus.Counter
	repeated prometheus.Counter
	tests    prometheus.Counter
	size     prometheus.Histogram
	write    prometheus.Histogram
	unheard  prometheus.Counter
}

func newMetrics(to prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "vedette_gate_" + name, Help: help})
	}
	m := &metrics{
		reports: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vedette_gate_reports_total", Help: "Reports of runners by answer: taken, refused, failed.",
		}, []string{"answer"}),
		stored:   counter("results_stored_total", "Results written to RESULTS."),
		repeated: counter("results_repeated_total", "Results that were stored already, and not written again."),
		tests:    counter("tests_total", "Results of unsaved definitions, to be announced and not stored."),
		unheard:  counter("announcements_failed_total", "Announcements on the live feed that failed."),
		size: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "vedette_gate_message_results", Help: "Results per message in RESULTS.",
			Buckets: []float64{1, 2, 5, 10, 20, 50, 100, 200, 500},
		}),
		write: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "vedette_gate_write_seconds", Help: "Time to write one message to RESULTS.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}),
	}
	if to == nil {
		return m, nil
	}
	return m, errors.Join(
		share(to, &m.reports), share(to, &m.stored), share(to, &m.repeated), share(to, &m.tests),
		share(to, &m.unheard), share(to, &m.size), share(to, &m.write))
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
