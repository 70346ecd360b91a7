// Package natscheck executes checks of kind nats.
package natscheck

import (
	"context"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

// Executor implements executor.Executor.
type Executor struct{}

// Kind implements executor.Executor.
func (Executor) Kind() executor.Kind {
	return executor.Kind{
		Name: "nats", Title: "NATS", Summary: "Logs in to a NATS server and looks at JetStream, a stream, a consumer or a key.",
		Target: "host:port to connect to", Example: "nats.example.org:4222",
		Variables: []assertion.Variable{
			{Name: "server", Type: "string", Help: "Name of the server."},
			{Name: "version", Type: "string", Help: "Version of the server, as 2.11.0."},
			{Name: "cluster", Type: "string", Help: "Name of the server's cluster; empty without one."},
			{Name: "max_payload", Type: "int", Help: "Most bytes that the server takes in a message."},
			{Name: "jetstream", Type: "bool", Help: "Whether the server has JetStream, or with options.jetstream the account."},
			{Name: "rtt", Type: "duration", Help: "How long the server took to answer a ping."},
			{Name: "rtt_ms", Type: "double", Help: "The same in milliseconds."},
			{Name: "account", Type: "map(string, dyn)", Help: "With options.jetstream, what the account has: streams, consumers, memory, storage, max_memory, max_storage; bytes, and -1 for no limit."},
			{Name: "leader", Type: "string", Help: "Server that leads the stream."},
			{Name: "replicas", Type: "int", Help: "How many replicas of the stream are current, its leader among them."},
			{Name: "messages", Type: "int", Help: "How many messages the stream holds."},
			{Name: "bytes", Type: "int", Help: "How many bytes the stream holds."},
			{Name: "consumers", Type: "int", Help: "How many consumers the stream has."},
			{Name: "pending", Type: "int", Help: "How many messages wait for the consumer."},
			{Name: "ack_pending", Type: "int", Help: "How many messages were delivered by the consumer and not acknowledged yet."},
			{Name: "redelivered", Type: "int", Help: "How many of those were delivered more than once."},
			{Name: "waiting", Type: "int", Help: "How many requests for messages wait at the consumer."},
			{Name: "value", Type: "string", Help: "Value of the key; what is no UTF-8 is replaced."},
			{Name: "revision", Type: "int", Help: "Revision of the key."},
			{Name: "value_age", Type: "duration", Help: "How long ago the key was written, by the clocks of server and runner."},
			{Name: "tls_version", Type: "string", Help: "TLS 1.3, TLS 1.2, …; empty without TLS."},
			{Name: "certificate", Type: "map(string, dyn)", Help: "Of the server: subject, issuer, names, serial, key, signature, sha256, not_before, not_after, expires_in; empty without TLS."},
			{Name: "ip", Type: "string", Help: "Address connected to."},
			{Name: "latency", Type: "duration", Help: "Time from the first step to the last answer."},
			{Name: "latency_ms", Type: "double", Help: "The same in milliseconds."},
			{Name: "timings", Type: "map(string, double)", Help: "Phases in milliseconds: dns_ms, connect_ms, first_byte_ms (the server's greeting), tls_ms."},
		},
		Options: option.Schema(Options{}),
	}
}

// Prepare implements executor.Executor.
func (Executor) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) { return prepare(d) }

// found is what an attempt learned, as far as it was asked for.
type found struct {
	rtt      time.Duration
	account  *account
	stream   *stream
	consumer *consumer
	entry    *entry
}

// Attempt implements executor.Probe.
func (p *probe) Attempt(ctx context.Context, tools executor.Tools) executor.Observation {
	secrets, err := p.options.fill(tools.Secret)
	if err != nil {
		return executor.Observation{Err: err}
	}
	if token, err := nkeys.ParseDecoratedJWT([]byte(secrets.credentials)); err == nil && secrets.credentials != "" {
		tools.Hide(token) // it is sent without the rest
	}
	return p.target.Meet(ctx, tools, func(conn *endpoint.Conn, begun time.Time) executor.Observation {
		return p.visit(ctx, tools, conn, secrets, begun)
	})
}

func (p *probe) visit(ctx context.Context, tools executor.Tools, conn *endpoint.Conn, secrets filled, begun time.Time) executor.Observation {
	config, err := p.tls.Config(tools, conn.Host())
	if err != nil {
		return executor.Observation{Err: err, Latency: time.Since(begun)}
	}
	c, err := meet(ctx, conn, p.options.TLS.Mode, config)
	var f found
	if err == nil {
		c.inbox = p.options.Inbox
		f, err = p.look(c, secrets)
	}
	latency := time.Since(begun)
	timings := conn.Timings()
	timings.FirstByte, timings.TLS = c.greeted, c.secured
	seen := p.observe(c, f, conn.IP(), timings, latency)
	if err != nil {
		seen.Err = err
		return seen
	}
	seen.Err = p.options.wrong(f)
	seen.Warning = p.options.near(f)
	return seen
}

// look logs in and asks for what the options name. What was found before an error is returned too.
func (p *probe) look(c *client, secrets filled) (f found, err error) {
	who, err := secrets.login(c.greeting.Nonce)
	if err != nil {
		return f, err
	}
	if err := c.logIn(who); err != nil {
		return f, err
	}
	if f.rtt, err = c.ping(); err != nil {
		return f, err
	}
	err = p.options.ask(c, &f)
	return f, err
}
