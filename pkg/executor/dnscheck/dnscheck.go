// Package dnscheck executes checks of kind dns.
package dnscheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

// resolvConf names the system's resolvers.
const resolvConf = "/etc/resolv.conf"

// udpSize is the answer by UDP that a server is told we take, without fragments on common networks.
const udpSize = 1232

// maxAnswers bounds what a result keeps.
const maxAnswers = 20

// Executor implements executor.Executor.
type Executor struct{}

// Kind implements executor.Executor.
func (Executor) Kind() executor.Kind {
	return executor.Kind{
		Name: "dns", Title: "DNS", Summary: "Asks a name server and looks at the records.",
		Target: "Name to look up", Example: "example.org",
		Variables: []assertion.Variable{
			{Name: "rcode", Type: "string", Help: "NOERROR, NXDOMAIN, SERVFAIL, …"},
			{Name: "answers", Type: "list(string)", Help: "Data of the records of the type asked for, as dig +short shows it."},
			{Name: "ttl", Type: "int", Help: "Least time to live of the answers in seconds; 0 without any."},
			{Name: "latency", Type: "duration", Help: "Time from asking to the answer."},
			{Name: "latency_ms", Type: "double", Help: "The same in milliseconds."},
			{Name: "server", Type: "string", Help: "Server that answered, host:port."},
		},
		Options: option.Schema(Options{}),
	}
}

// Prepare implements executor.Executor.
func (Executor) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) { return prepare(d) }

// Attempt implements executor.Probe.
func (p *probe) Attempt(ctx context.Context, tools executor.Tools) executor.Observation {
	server, err := p.server(tools)
	if err != nil {
		return executor.Observation{Err: err}
	}
	begun := time.Now()
	answer, err := p.ask(ctx, tools, p.options.Transport, server)
	if err == nil && answer.Truncated && p.options.Transport == "udp" {
		answer, err = p.ask(ctx, tools, "tcp", server)
	}
	latency := time.Since(begun)
	if err != nil {
		return executor.Observation{Err: err, Latency: latency, Observed: map[string]any{"server": server}}
	}
	return p.observe(answer, server, latency)
}

func (p *probe) server(tools executor.Tools) (string, error) {
	if p.options.Server != "" {
		return tools.Secret(p.options.Server)
	}
	config, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil || len(config.Servers) == 0 {
		return "", fmt.Errorf("%w: %s names no resolver: set options.server", executor.ErrSetup, resolvConf)
	}
	return net.JoinHostPort(config.Servers[0], config.Port), nil
}

func (p *probe) ask(ctx context.Context, tools executor.Tools, transport, server string) (*dns.Msg, error) {
	raw, err := tools.Dial(ctx, transport, server)
	if err != nil {
		return nil, executor.Explain(err, "while connecting to "+server)
	}
	conn := &dns.Conn{Conn: raw, UDPSize: udpSize}
	defer func() { _ = conn.Close() }()
	// The library looks at the deadline of ctx, not at its cancellation.
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	query := new(dns.Msg).SetQuestion(p.name, p.qtype)
	query.SetEdns0(udpSize, false)
	deadline, _ := ctx.Deadline()
	client := &dns.Client{Net: transport, UDPSize: udpSize, Timeout: time.Until(deadline)}
	answer, _, err := client.ExchangeWithConnContext(ctx, query, conn)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.Join(ctx.Err(), err)
		}
		return nil, p.explain(err, server)
	}
	return answer, nil
}

func (p *probe) explain(err error, server string) error {
	var malformed *dns.Error
	if errors.As(err, &malformed) {
		return fmt.Errorf("the answer of %s cannot be read: %w", server, err)
	}
	return executor.Explain(err, "while waiting for the answer of "+server)
}

func (p *probe) observe(answer *dns.Msg, server string, latency time.Duration) executor.Observation {
	rcode, known := dns.RcodeToString[answer.Rcode]
	if !known {
		rcode = fmt.Sprintf("RCODE%d", answer.Rcode)
	}
	answers, ttl := p.records(answer)
	return executor.Observation{
		Values: map[string]any{
			"rcode": rcode, "answers": answers, "ttl": int(ttl), "server": server,
			"latency": latency, "latency_ms": float64(latency) / float64(time.Millisecond),
		},
		Observed: map[string]any{"rcode": rcode, "answers": answers[:min(len(answers), maxAnswers)], "ttl": ttl, "server": server},
		Latency:  latency,
		Verdict:  p.verdict(rcode, answers),
	}
}

// records returns the data of the records asked for, sorted, and the least time to live.
func (p *probe) records(answer *dns.Msg) (answers []string, ttl uint32) {
	answers = []string{}
	for _, record := range answer.Answer {
		header := record.Header()
		if header.Rrtype != p.qtype && p.qtype != dns.TypeANY {
			continue
		}
		data := strings.TrimSpace(strings.TrimPrefix(record.String(), header.String()))
		if len(answers) == 0 || header.Ttl < ttl {
			ttl = header.Ttl
		}
		answers = append(answers, strings.ToValidUTF8(data, "�"))
	}
	slices.Sort(answers)
	return answers, ttl
}

func (p *probe) verdict(rcode string, answers []string) string {
	expected := p.options.Expect.Answers
	switch {
	case rcode != dns.RcodeToString[dns.RcodeSuccess]:
		return "the server answered " + rcode
	case len(answers) == 0:
		return "no " + strings.ToUpper(p.options.Type) + " record"
	case len(expected) == 0:
		return ""
	}
	found := 0
	for _, want := range expected {
		if slices.ContainsFunc(answers, func(have string) bool { return same(have, want) }) {
			found++
		}
	}
	ok := found > 0
	if p.options.Expect.Match != "any" {
		ok = found == len(expected)
	}
	if p.options.Expect.Match == "exact" {
		ok = ok && len(answers) == len(expected)
	}
	if ok {
		return ""
	}
	return fmt.Sprintf("answers are %s, expected %s of %s", strings.Join(answers, ", "), p.options.Expect.Match, strings.Join(expected, ", "))
}

// same compares record data as DNS does: without regard to case, with or without the final dot.
func same(have, want string) bool {
	return strings.EqualFold(strings.TrimSuffix(have, "."), strings.TrimSuffix(strings.TrimSpace(want), "."))
}
