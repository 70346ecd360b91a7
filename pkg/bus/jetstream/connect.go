// Package jetstream is the message bus on NATS JetStream.
package jetstream

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/chain"
)

// Config configures a Bus.
type Config struct {
	Server
	// Replicas of each stream, 1 to 5; default 1.
	Replicas int
	Limits   Limits
	// Log and Registerer default to none.
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Bus implements bus.Bus on JetStream. Close it when nobody uses it any more.
type Bus struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	cfg     Config
	log     *slog.Logger
	codec   *cloudevents.Codec
	metrics *metrics
	replies *replies
	// report is what the last check of EVENTS found, here or elsewhere. With damage it is not written to.
	report atomic.Pointer[chain.Report]

	mu      sync.Mutex
	serving map[string]bool
	handles map[string]jetstream.Stream
	// opened are the locations that are open, and how often the connection had been made again then.
	opened map[string]uint64
}

var _ bus.Bus = (*Bus)(nil)

// Connect connects to the server, waiting for it until ctx ends.
func Connect(ctx context.Context, cfg Config) (*Bus, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	conn, err := dial(ctx, cfg.Server, cfg.Log)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(requestTimeout))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	b := &Bus{
		conn: conn, js: js, cfg: cfg, log: cfg.Log, codec: cloudevents.New(),
		serving: make(map[string]bool), handles: make(map[string]jetstream.Stream), opened: make(map[string]uint64),
	}
	if b.metrics, err = newMetrics(cfg.Registerer); err != nil {
		conn.Close()
		return nil, err
	}
	if b.replies, err = newReplies(conn); err != nil {
		conn.Close()
		return nil, err
	}
	return b, nil
}

// requestTimeout is how long the server is given for one answer when ctx says nothing.
const requestTimeout = 10 * time.Second

// Close sends what is buffered and ends the connection.
func (b *Bus) Close() { closeConn(b.conn) }

func closeConn(conn *nats.Conn) {
	closed := make(chan struct{})
	conn.SetClosedHandler(func(*nats.Conn) { close(closed) })
	if conn.IsClosed() {
		return
	}
	if err := conn.Drain(); err != nil {
		conn.Close()
	}
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		conn.Close()
	}
}

type metrics struct {
	dead      *prometheus.CounterVec
	conflicts prometheus.Counter
	damaged   prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		dead: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vedette_bus_dead_letters_total", Help: "Messages put aside because they could not be read or handled, by stream.",
		}, []string{"stream"}),
		conflicts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "vedette_bus_conflicts_total", Help: "Writes refused because an expectation did not hold.",
		}),
		damaged: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "vedette_bus_events_damaged", Help: "1 when EVENTS failed its integrity check and is read-only.",
		}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.dead, m.conflicts, m.damaged} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("metrics of the bus: %w", err)
		}
	}
	return m, nil
}
