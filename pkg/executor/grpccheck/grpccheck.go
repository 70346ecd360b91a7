// Package grpccheck executes checks of kind grpc.
package grpccheck

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"google.golang.org/grpc"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/executor/secure"
	"github.com/vedette/vedette/pkg/monitor"
)

// Executor implements executor.Executor.
type Executor struct{}

// Kind implements executor.Executor.
func (Executor) Kind() executor.Kind {
	return executor.Kind{
		Name: "grpc", Title: "gRPC", Summary: "Asks a gRPC server for the health of itself or of a service.",
		Target: "host:port to connect to", Example: "api.example.org:443",
		Variables: []assertion.Variable{
			{Name: "status", Type: "string", Help: "What the server says: SERVING, NOT_SERVING, UNKNOWN, SERVICE_UNKNOWN."},
			{Name: "metadata", Type: "map(string, string)", Help: "Metadata of the answer, headers and trailers."},
			{Name: "tls_version", Type: "string", Help: "TLS 1.3, TLS 1.2; empty without TLS."},
			{Name: "certificate", Type: "map(string, dyn)", Help: "Of the server: subject, issuer, names, serial, key, signature, sha256, not_before, not_after, expires_in; empty without TLS."},
			{Name: "ip", Type: "string", Help: "Address connected to."},
			{Name: "latency", Type: "duration", Help: "Time from the first step to the answer."},
			{Name: "latency_ms", Type: "double", Help: "The same in milliseconds."},
			{Name: "timings", Type: "map(string, double)", Help: "Phases in milliseconds: dns_ms, connect_ms, tls_ms, first_byte_ms (the answer)."},
		},
		Options: option.Schema(Options{}),
	}
}

// Prepare implements executor.Executor.
func (Executor) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) { return prepare(d) }

// maxAnswer bounds an answer, and maxHeaders the headers of one, in bytes.
const (
	maxAnswer  = 16 << 10
	maxHeaders = 16 << 10
)

// Attempt implements executor.Probe.
func (p *probe) Attempt(ctx context.Context, tools executor.Tools) executor.Observation {
	sent, err := p.fill(tools)
	if err != nil {
		return executor.Observation{Err: err}
	}
	return p.target.Meet(ctx, tools, func(conn *endpoint.Conn, begun time.Time) executor.Observation {
		return p.meet(ctx, tools, conn, sent, begun)
	})
}

func (p *probe) meet(ctx context.Context, tools executor.Tools, conn *endpoint.Conn, sent metadata.MD, begun time.Time) executor.Observation {
	conn.Unlogged()
	_, address, err := endpoint.Fill(tools, p.target.Address())
	if err != nil {
		return executor.Observation{Err: err}
	}
	l := &line{raw: conn, authority: address, ready: func() { p.tell(tools, sent) }}
	if p.options.Authority != "" {
		l.authority = p.options.Authority
	}
	if p.tls != nil {
		if l.config, err = p.tls.Config(tools, conn.Host()); err != nil {
			return executor.Observation{Err: err, Latency: time.Since(begun)}
		}
	}
	connected := time.Now()
	status, received, err := p.ask(ctx, l, sent)
	tellAnswer(tools, status, received, err)
	latency := time.Since(begun)
	timings := conn.Timings()
	var shaken time.Duration
	_, shaken, _ = l.shook()
	timings.TLS = endpoint.Milliseconds(shaken)
	timings.FirstByte = endpoint.Milliseconds(latency - connected.Sub(begun) - shaken)
	return p.observe(l, conn.IP(), status, received, err, timings, latency)
}

// ask asks for the status over a line, and returns the metadata received with it. The error is in
// plain words.
func (p *probe) ask(ctx context.Context, l *line, sent metadata.MD) (status string, received metadata.MD, err error) {
	// What is on the line is all that there is: nothing is looked up, dialled or tried again.
	channel, err := grpc.NewClient("passthrough:///"+l.authority,
		grpc.WithContextDialer(l.dial), grpc.WithTransportCredentials(l), grpc.WithAuthority(l.authority), grpc.WithUserAgent("Vedette"),
		grpc.WithStatsHandler(&l.heard), grpc.WithNoProxy(), grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(), grpc.WithDisableHealthCheck(),
		grpc.WithStaticStreamWindowSize(64<<10), grpc.WithStaticConnWindowSize(64<<10), grpc.WithMaxHeaderListSize(maxHeaders),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)))
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", executor.ErrSetup, err)
	}
	defer func() { _ = channel.Close() }()
	var headers, trailers metadata.MD
	answer, err := health.NewHealthClient(channel).Check(metadata.NewOutgoingContext(ctx, sent),
		&health.HealthCheckRequest{Service: p.options.Service}, grpc.Header(&headers), grpc.Trailer(&trailers))
	received = metadata.Join(headers, trailers)
	if err != nil {
		return "", received, p.explain(ctx, l, err)
	}
	return answer.GetStatus().String(), received, nil
}

// fill returns the metadata to send, its secrets put in.
func (p *probe) fill(tools executor.Tools) (metadata.MD, error) {
	filled := make(map[string]string, len(p.options.Metadata))
	for name, text := range p.options.Metadata {
		value, err := tools.Secret(text)
		if err != nil {
			return nil, err
		}
		if !validValue(name, value) {
			return nil, fmt.Errorf("%w: with its secrets put in, the metadata %s is not of printable ASCII", executor.ErrSecret, name)
		}
		filled[name] = value
	}
	return metadata.New(filled), nil
}

func (p *probe) observe(l *line, ip, status string, received metadata.MD, err error, timings *monitor.Timings, latency time.Duration) executor.Observation {
	values := map[string]any{
		"status": status, "metadata": joined(received), "ip": ip,
		"latency": latency, "latency_ms": endpoint.Milliseconds(latency), "timings": endpoint.TimingsMap(timings),
	}
	observed := map[string]any{"ip": ip}
	if status != "" {
		observed["status"] = status
	}
	state, _, _ := l.shook()
	secure.Observe(state, values, observed)
	seen := executor.Observation{Values: assertion.Known(values), Observed: observed, Timings: timings, Latency: latency, Err: err}
	if err == nil && status != p.options.Status {
		seen.Err = fmt.Errorf("the status is %s, expected %s", status, p.options.Status)
	}
	return seen
}

// joined has the values of a name in one text.
func joined(received metadata.MD) map[string]string {
	values := make(map[string]string, len(received))
	for name, all := range maps.All(received) {
		values[strings.ToValidUTF8(name, "�")] = strings.ToValidUTF8(strings.Join(all, ", "), "�")
	}
	return values
}
