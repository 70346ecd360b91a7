// Package dnscheck executes checks of kind dns.
package dnscheck

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

// Executor implements executor.Executor.
type Executor struct {
	system *system
}

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
		Variables: variables(),
		Options:   option.Schema(Options{}),
	}
}

func variables() []assertion.Variable {
	return []assertion.Variable{
		{Name: "rcode", Type: "string", Help: "NOERROR, NXDOMAIN, SERVFAIL, …"},
		{Name: "answers", Type: "list(string)", Help: "Data of the records of the type asked for, as dig +short shows it, sorted."},
		{Name: "ttl", Type: "int", Help: "Least time to live of the answers in seconds; 0 without any."},
		{Name: "cname", Type: "list(string)", Help: "Names that the name is an alias for, one after another."},
		{Name: "flags", Type: "list(string)", Help: "Flags of the answer, of qr, aa, tc, rd, ra, ad and cd."},
		{Name: "records", Type: "dyn", Help: "All of the answer section: a list of name, type, class, ttl and data."},
		{Name: "authority", Type: "dyn", Help: "The authority section, as records is."},
		{Name: "additional", Type: "dyn", Help: "The additional section, as records is."},
		{Name: "dnssec", Type: "string", Help: "secure, insecure, bogus or indeterminate; empty unless options.dnssec.validate is set."},
		{Name: "dnssec_reason", Type: "string", Help: "Why it is not secure."},
		{Name: "rrsig_expires_in", Type: "duration", Help: "Time until the first of the signatures ends that were relied on, or came along."},
		{Name: "serials", Type: "map(string, dyn)", Help: "Serial number by name server and address, with options.serial_consistency."},
		{Name: "consistent", Type: "bool", Help: "Whether all name servers of the zone have the same serial number; true without options.serial_consistency."},
		{Name: "by_server", Type: "map(string, dyn)", Help: "What each of options.servers said: rcode, answers, ttl, latency_ms, and error where it said nothing."},
		{Name: "agree", Type: "bool", Help: "Whether all of options.servers said the same; true of one."},
		{Name: "latency", Type: "duration", Help: "Time from asking to the answer."},
		{Name: "latency_ms", Type: "double", Help: "The same in milliseconds."},
		{Name: "timings", Type: "map(string, double)", Help: "Phases in milliseconds: connect_ms, tls_ms, first_byte_ms."},
		{Name: "server", Type: "string", Help: "Server that answered, host:port or URL, or the file of the system's own names."},
		{Name: "transport", Type: "string", Help: "By what it answered: udp, tcp, dot or doh; empty for the system's own names."},
		{Name: "tls_version", Type: "string", Help: "TLS 1.3 or TLS 1.2; empty without TLS."},
		{Name: "certificate", Type: "map(string, dyn)", Help: "Of the server: subject, issuer, names, serial, key, signature, sha256, not_before, not_after, expires_in. Empty without TLS."},
	}
}

// Prepare implements executor.Executor.
func (e Executor) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) {
	return e.prepare(d)
}

// Attempt implements executor.Probe.
func (p *probe) Attempt(ctx context.Context, tools executor.Tools) executor.Observation {
	if len(p.servers) == 0 {
		return p.askSystem(ctx, tools)
	}
	servers, err := p.filled(tools)
	switch {
	case err != nil:
		return executor.Observation{Err: err}
	case len(servers) > 1:
		return p.compare(ctx, tools, servers)
	}
	var spending budget
	c := p.client(tools, p.dialer(tools), servers[0], &spending)
	defer c.Close()
	begun := time.Now()
	a, err := c.ask(ctx, p.own())
	if err != nil {
		return executor.Observation{Err: err, Latency: time.Since(begun), Observed: map[string]any{"server": c.server}}
	}
	return p.further(ctx, tools, c, a)
}

// further asks what an answer gives rise to: for signatures, and the servers of the zone.
func (p *probe) further(ctx context.Context, tools executor.Tools, c *client, a answer) executor.Observation {
	if !p.options.DNSSEC.Validate && !p.options.SerialConsistency {
		return p.observe(ctx, a, a.latency)
	}
	l, err := p.look(a, a.latency)
	if err == nil && p.options.DNSSEC.Validate {
		err = p.validate(ctx, c, l)
	}
	if err == nil && p.options.SerialConsistency {
		l.zone, err = p.serials(ctx, tools, c)
	}
	if err != nil {
		return executor.Observation{Err: err, Latency: a.latency, Timings: a.timings, Observed: map[string]any{"rcode": rcodeOf(a.Msg), "server": a.server}}
	}
	return p.observation(ctx, l)
}

// filled are the servers with their secrets put in.
func (p *probe) filled(tools executor.Tools) ([]string, error) {
	servers := make([]string, len(p.servers))
	for i, text := range p.servers {
		server, err := tools.Secret(text)
		if err != nil {
			return nil, err
		}
		if server != text {
			var problem string
			if server, problem = serverOf(server, p.options.Transport); problem != "" || strings.Contains(server, "secret://") {
				return nil, fmt.Errorf("%w: with its secrets put in, the server is not %s", executor.ErrSecret, wanted(p.options.Transport))
			}
		}
		servers[i] = server
	}
	return servers, nil
}

func wanted(transport string) string {
	if transport == byDoH {
		return "a URL by https"
	}
	return "host:port"
}

// dialer connects as the options say and the runner's policy permits.
func (p *probe) dialer(tools executor.Tools) dialer { return p.way.Dialer(tools) }
