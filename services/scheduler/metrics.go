package scheduler

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are shared by all schedulers of one registerer.
type metrics struct {
	active     prometheus.Gauge
	checks     prometheus.Gauge
	executions *prometheus.CounterVec
	missed     prometheus.Counter
	failures   *prometheus.CounterVec
	waiting    *prometheus.GaugeVec
	lead       prometheus.Histogram
	commands   *prometheus.CounterVec
}

func newMetrics(to prometheus.Registerer) (*metrics, error) {
	const prefix = "vedette_scheduler_"
	m := &metrics{
		active:     prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + "active", Help: "1 while this process holds the lease."}),
		checks:     prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + "checks", Help: "Checks on the timetable."}),
		executions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "executions_total", Help: "Executions dispatched, by trigger: schedule, manual, test."}, []string{"trigger"}),
		missed:     prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + "missed_total", Help: "Executions not dispatched before their next due time."}),
		failures:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "failures_total", Help: "Failed attempts by what was attempted: dispatch, open, watch, progress, commands, lead."}, []string{"what"}),
		waiting:    prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + "waiting", Help: "Executions waiting to be dispatched, by location."}, []string{"location"}),
		lead: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + "lead_seconds", Help: "Time from dispatch to due time; negative when late.",
			Buckets: []float64{-30, -10, -5, -2, -1, -.5, -.2, -.1, 0, .05, .1, .15, .2, .25, .3, 1},
		}),
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "commands_total", Help: "Commands by outcome: accepted, refused."}, []string{"outcome"}),
	}
	if to == nil {
		return m, nil
	}
	return m, errors.Join(
		share(to, &m.active), share(to, &m.checks), share(to, &m.executions), share(to, &m.missed),
		share(to, &m.failures), share(to, &m.waiting), share(to, &m.lead), share(to, &m.commands))
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
