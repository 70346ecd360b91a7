// Package tcpcheck executes checks of kind tcp.
package tcpcheck

import (
	"context"
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
		Name: "tcp", Title: "TCP", Summary: "Connects to a port and talks to it in steps.",
		Target: "host:port to connect to", Example: "example.org:22",
		Variables: []assertion.Variable{
			{Name: "received", Type: "string", Help: "All that the steps read, 16 KiB at most."},
			{Name: "captured", Type: "map(string, string)", Help: "What the named groups of the expected patterns matched: (?P<name>…)."},
			{Name: "tls_version", Type: "string", Help: "TLS 1.3, TLS 1.2, …; empty without the step starttls."},
			{Name: "certificate", Type: "map(string, dyn)", Help: "Of the server, as with TLS checks; empty without the step starttls."},
			{Name: "ip", Type: "string", Help: "Address connected to."},
			{Name: "latency", Type: "duration", Help: "Time from the first step to the end of the last."},
			{Name: "latency_ms", Type: "double", Help: "The same in milliseconds."},
			{Name: "timings", Type: "map(string, double)", Help: "Phases in milliseconds: dns_ms, connect_ms, tls_ms, first_byte_ms, transfer_ms."},
		},
		Options: option.Schema(Options{}),
	}
}

// Prepare implements executor.Executor.
func (Executor) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) { return prepare(d) }

// Attempt implements executor.Probe.
func (p *probe) Attempt(ctx context.Context, tools executor.Tools) executor.Observation {
	return p.target.Meet(ctx, tools, func(conn *endpoint.Conn, begun time.Time) executor.Observation {
		talk := newTalk(conn)
		err := p.converse(ctx, tools, talk)
		seen := talk.observation(time.Since(begun))
		seen.Err = err
		return seen
	})
}

// converse takes one step after the other.
func (p *probe) converse(ctx context.Context, tools executor.Tools, talk *talk) (err error) {
	for _, s := range p.steps {
		if s.startTLS {
			err = talk.secure(ctx, p.tls, tools)
		} else {
			err = talk.step(ctx, s, tools.Secret)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
