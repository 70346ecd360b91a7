package dnscheck

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/idna"

	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

// Options of a dns check.
type Options struct {
	Type      string `json:"type" default:"A" example:"MX" help:"Record type to ask for: A, AAAA, CNAME, MX, NS, TXT, SOA, SRV, …"`
	Server    string `json:"server" example:"192.0.2.53:53" help:"Server to ask, host:port; when empty, as the runner's system does."`
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
	system  *system
}

func (e Executor) prepare(d monitor.Definition) (*probe, monitor.Problems) {
	var o Options
	problems := option.Decode(d.Options, &o)
	o.Type = strings.ToUpper(o.Type)
	qtype, ok := typeOf(o.Type)
	if !ok && o.Type != "" { // else reported already
		problems.Add("options.type", "%q is no record type: use A, AAAA, CNAME, MX, NS, TXT, SOA, SRV, …", clip(o.Type))
	}
	name, problem := nameOf(d.Target, qtype)
	if problem != "" && d.Target != "" { // an empty one is reported as missing already
		problems.Add("target", "%s", problem)
	}
	if o.Server != "" {
		server, problem := serverOf(o.Server)
		if problem != "" {
			problems.Add("options.server", "%s", problem)
		}
		o.Server = server
	}
	const answers = "options.expect.answers"
	if !slices.ContainsFunc(problems, func(p monitor.Problem) bool { return p.Field == answers }) {
		checkAnswers(&problems, answers, qtype, o.Expect.Answers)
	}
	return &probe{options: o, name: name, qtype: qtype, system: e.system}, problems
}

// typeOf knows the types of records that can be asked for; those of the protocol itself cannot.
func typeOf(text string) (uint16, bool) {
	t, ok := dns.StringToType[text]
	switch t {
	case dns.TypeNone, dns.TypeOPT, dns.TypeTSIG, dns.TypeTKEY:
		return t, false
	case dns.TypeANY:
		return t, true
	}
	_, record := dns.TypeToRR[t]
	return t, ok && record
}

// nameOf is the name to ask for: a target with letters of all the world in the form that DNS knows,
// and for PTR an address as the name under which it is looked up.
func nameOf(target string, qtype uint16) (name, problem string) {
	const cure = "is no domain name: use one such as example.org, without scheme, port and path"
	if address, err := netip.ParseAddr(target); err == nil {
		if qtype != dns.TypePTR {
			return "", fmt.Sprintf("is an address: use a domain name, or type PTR to look up the name of %s", address)
		}
		reverse, err := dns.ReverseAddr(address.WithZone("").String())
		if err != nil {
			return "", cure
		}
		return reverse, ""
	}
	if strings.ContainsAny(target, " /:@?#\t\n\\") {
		return "", cure
	}
	ascii, err := idna.Punycode.ToASCII(target)
	if err != nil {
		return "", cure
	}
	if _, ok := dns.IsDomainName(ascii); !ok {
		return "", cure
	}
	return dns.Fqdn(ascii), ""
}

// serverOf completes a server with the usual port.
func serverOf(text string) (server, problem string) {
	const cure = "use host:port, such as 192.0.2.53:53 or [2001:db8::53]:53"
	if address, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return net.JoinHostPort(address.String(), "53"), ""
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = text, "53"
	}
	// A secret may stand for the whole of it.
	if n, err := strconv.ParseUint(port, 10, 16); (err != nil || n == 0) && !strings.Contains(text, "secret://") {
		return "", fmt.Sprintf("%q has a port that is none: %s", clip(text), cure)
	}
	if strings.Contains(text, "secret://") {
		return text, ""
	}
	if _, err := netip.ParseAddr(host); err != nil && (host == "" || strings.ContainsAny(host, " /:@?#\t\n")) {
		return "", fmt.Sprintf("%q is no server: %s", clip(text), cure)
	}
	return net.JoinHostPort(host, port), ""
}

// checkAnswers reports expected addresses that no record of the type can hold.
func checkAnswers(problems *monitor.Problems, field string, qtype uint16, answers []string) {
	for i, text := range answers {
		field := fmt.Sprintf("%s[%d]", field, i)
		address, err := netip.ParseAddr(text)
		switch {
		case strings.TrimSpace(text) == "":
			problems.Add(field, "is empty: leave it out")
		case qtype == dns.TypeA && (err != nil || !address.Is4()):
			problems.Add(field, "%q is no IPv4 address, as A records hold: use one such as 192.0.2.1", clip(text))
		case qtype == dns.TypeAAAA && (err != nil || !address.Is6()):
			problems.Add(field, "%q is no IPv6 address, as AAAA records hold: use one such as 2001:db8::1", clip(text))
		}
	}
}

func clip(text string) string {
	if len(text) <= 80 {
		return text
	}
	return strings.ToValidUTF8(text[:80], "") + "…"
}
