package decider

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are shared by all deciders of one registerer.
type metrics struct {
	active    prometheus.Gauge
	commands  *prometheus.CounterVec
	results   *prometheus.CounterVec
	events    prometheus.Counter
	conflicts prometheus.Counter
	failures  *prometheus.CounterVec
	appends   prometheus.Histogram
	delay     prometheus.Histogram
	snapshots prometheus.Histogram
	position  *prometheus.GaugeVec
}

func newMetrics(to prometheus.Registerer) (*metrics, error) {
	const prefix = "vedette_decider_"
	seconds := []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
	m := &metrics{
		active:    prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + "active", Help: "1 while this process holds the lease."}),
		commands:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "commands_total", Help: "Commands by outcome: accepted, repeated, refused."}, []string{"outcome"}),
		results:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "results_total", Help: "Results by what became of them: counted, late, unknown."}, []string{"fate"}),
		events:    prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + "events_total", Help: "Events appended."}),
		conflicts: prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + "conflicts_total", Help: "Appends refused because another process had written."}),
		failures:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "failures_total", Help: "Failed attempts by what was attempted: append, snapshot, follow, commands, lead, report."}, []string{"what"}),
		appends:   prometheus.NewHistogram(prometheus.HistogramOpts{Name: prefix + "append_seconds", Help: "Time to append one batch to EVENTS.", Buckets: seconds}),
		delay:     prometheus.NewHistogram(prometheus.HistogramOpts{Name: prefix + "decision_delay_seconds", Help: "Time from storing a result to appending what it decided.", Buckets: seconds}),
		snapshots: prometheus.NewHistogram(prometheus.HistogramOpts{Name: prefix + "snapshot_seconds", Help: "Time to write a snapshot.", Buckets: seconds}),
		position:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + "position", Help: "Sequence reached, by stream: events, results."}, []string{"stream"}),
	}
	if to == nil {
		return m, nil
	}
	return m, errors.Join(
		share(to, &m.active), share(to, &m.commands), share(to, &m.results), share(to, &m.events),
		share(to, &m.conflicts), share(to, &m.failures), share(to, &m.appends), share(to, &m.delay),
		share(to, &m.snapshots), share(to, &m.position))
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
