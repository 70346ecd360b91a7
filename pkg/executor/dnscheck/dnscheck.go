// Package dnscheck executes checks of kind dns.
package dnscheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

// udpSize is the answer by UDP that a server is told we take, without fragments on common networks.
const udpSize = 1232

// Executor implements executor.Executor.
type Executor struct{ system *system }

// New returns an executor that resolves as the system does where a check names no server, by the
// files given: usually /etc/resolv.conf and /etc/hosts.
func New(resolvConf, hosts string) Executor {
	return Executor{&system{resolvConf: file{path: resolvConf}, hosts: file{path: hosts}}}
}

// Kind implements executor.Executor.
func (Executor) Kind() executor.Kind {
	return executor.Kind{
		Name: "dns", Title: "DNS", Summary: "Asks a name server and looks at the records.",
		Target: "Name to look up", Example: "example.org",
		Variables: []assertion.Variable{
			{Name: "rcode", Type: "string", Help: "NOERROR, NXDOMAIN, SERVFAIL, …"},
			{Name: "answers", Type: "list(string)", Help: "Data of the records of the type asked for, as dig +short shows it, sorted."},
			{Name: "ttl", Type: "int", Help: "Least time to live of the answers in seconds; 0 without any."},
			{Name: "latency", Type: "duration", Help: "Time from asking to the answer."},
			{Name: "latency_ms", Type: "double", Help: "The same in milliseconds."},
			{Name: "server", Type: "string", Help: "Server that answered, host:port, or the file of the system's own names."},
		},
		Options: option.Schema(Options{}),
	}
}

// Prepare implements executor.Executor.
func (e Executor) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) {
	return e.prepare(d)
}

// Attempt implements executor.Probe.
func (p *probe) Attempt(ctx context.Context, tools executor.Tools) executor.Observation {
	begun := time.Now()
	if p.options.Server == "" {
		return p.askSystem(ctx, begun)
	}
	server, err := tools.Secret(p.options.Server)
	if err != nil {
		return executor.Observation{Err: err}
	}
	if _, _, err := net.SplitHostPort(server); err != nil {
		return executor.Observation{Err: fmt.Errorf("%w: with its secrets put in, the server is not host:port", executor.ErrSecret)}
	}
	a, err := p.ask(ctx, tools.Dial, server)
	if err != nil {
		return executor.Observation{Err: err, Latency: time.Since(begun), Observed: map[string]any{"server": server}}
	}
	return p.observe(a, time.Since(begun))
}

// answer is what a server said.
type answer struct {
	*dns.Msg
	server  string
	timings *monitor.Timings
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// ask asks one server, by TCP when the answer does not fit into a datagram.
func (p *probe) ask(ctx context.Context, dial dialer, server string) (answer, error) {
	a, err := p.exchange(ctx, dial, p.options.Transport, server)
	if err == nil && a.Truncated && p.options.Transport == "udp" {
		return p.exchange(ctx, dial, "tcp", server)
	}
	return a, err
}

func (p *probe) exchange(ctx context.Context, dial dialer, transport, server string) (answer, error) {
	begun := time.Now()
	raw, err := dial(ctx, transport, server)
	if err != nil {
		return answer{}, executor.Explain(err, "while connecting to "+server)
	}
	connected := time.Now()
	conn := &dns.Conn{Conn: raw, UDPSize: udpSize}
	defer func() { _ = conn.Close() }()
	// The library looks at the deadline of ctx, not at its cancellation.
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	query := new(dns.Msg).SetQuestion(p.name, p.qtype)
	query.SetEdns0(udpSize, false)
	client := &dns.Client{Net: transport, UDPSize: udpSize}
	if deadline, ok := ctx.Deadline(); ok {
		client.Timeout = time.Until(deadline)
	}
	reply, _, err := client.ExchangeWithConnContext(ctx, query, conn)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.Join(ctx.Err(), err)
		}
		return answer{}, explain(err, server)
	}
	if problem := foreign(query, reply); problem != "" {
		return answer{}, fmt.Errorf("what %s sent is no answer: %s", server, problem)
	}
	timings := &monitor.Timings{FirstByte: milliseconds(time.Since(connected))}
	if transport == "tcp" {
		timings.Connect = milliseconds(connected.Sub(begun))
	}
	return answer{reply, server, timings}, nil
}

// foreign says why a message does not answer a query. A server that could not read the query need
// not repeat it.
func foreign(query, reply *dns.Msg) string {
	if !reply.Response {
		return "it is a question itself"
	}
	if len(reply.Question) == 0 && reply.Rcode != dns.RcodeSuccess {
		return ""
	}
	asked := query.Question[0]
	if len(reply.Question) != 1 || reply.Question[0].Qtype != asked.Qtype || !strings.EqualFold(reply.Question[0].Name, asked.Name) {
		return "it is about another question"
	}
	return ""
}

func explain(err error, server string) error {
	var malformed *dns.Error
	if errors.As(err, &malformed) {
		return fmt.Errorf("the answer of %s cannot be read: %w", server, err)
	}
	return executor.Explain(err, "while waiting for the answer of "+server)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
