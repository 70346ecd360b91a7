// Package pingcheck executes checks of kind ping.
package pingcheck

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

// Executor implements executor.Executor.
type Executor struct {
	// Open opens the links that requests are sent on; default Open.
	Open func(source, to netip.Addr, ttl int) (Link, error)
}

// Kind implements executor.Executor.
func (Executor) Kind() executor.Kind {
	return executor.Kind{
		Name: "ping", Title: "Ping", Summary: "Sends ICMP echo requests and looks at how many come back, and how soon.",
		Target: "host to ping, a name or an address", Example: "example.org",
		Variables: []assertion.Variable{
			{Name: "sent", Type: "int", Help: "How many requests were sent."},
			{Name: "received", Type: "int", Help: "How many of them were answered."},
			{Name: "duplicates", Type: "int", Help: "How many answers came again."},
			{Name: "loss", Type: "double", Help: "Percentage of the requests that were not answered, 0.0 to 100.0."},
			{Name: "rtt_min_ms", Type: "double", Help: "Shortest time to an answer, in milliseconds."},
			{Name: "rtt_avg_ms", Type: "double", Help: "Mean time to an answer, in milliseconds."},
			{Name: "rtt_max_ms", Type: "double", Help: "Longest time to an answer, in milliseconds."},
			{Name: "rtt_stddev_ms", Type: "double", Help: "Standard deviation of the times, in milliseconds."},
			{Name: "jitter_ms", Type: "double", Help: "Mean difference between the times of one answer and the next, in milliseconds."},
			{Name: "lookup_ms", Type: "double", Help: "How long looking up the host took, in milliseconds."},
			{Name: "ttl", Type: "int", Help: "Hops that the last answer had left; 0 where the system does not tell."},
			{Name: "ip", Type: "string", Help: "Address pinged."},
			{Name: "latency", Type: "duration", Help: "Mean time to an answer."},
			{Name: "latency_ms", Type: "double", Help: "The same in milliseconds."},
		},
		Options: option.Schema(Options{}),
	}
}

// Prepare implements executor.Executor.
func (e Executor) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) {
	p, problems := prepare(d)
	if p.open = e.Open; p.open == nil {
		p.open = Open
	}
	return p, problems
}

// Attempt implements executor.Probe.
func (p *probe) Attempt(ctx context.Context, tools executor.Tools) executor.Observation {
	begun := time.Now()
	host, err := p.host(tools)
	if err != nil {
		return executor.Observation{Err: err}
	}
	addresses, err := p.route.Resolve(ctx, tools, host)
	if err != nil {
		return executor.Observation{Err: executor.Explain(err, "while looking up the host"), Latency: time.Since(begun)}
	}
	lookup := time.Since(begun)
	s, address, err := p.ping(ctx, addresses)
	if err != nil {
		return executor.Observation{Err: err, Latency: time.Since(begun), Observed: map[string]any{"ip": address.String()}}
	}
	return p.observe(s, address, lookup)
}

// host is the target, its secrets put in.
func (p *probe) host(tools executor.Tools) (string, error) {
	host, err := tools.Secret(p.target)
	if err != nil {
		return "", err
	}
	if host != p.target && (targetProblem(host) != "" || strings.Contains(host, "secret://")) {
		return "", fmt.Errorf("%w: with its secrets put in, the target is no host", executor.ErrSecret)
	}
	return host, nil
}

// ping pings the first of the addresses to which this machine can send. The error is in plain words.
func (p *probe) ping(ctx context.Context, addresses []netip.Addr) (s *series, address netip.Addr, err error) {
	for _, address = range addresses {
		s, err = p.pingOne(ctx, address)
		if !errors.Is(err, syscall.ENETUNREACH) && !errors.Is(err, syscall.EHOSTUNREACH) {
			break
		}
	}
	return s, address, err
}

func (p *probe) pingOne(ctx context.Context, address netip.Addr) (*series, error) {
	link, err := p.open(p.route.Source(), address, p.options.TTL)
	if err != nil {
		return nil, err
	}
	defer func() { _ = link.Close() }()
	s := newSeries(link, address.Is6(), p.options.Count, p.options.Size)
	return s, s.run(ctx, p.interval, p.wait)
}

func (p *probe) observe(s *series, address netip.Addr, lookup time.Duration) executor.Observation {
	t := s.totals()
	values := map[string]any{
		"sent": t.sent, "received": t.received, "duplicates": s.duplicates, "loss": t.loss, "ttl": s.ttl, "ip": address.String(),
		"rtt_min_ms": endpoint.Milliseconds(t.least), "rtt_avg_ms": endpoint.Milliseconds(t.mean), "rtt_max_ms": endpoint.Milliseconds(t.most),
		"rtt_stddev_ms": endpoint.Milliseconds(t.deviation), "jitter_ms": endpoint.Milliseconds(t.jitter), "lookup_ms": endpoint.Milliseconds(lookup),
		"latency": t.mean, "latency_ms": endpoint.Milliseconds(t.mean),
	}
	observed := map[string]any{}
	for _, name := range []string{"sent", "received", "loss", "ip"} {
		observed[name] = values[name]
	}
	if t.received > 0 {
		for _, name := range []string{"rtt_min_ms", "rtt_avg_ms", "rtt_max_ms", "rtt_stddev_ms", "jitter_ms", "ttl"} {
			observed[name] = values[name]
		}
	}
	seen := executor.Observation{Values: assertion.Known(values), Observed: observed, Latency: t.mean}
	unanswered := t.sent - t.received
	switch {
	case t.sent == 0:
		seen.Err = errors.New("timed out before the first request")
	case t.received == 0 && s.unreachable != "":
		seen.Err = fmt.Errorf("no reply to %s: %s", requests(t.sent), s.unreachable)
	case t.received == 0:
		seen.Err = fmt.Errorf("no reply to %s", requests(t.sent))
	case t.loss > float64(p.options.MaxLoss):
		seen.Err = fmt.Errorf("%d of %s had no reply, more than %d %%", unanswered, requests(t.sent), p.options.MaxLoss)
	case t.loss > float64(p.options.WarnLoss):
		seen.Warning = fmt.Sprintf("%d of %s had no reply, more than %d %%", unanswered, requests(t.sent), p.options.WarnLoss)
	}
	return seen
}

func requests(n int) string {
	if n == 1 {
		return "1 request"
	}
	return fmt.Sprintf("%d requests", n)
}
