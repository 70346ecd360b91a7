package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/monitor"
)

// OpenLocation implements bus.Executions. The queue is in the server's memory: after its restart the
// stream is made again, by whoever needs it first.
func (b *Bus) OpenLocation(ctx context.Context, location string) error {
	reconnects := b.conn.Stats().Reconnects
	err := b.openQueue(ctx, location)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if err = b.ensureStream(ctx, b.executions()); err == nil {
			err = b.openQueue(ctx, location)
		}
	}
	if err != nil {
		return fmt.Errorf("open location %s: %w", location, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened[location] = reconnects
	return nil
}

func (b *Bus) openQueue(ctx context.Context, location string) error {
	_, err := b.js.CreateOrUpdateConsumer(ctx, streamExecutions, jetstream.ConsumerConfig{
		Durable: consumerOf(location), FilterSubject: executionSubject(location),
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: bus.AckWait, MaxDeliver: bus.MaxDeliveries,
		MaxAckPending: 20_000, MaxRequestBatch: 100, MaxRequestExpires: bus.MaxPullWait,
	})
	return err
}

// reopen opens a location again that was open when the connection was lost.
func (b *Bus) reopen(ctx context.Context, location string) error {
	b.mu.Lock()
	at, was := b.opened[location]
	b.mu.Unlock()
	if !was || at == b.conn.Stats().Reconnects {
		return nil
	}
	return b.OpenLocation(ctx, location)
}

// Dispatch implements bus.Executions.
func (b *Bus) Dispatch(ctx context.Context, id string, batch monitor.ExecuteChecks) error {
	if err := b.reopen(ctx, batch.Location); err != nil {
		return err
	}
	headers, body, err := cloudevents.Binary(monitor.Meta{ID: id, Source: "/vedette/scheduler", Time: time.Now()}, batch)
	if err != nil {
		return err
	}
	m := message(executionSubject(batch.Location), headers, body)
	m.Header.Set(nats.MsgIdHdr, id)
	if _, err := b.js.PublishMsg(ctx, m); err != nil {
		return b.explain(err, "executions of "+batch.Location, 0)
	}
	return nil
}

// RunnerConfig configures a RunnerBus.
type RunnerConfig struct {
	Server
	Location string
	// APIPrefix replaces $JS.API where the runner's account imports what it may use under another
	// name, as deployments/nats.conf does.
	APIPrefix string
	// InboxPrefix replaces _INBOX where the account allows only that.
	InboxPrefix string
	Log         *slog.Logger
}

// RunnerBus is a runner's connection: it pulls, acknowledges and reports, and can do nothing else.
type RunnerBus struct {
	conn     *nats.Conn
	js       jetstream.JetStream
	codec    *cloudevents.Codec
	location string
	log      *slog.Logger
	consumer chan jetstream.Consumer // holds the consumer, or nil while it is not found
}

var (
	_ bus.ExecutionSource = (*RunnerBus)(nil)
	_ bus.Ingest          = (*RunnerBus)(nil)
)

// ConnectRunner connects to the server, waiting for it until ctx ends.
func ConnectRunner(ctx context.Context, cfg RunnerConfig) (*RunnerBus, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if !monitor.ValidID(cfg.Location) {
		return nil, fmt.Errorf("location %q: use 1 to 64 characters of a-z, 0-9, _ and -", cfg.Location)
	}
	var options []nats.Option
	if cfg.InboxPrefix != "" {
		options = append(options, nats.CustomInboxPrefix(cfg.InboxPrefix))
	}
	conn, err := dial(ctx, cfg.Server, cfg.Log, options...)
	if err != nil {
		return nil, err
	}
	js, err := runnerJetStream(conn, cfg.APIPrefix)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	r := &RunnerBus{conn: conn, js: js, codec: cloudevents.New(), location: cfg.Location, log: cfg.Log, consumer: make(chan jetstream.Consumer, 1)}
	r.consumer <- nil
	return r, nil
}

func runnerJetStream(conn *nats.Conn, prefix string) (jetstream.JetStream, error) {
	timeout := jetstream.WithDefaultTimeout(requestTimeout)
	if prefix == "" {
		return jetstream.New(conn, timeout)
	}
	return jetstream.NewWithAPIPrefix(conn, prefix, timeout)
}

// Close ends the connection.
func (r *RunnerBus) Close() { closeConn(r.conn) }

// Pull implements bus.ExecutionSource.
func (r *RunnerBus) Pull(ctx context.Context, wait time.Duration) (bus.Delivery, error) {
	if wait <= 0 || wait > bus.MaxPullWait {
		return nil, fmt.Errorf("pull executions: wait of %s: bounds are (0, %s]", wait, bus.MaxPullWait)
	}
	consumer, err := r.find(ctx)
	if err != nil {
		return nil, err
	}
	m, err := consumer.Next(jetstream.FetchMaxWait(wait))
	switch {
	case errors.Is(err, nats.ErrTimeout), errors.Is(err, jetstream.ErrNoMessages):
		return nil, bus.ErrNothing
	case errors.Is(err, jetstream.ErrConsumerNotFound), errors.Is(err, jetstream.ErrConsumerDeleted), errors.Is(err, nats.ErrNoResponders):
		r.forget()
		return nil, fmt.Errorf("location %s: %w", r.location, bus.ErrNoLocation)
	case err != nil:
		return nil, fmt.Errorf("pull executions: %w", err)
	}
	command, err := r.codec.ParseCommand(headerOf(m.Headers()), m.Data())
	batch, ok := command.Command.(monitor.ExecuteChecks)
	if err != nil || !ok {
		r.log.Error("an execution that cannot be read was dropped", "subject", m.Subject(), "error", err)
		return nil, errors.Join(bus.ErrNothing, m.Term())
	}
	return &delivery{m, batch}, nil
}

// find returns the location's consumer.
func (r *RunnerBus) find(ctx context.Context) (jetstream.Consumer, error) {
	consumer := <-r.consumer
	defer func() { r.consumer <- consumer }()
	if consumer != nil {
		return consumer, nil
	}
	found, err := r.js.Consumer(ctx, streamExecutions, consumerOf(r.location))
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound), errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, nats.ErrNoResponders):
		return nil, fmt.Errorf("location %s: %w", r.location, bus.ErrNoLocation)
	case err != nil:
		return nil, fmt.Errorf("look for the executions of %s: %w", r.location, err)
	}
	consumer = found
	return consumer, nil
}

func (r *RunnerBus) forget() {
	<-r.consumer
	r.consumer <- nil
}

type delivery struct {
	m     jetstream.Msg
	batch monitor.ExecuteChecks
}

func (d *delivery) Batch() monitor.ExecuteChecks { return d.batch }

func (d *delivery) KeepAlive() error { return d.m.InProgress() }

func (d *delivery) Ack(ctx context.Context) error { return d.m.DoubleAck(ctx) }

func (d *delivery) Return() error { return d.m.Nak() }
