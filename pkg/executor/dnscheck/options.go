package dnscheck

import (
	"net"
	"strings"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

// Options of a dns check.
type Options struct {
	Type      string `json:"type" default:"A" example:"MX" help:"Record type to ask for: A, AAAA, CNAME, MX, NS, TXT, SOA, SRV, …"`
	Server    string `json:"server" example:"192.0.2.53:53" help:"Server to ask, host:port; the system's when empty."`
	Transport string `json:"transport" default:"udp" enum:"udp,tcp" help:"udp falls back to tcp for an answer that does not fit."`
	Expect    Expect `json:"expect" help:"What the answer must hold."`
}

// Expect says what the answer must hold.
type Expect struct {
	Answers []string `json:"answers" example:"[\"192.0.2.1\"]" help:"Data of the records, as dig +short shows it."`
	Match   string   `json:"match" default:"any" enum:"any,all,exact" help:"any: one of them; all: each of them; exact: those and no others."`
}

// probe is a prepared check.
type probe struct {
	options Options
	name    string
	qtype   uint16
}

func prepare(d monitor.Definition) (*probe, monitor.Problems) {
	var o Options
	problems := option.Decode(d.Options, &o)
	if _, ok := dns.IsDomainName(d.Target); !ok && d.Target != "" {
		problems.Add("target", "%q is no domain name: use one such as example.org", d.Target)
	}
	if strings.Contains(d.Target, "://") || strings.ContainsAny(d.Target, " /") {
		problems.Add("target", "is no domain name: use one such as example.org, without scheme and path")
	}
	qtype, ok := dns.StringToType[strings.ToUpper(o.Type)]
	if !ok {
		problems.Add("options.type", "%q is no record type: use A, AAAA, CNAME, MX, NS, TXT, SOA, SRV, …", o.Type)
	}
	if o.Server != "" {
		if _, _, err := net.SplitHostPort(o.Server); err != nil {
			// A bare address or name is asked on the usual port.
			host := strings.Trim(o.Server, "[]")
			if strings.ContainsAny(host, " /") {
				problems.Add("options.server", "%q is no server: use host:port, such as 192.0.2.53:53", o.Server)
			}
			o.Server = net.JoinHostPort(host, "53")
		}
	}
	return &probe{options: o, name: dns.Fqdn(d.Target), qtype: qtype}, problems
}
