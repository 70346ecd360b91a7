package notifier

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are shared by all notifiers of one registerer.
type metrics struct {
	told     *prometheus.CounterVec
	sequence prometheus.Gauge
}

func newMetrics(to prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		told: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vedette_notifier_events_told_total", Help: "Events that were told, by type.",
		}, []string{"type"}),
		sequence: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "vedette_notifier_sequence", Help: "Sequence of the last event seen.",
		}),
	}
	if to == nil {
		return m, nil
	}
	return m, errors.Join(share(to, &m.told), share(to, &m.sequence))
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
