package api

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are shared by all apis of one registerer.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	streams  prometheus.Gauge
	dropped  *prometheus.CounterVec
	sent     prometheus.Counter
	late     prometheus.Counter
}

func newMetrics(to prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vedette_api_requests_total", Help: "Requests by route, method and status code.",
		}, []string{"route", "method", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "vedette_api_request_seconds", Help: "Time to answer a request, by route; event streams are left out.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "vedette_api_requests_in_flight", Help: "Requests being answered, event streams not counted.",
		}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "vedette_api_stream_clients", Help: "Clients connected to the event stream.",
		}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vedette_api_stream_dropped_total", Help: "Clients of the event stream that were dropped, by reason.",
		}, []string{"reason"}),
		sent: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "vedette_api_stream_events_total", Help: "Events sent to clients of the event stream.",
		}),
		late: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "vedette_api_late_reads_total", Help: "Writes that were answered before the read models showed them.",
		}),
	}
	if to == nil {
		return m, nil
	}
	return m, errors.Join(
		share(to, &m.requests), share(to, &m.duration), share(to, &m.inFlight), share(to, &m.streams),
		share(to, &m.dropped), share(to, &m.sent), share(to, &m.late))
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
