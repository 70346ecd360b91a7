// Package tlscheck executes checks of kind tls.
package tlscheck

import (
	"context"
	"crypto/tls"
	"time"

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
		Name: "tls", Title: "TLS", Summary: "Shakes hands by TLS and looks at version, cipher and certificates.",
		Target: "host:port to shake hands with", Example: "example.org:443",
		Variables: []assertion.Variable{
			{Name: "version", Type: "string", Help: "TLS 1.3, TLS 1.2, …"},
			{Name: "cipher", Type: "string", Help: "Cipher suite, as TLS_AES_128_GCM_SHA256."},
			{Name: "key_exchange", Type: "string", Help: "Group of the key exchange, as X25519MLKEM768; empty without one."},
			{Name: "alpn", Type: "string", Help: "Protocol that the server chose of options.alpn; empty without."},
			{Name: "stapled", Type: "bool", Help: "Whether the server sent an OCSP answer along."},
			{Name: "ocsp", Type: "map(string, dyn)", Help: "That answer: status good, revoked, unknown or invalid, problem, produced_at, this_update, next_update, expires_in, revoked_at; empty without."},
			{Name: "certificate", Type: "map(string, dyn)", Help: "Of the server: subject, issuer, names, serial, key, signature, sha256, not_before, not_after, expires_in."},
			{Name: "chain", Type: "dyn", Help: "List of all certificates that the server sent, its own first, each as certificate is."},
			{Name: "problems", Type: "list(string)", Help: "What is wrong with the certificate; always empty unless options.skip_verify is set."},
			{Name: "ip", Type: "string", Help: "Address connected to."},
			{Name: "latency", Type: "duration", Help: "Time from the first step to the end of the handshake."},
			{Name: "latency_ms", Type: "double", Help: "The same in milliseconds."},
			{Name: "timings", Type: "map(string, double)", Help: "Phases in milliseconds: dns_ms, connect_ms, first_byte_ms (asking for STARTTLS), tls_ms."},
		},
		Options: option.Schema(Options{}),
	}
}

// Prepare implements executor.Executor.
func (Executor) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) { return prepare(d) }

// Attempt implements executor.Probe.
func (p *probe) Attempt(ctx context.Context, tools executor.Tools) executor.Observation {
	return p.target.Meet(ctx, tools, func(conn *endpoint.Conn, begun time.Time) executor.Observation { return p.shake(ctx, conn, begun) })
}

func (p *probe) shake(ctx context.Context, conn *endpoint.Conn, begun time.Time) executor.Observation {
	timings := conn.Timings()
	failed := func(err error) executor.Observation {
		return executor.Observation{Err: err, Latency: time.Since(begun), Timings: timings, Observed: map[string]any{"ip": conn.IP()}}
	}
	connected := time.Now()
	if err := startTLS(conn, p.options.StartTLS); err != nil {
		return failed(err)
	}
	started := time.Now()
	if p.options.StartTLS != none {
		timings.FirstByte = endpoint.Between(connected, started)
	}
	config := p.config.Clone()
	if config.ServerName == "" {
		config.ServerName = conn.Host()
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return failed(executor.Explain(err, "during the TLS handshake"))
	}
	conn.Inside(secure)
	latency := time.Since(begun)
	timings.TLS = endpoint.Between(started, time.Now())
	return p.observe(conn, secure.ConnectionState(), config.ServerName, timings, latency)
}
