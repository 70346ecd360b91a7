// Package udpcheck executes checks of kind udp.
package udpcheck

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/executor/route"
	"github.com/vedette/vedette/pkg/monitor"
)

// maxSend bounds the datagram sent, in bytes as written.
const maxSend = 8 << 10

// Executor implements executor.Executor.
type Executor struct{}

// Options of a udp check.
type Options struct {
	Send   string `json:"send" example:"PING\\r\\n" help:"The datagram to send, with \\r, \\n, \\t, \\0, \\\\ and \\xHH; without, an empty one."`
	Expect string `json:"expect" example:"^PONG" help:"Pattern (RE2) that the datagram that comes back has to match; without, any is good."`

	route.Options
}

// Kind implements executor.Executor.
func (Executor) Kind() executor.Kind {
	return executor.Kind{
		Name: "udp", Title: "UDP", Summary: "Sends a datagram to a port and looks at the one that comes back.",
		Target: "host:port to send to", Example: "example.org:123",
		Variables: []assertion.Variable{
			{Name: "received", Type: "string", Help: "The datagram that came back, the first 16 KiB of it; what is no UTF-8 is replaced."},
			{Name: "bytes", Type: "int", Help: "How many bytes came back."},
			{Name: "captured", Type: "map(string, string)", Help: "What the named groups of the expected pattern matched: (?P<name>…)."},
			{Name: "ip", Type: "string", Help: "Address sent to."},
			{Name: "latency", Type: "duration", Help: "Time from the first step to the answer."},
			{Name: "latency_ms", Type: "double", Help: "The same in milliseconds."},
		},
		Options: option.Schema(Options{}),
	}
}

// probe is a prepared check.
type probe struct {
	target endpoint.Target
	send   string
	expect *regexp.Regexp
}

// Prepare implements executor.Executor.
func (Executor) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) {
	var o Options
	problems := option.Decode(d.Options, &o)
	p := &probe{target: endpoint.NewTarget(&problems, "udp", d.Target, o.Options, route.ProxyOptions{})}
	if len(o.Send) > maxSend {
		problems.Add("options.send", "is too long: use at most %d bytes", maxSend)
	} else if send, problem := endpoint.Unescape(o.Send); problem != "" {
		problems.Add("options.send", "%s", problem)
	} else {
		p.send = send
	}
	if o.Expect != "" {
		pattern, problem := endpoint.ParsePattern(o.Expect)
		if problem != "" {
			problems.Add("options.expect", "%s", problem)
		}
		p.expect = pattern
	}
	return p, problems
}

// Attempt implements executor.Probe.
func (p *probe) Attempt(ctx context.Context, tools executor.Tools) executor.Observation {
	text, err := tools.Secret(p.send)
	if err != nil {
		return executor.Observation{Err: err}
	}
	return p.target.Meet(ctx, tools, func(conn *endpoint.Conn, begun time.Time) executor.Observation { return p.ask(conn, text, begun) })
}

func (p *probe) ask(conn *endpoint.Conn, text string, begun time.Time) executor.Observation {
	timings := conn.Timings()
	timings.Connect = 0 // nothing is sent for that
	failed := func(err error) executor.Observation {
		return executor.Observation{Err: err, Latency: time.Since(begun), Timings: timings, Observed: map[string]any{"ip": conn.IP()}}
	}
	sent := time.Now()
	if _, err := io.WriteString(conn, text); err != nil {
		return failed(executor.Explain(err, "while sending"))
	}
	buffer := make([]byte, endpoint.MaxReceived)
	n, err := conn.Read(buffer)
	if err != nil {
		return failed(executor.Explain(err, "while waiting for an answer"))
	}
	latency := time.Since(begun)
	timings.FirstByte = endpoint.Between(sent, time.Now())
	return p.observe(buffer[:n], conn.IP(), timings, latency)
}

func (p *probe) observe(raw []byte, ip string, timings *monitor.Timings, latency time.Duration) executor.Observation {
	received := strings.ToValidUTF8(string(raw), "�")
	captured := map[string]string{}
	seen := executor.Observation{
		Values: assertion.Known(map[string]any{
			"received": received, "bytes": len(raw), "captured": captured, "ip": ip, "latency": latency, "latency_ms": endpoint.Milliseconds(latency),
		}),
		Observed: map[string]any{"ip": ip, "bytes": len(raw)},
		Timings:  timings, Latency: latency,
	}
	if p.expect == nil {
		return seen
	}
	found := p.expect.FindSubmatchIndex(raw)
	if found == nil {
		// It is not shortened here: a part of a secret could not be told from other text.
		seen.Err = fmt.Errorf("the answer does not match %s: received %q", p.expect, received)
		return seen
	}
	for i, name := range p.expect.SubexpNames() {
		if name != "" && found[2*i] >= 0 {
			captured[name] = strings.ToValidUTF8(string(raw[found[2*i]:found[2*i+1]]), "�")
		}
	}
	if len(captured) > 0 {
		seen.Observed["captured"] = captured
	}
	return seen
}
