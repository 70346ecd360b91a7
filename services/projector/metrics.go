package projector

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are shared by all projectors of one registerer.
type metrics struct {
	active   prometheus.Gauge
	messages *prometheus.CounterVec
	position *prometheus.GaugeVec
	lag      *prometheus.GaugeVec
	delay    *prometheus.HistogramVec
	flushes  *prometheus.HistogramVec
	keys     *prometheus.CounterVec
	rebuilds *prometheus.CounterVec
	progress *prometheus.GaugeVec
	failures *prometheus.CounterVec
}

func newMetrics(to prometheus.Registerer) (*metrics, error) {
	const prefix = "vedette_projector_"
	seconds := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	of := []string{"projection"}
	m := &metrics{
		active:   prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + "active", Help: "1 while this process holds the lease."}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "messages_total", Help: "Events or results folded."}, of),
		position: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + "position", Help: "Sequence folded of the log."}, of),
		lag:      prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + "lag", Help: "Messages of the log not folded yet, as of the last look."}, of),
		delay:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + "delay_seconds", Help: "Time from storing a message to showing it.", Buckets: seconds}, of),
		flushes:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + "flush_seconds", Help: "Time to encode and write what has changed.", Buckets: seconds}, of),
		keys:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "keys_total", Help: "Entries written."}, of),
		rebuilds: prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "rebuilds_total", Help: "Rebuilds begun."}, of),
		progress: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + "rebuild_progress", Help: "Share of the log folded by the last rebuild, 0 to 1."}, of),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "failures_total", Help: "Failures by what failed: flush, lost, work."}, []string{"projection", "what"}),
	}
	if to == nil {
		return m, nil
	}
	return m, errors.Join(
		share(to, &m.active), share(to, &m.messages), share(to, &m.position), share(to, &m.lag), share(to, &m.delay),
		share(to, &m.flushes), share(to, &m.keys), share(to, &m.rebuilds), share(to, &m.progress), share(to, &m.failures))
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
