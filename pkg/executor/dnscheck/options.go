package dnscheck

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/idna"

	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/dnscheck/dnssec"
	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/executor/route"
	"github.com/vedette/vedette/pkg/executor/secure"
	"github.com/vedette/vedette/pkg/monitor"
)

// Options of a dns check.
type Options struct {
	Type      string         `json:"type" group:"Question" default:"A" example:"MX" help:"Record type to ask for: A, AAAA, CNAME, MX, NS, TXT, SOA, SRV, …, ANY, or TYPE and its number."`
	Class     string         `json:"class" group:"Question" default:"IN" example:"CH" help:"Class of the records: IN, CH, HS, ANY, or CLASS and its number."`
	Flags     Flags          `json:"flags" group:"Question" help:"Flags of the question."`
	EDNS      EDNS           `json:"edns" group:"Question" help:"Extensions of the question."`
	Server    string         `json:"server" group:"Server" example:"192.0.2.53:53" help:"Server to ask, host:port, or the URL of one by doh; when empty, as the runner's system does."`
	Servers   []string       `json:"servers" group:"Server" example:"[\"192.0.2.53\", \"198.51.100.53\"]" help:"Several servers to ask, which all have to answer the same."`
	Transport string         `json:"transport" group:"Server" default:"udp" enum:"udp,tcp,dot,doh" help:"udp falls back to tcp for an answer that does not fit; dot is DNS over TLS, doh DNS over HTTPS."`
	DoHMethod string         `json:"doh_method" group:"Server" default:"POST" enum:"POST,GET" help:"How a question is sent by doh."`
	TLS       secure.Options `json:"tls" group:"Server" help:"How the server is verified by dot and doh."`
	Expect    Expect         `json:"expect" group:"Answer" help:"What the answer must hold."`
	DNSSEC    DNSSEC         `json:"dnssec" group:"Answer" help:"Whether the answer is signed, from a trust anchor down."`
	Warning   []string       `json:"warning" group:"Answer" example:"[\"ttl >= 60\"]" help:"Assertions that have to hold as well, else a good answer is degraded."`
	// SerialConsistency is of the zone that the target is.
	SerialConsistency bool `json:"serial_consistency" group:"Answer" default:"false" help:"Ask all name servers of the zone that the target is for its serial number, and want the same of each. Needs type SOA."`

	IPVersion     string `json:"ip_version" group:"Network" default:"any" enum:"any,4,6,prefer4,prefer6" help:"Version of IP to go to servers by: any, only 4 or 6, or one of them before the other."`
	SourceAddress string `json:"source_address" group:"Network" example:"192.0.2.7" help:"Address of the runner's machine to go from, instead of the one that its system chooses."`
}

// Flags of the question.
type Flags struct {
	RecursionDesired  bool `json:"recursion_desired" default:"true" help:"RD: have the server find out what it does not know."`
	CheckingDisabled  bool `json:"checking_disabled" default:"false" help:"CD: have the server answer although it finds the signatures wrong."`
	AuthenticatedData bool `json:"authenticated_data" default:"false" help:"AD: have the server say whether it found the signatures right."`
}

// EDNS says what extensions of the question hold.
type EDNS struct {
	Size         int    `json:"size" default:"1232" min:"512" max:"4096" help:"Bytes of an answer by UDP that are taken."`
	ClientSubnet string `json:"client_subnet" example:"192.0.2.0/24" help:"Network on behalf of which to ask, for servers that answer by place."`
	DNSSECOK     bool   `json:"dnssec_ok" default:"false" help:"DO: have the server send signatures along."`
}

// Expect says what the answer must hold.
type Expect struct {
	Rcode    string   `json:"rcode" default:"NOERROR" example:"NXDOMAIN" help:"Code that the server has to answer. Of others than NOERROR no records are wanted."`
	Answers  []string `json:"answers" example:"[\"192.0.2.1\"]" help:"Data of the records, as dig +short shows it."`
	Patterns []string `json:"patterns" example:"[\"^10 mx[0-9]\"]" help:"Regular expressions (RE2) that data of the records matches, beside answers."`
	Match    string   `json:"match" default:"any" enum:"any,all,exact" help:"any: one of them; all: each of them; exact: those and no others, in any order."`
	MinTTL   int      `json:"min_ttl" default:"0" min:"0" max:"2147483647" help:"Least time to live of the records, in seconds."`
}

// DNSSEC says how signatures are judged.
type DNSSEC struct {
	Validate bool     `json:"validate" default:"false" help:"Whether to validate the answer: its signatures, those of the keys that made them, and so on up to a trust anchor."`
	Anchors  []string `json:"trust_anchors" help:"Keys to trust instead of the root zone's, as DS or DNSKEY records of a zone file: example.org. DS 12345 13 2 …"`
	Expect   string   `json:"expect" default:"secure" enum:"secure,insecure,bogus" help:"What validation has to come to: secure; insecure, which is proven not to be signed; bogus, which is signed wrongly."`
}

// The values of Options.Transport.
const (
	byUDP, byTCP, byDoT, byDoH = "udp", "tcp", "dot", "doh"
)

// probe is a prepared check.
type probe struct {
	options  Options
	name     string
	qtype    uint16
	qclass   uint16
	rcode    int
	servers  []string
	subnet   netip.Prefix
	patterns []*regexp.Regexp
	anchors  dnssec.Anchors
	secure   *secure.Client
	way      route.Route
	system   *system
}

func (e Executor) prepare(d monitor.Definition) (*probe, monitor.Problems) {
	p := &probe{system: e.system}
	o := &p.options
	problems := option.Decode(d.Options, o)
	o.Type, o.Class, o.Expect.Rcode = strings.ToUpper(o.Type), strings.ToUpper(o.Class), strings.ToUpper(o.Expect.Rcode)
	var ok bool
	if p.qtype, ok = typeOf(o.Type); !ok && o.Type != "" { // else reported already
		problems.Add("options.type", "%q is no record type to ask for: use A, AAAA, CNAME, MX, NS, TXT, SOA, SRV, …, or TYPE and a number", clip(o.Type))
	}
	if p.qclass, ok = classOf(o.Class); !ok && o.Class != "" {
		problems.Add("options.class", "%q is no class: use IN, CH, HS, ANY, or CLASS and a number", clip(o.Class))
	}
	if p.rcode, ok = dns.StringToRcode[o.Expect.Rcode]; !ok && o.Expect.Rcode != "" {
		problems.Add("options.expect.rcode", "%q is no code of an answer: use NOERROR, NXDOMAIN, SERVFAIL, REFUSED, …", clip(o.Expect.Rcode))
	}
	name, problem := nameOf(d.Target, p.qtype)
	if problem != "" && d.Target != "" { // an empty one is reported as missing already
		problems.Add("target", "%s", problem)
	}
	p.name = name
	way, more := route.New(route.Options{IPVersion: o.IPVersion, SourceAddress: o.SourceAddress}, route.ProxyOptions{})
	p.way, problems = way, append(problems, more...)
	p.prepareServers(&problems)
	p.prepareEDNS(&problems)
	p.prepareExpect(&problems)
	p.prepareDNSSEC(&problems)
	if !reported(problems, "options.warning") {
		assertion.Check(&problems, "options.warning", o.Warning, variables())
	}
	if o.SerialConsistency && (o.Type != "SOA" || p.qclass != dns.ClassINET) {
		problems.Add("options.serial_consistency", "needs records of type SOA and class IN: set options.type to SOA, and the target to the zone's name")
	}
	return p, problems
}

// reported says whether a field is wrong already, so that its items need no look.
func reported(problems monitor.Problems, field string) bool {
	return slices.ContainsFunc(problems, func(p monitor.Problem) bool { return p.Field == field })
}

func (p *probe) prepareEDNS(problems *monitor.Problems) {
	const field = "options.edns.client_subnet"
	text := p.options.EDNS.ClientSubnet
	if text == "" || reported(*problems, field) {
		return
	}
	subnet, err := netip.ParsePrefix(text)
	if err != nil || subnet.Addr().Is4In6() {
		problems.Add(field, "%q is no network: use one such as 192.0.2.0/24 or 2001:db8::/56", clip(text))
		return
	}
	p.subnet = subnet.Masked()
}

func (p *probe) prepareExpect(problems *monitor.Problems) {
	const answers, patterns, most = "options.expect.answers", "options.expect.patterns", 100
	expect := &p.options.Expect
	if !reported(*problems, answers) {
		checkAnswers(problems, answers, p.qtype, expect.Answers)
	}
	if reported(*problems, patterns) {
		return
	}
	if len(expect.Patterns) > most {
		problems.Add(patterns, "has %d patterns: use at most %d", len(expect.Patterns), most)
		return
	}
	for i, text := range expect.Patterns {
		pattern, problem := endpoint.ParsePattern(text)
		if problem != "" {
			problems.Add(fmt.Sprintf("%s[%d]", patterns, i), "%s", problem)
		}
		p.patterns = append(p.patterns, pattern)
	}
}

func (p *probe) prepareDNSSEC(problems *monitor.Problems) {
	const anchors, most = "options.dnssec.trust_anchors", 20
	o := p.options.DNSSEC
	p.anchors = dnssec.RootAnchors()
	if len(o.Anchors) > 0 && !reported(*problems, anchors) {
		p.anchors = dnssec.Anchors{}
		if len(o.Anchors) > most {
			problems.Add(anchors, "has %d anchors: use at most %d", len(o.Anchors), most)
			return
		}
		for i, text := range o.Anchors {
			if err := p.anchors.Add(text); err != nil {
				problems.Add(fmt.Sprintf("%s[%d]", anchors, i), "%s", err)
			}
		}
	}
	if !o.Validate {
		return
	}
	const field = "options.dnssec.validate"
	switch {
	case p.qclass != dns.ClassINET:
		problems.Add(field, "is for class IN: leave options.class out, or this")
	case p.qtype == dns.TypeRRSIG:
		problems.Add(field, "is not for signatures, which are not signed themselves: use another options.type")
	case len(p.options.Servers) > 1:
		problems.Add(field, "is for one server: use a check for each instead of options.servers")
	}
}

// typeOf knows the types of records that can be asked for; those of the protocol itself cannot
// (RFC 6895, 3.1).
func typeOf(text string) (uint16, bool) {
	t, ok := numbered(text, "TYPE", dns.StringToType)
	const firstMeta, lastMeta = 128, 255
	switch {
	case t == dns.TypeANY:
		return t, ok
	case t == dns.TypeNone, t == dns.TypeReserved, t == dns.TypeOPT, t >= firstMeta && t <= lastMeta:
		return t, false
	}
	return t, ok
}

func classOf(text string) (uint16, bool) {
	c, ok := numbered(text, "CLASS", dns.StringToClass)
	return c, ok && c != 0 && c != dns.ClassNONE
}

// numbered reads a name, or a word with a number (RFC 3597, 5).
func numbered(text, word string, names map[string]uint16) (uint16, bool) {
	if n, ok := names[text]; ok {
		return n, true
	}
	digits, ok := strings.CutPrefix(text, word)
	n, err := strconv.ParseUint(digits, 10, 16)
	return uint16(n), ok && err == nil
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
