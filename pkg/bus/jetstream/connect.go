// Package jetstream is the message bus on NATS JetStream.
package jetstream

import (
	"context"
	"errors"
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
)

// Server says which NATS server to connect to, and as whom.
type Server struct {
	// URL is one or several servers, separated by commas. Default nats://127.0.0.1:4222.
	URL string
	// InProcess connects to an embedded server instead of a URL.
	InProcess nats.InProcessConnProvider
	// Creds is a credentials file; User and Password, or Token, the alternatives.
	Creds, User, Password, Token string
	// CA, Cert and Key are PEM files for TLS.
	CA, Cert, Key string
	// Name is shown by the server: "vedette decider".
	Name string
}

func (s Server) options(log *slog.Logger) []nats.Option {
	options := []nats.Option{
		nats.Name(s.Name), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond), nats.Timeout(5 * time.Second),
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			log.Error("NATS reports an error", "subject", subject, "error", err)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("connection to NATS lost; trying again", "error", err)
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) { log.Info("connected to NATS again", "server", c.ConnectedUrlRedacted()) }),
	}
	if s.InProcess != nil {
		options = append(options, nats.InProcessServer(s.InProcess))
	}
	if s.Creds != "" {
		options = append(options, nats.UserCredentials(s.Creds))
	}
	if s.User != "" {
		options = append(options, nats.UserInfo(s.User, s.Password))
	}
	if s.Token != "" {
		options = append(options, nats.Token(s.Token))
	}
	if s.CA != "" {
		options = append(options, nats.RootCAs(s.CA))
	}
	if s.Cert != "" {
		options = append(options, nats.ClientCert(s.Cert, s.Key))
	}
	return options
}

// dial connects, waiting for a server that is not there yet until ctx ends.
func dial(ctx context.Context, s Server, log *slog.Logger, more ...nats.Option) (*nats.Conn, error) {
	url := s.URL
	if url == "" {
		url = nats.DefaultURL
	}
	for warned := false; ; warned = true {
		conn, err := nats.Connect(url, append(s.options(log), more...)...)
		if err == nil {
			return conn, nil
		}
		if !errors.Is(err, nats.ErrNoServers) && !errors.Is(err, nats.ErrTimeout) {
			return nil, fmt.Errorf("connect to NATS at %s: %w", url, err)
		}
		if !warned {
			log.Warn("NATS is not there yet; waiting for it", "url", url, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connect to NATS at %s: %w", url, err)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

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
	// damaged is set when EVENTS fails its integrity check: it is not written to any more.
	damaged atomic.Bool

	mu      sync.Mutex
	serving map[string]bool
	handles map[string]jetstream.Stream
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
		serving: make(map[string]bool), handles: make(map[string]jetstream.Stream),
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
