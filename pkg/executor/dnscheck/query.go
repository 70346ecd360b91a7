package dnscheck

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// question is one to a server.
type question struct {
	name   string
	qtype  uint16
	qclass uint16
	flags  Flags
	// signed asks for signatures.
	signed bool
}

// own is the question of the definition. To validate an answer it takes one that the server may find
// wrong, so that the check can say why.
func (p *probe) own() question {
	q := question{name: p.name, qtype: p.qtype, qclass: p.qclass, flags: p.options.Flags, signed: p.options.EDNS.DNSSECOK}
	if p.options.DNSSEC.Validate {
		q.flags.CheckingDisabled, q.signed = true, true
	}
	return q
}

// message makes the query of a question.
func (p *probe) message(q question) *dns.Msg {
	m := new(dns.Msg)
	m.Id = dns.Id()
	m.RecursionDesired, m.CheckingDisabled, m.AuthenticatedData = q.flags.RecursionDesired, q.flags.CheckingDisabled, q.flags.AuthenticatedData
	m.Question = []dns.Question{{Name: q.name, Qtype: q.qtype, Qclass: q.qclass}}
	m.SetEdns0(uint16(p.options.EDNS.Size), q.signed)
	if p.subnet.IsValid() {
		family := uint16(1)
		if p.subnet.Addr().Is6() {
			family = 2
		}
		opt := m.IsEdns0()
		opt.Option = append(opt.Option, &dns.EDNS0_SUBNET{
			Code: dns.EDNS0SUBNET, Family: family, SourceNetmask: uint8(p.subnet.Bits()), Address: p.subnet.Addr().AsSlice(),
		})
	}
	return m
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
	if len(reply.Question) != 1 || reply.Question[0].Qtype != asked.Qtype || reply.Question[0].Qclass != asked.Qclass || !strings.EqualFold(reply.Question[0].Name, asked.Name) {
		return "it is about another question"
	}
	return ""
}

// flagsOf are the flags of an answer, as dig shows them.
func flagsOf(m *dns.Msg) []string {
	flags := make([]string, 0, 7)
	for _, flag := range []struct {
		set  bool
		name string
	}{
		{m.Response, "qr"}, {m.Authoritative, "aa"}, {m.Truncated, "tc"}, {m.RecursionDesired, "rd"},
		{m.RecursionAvailable, "ra"}, {m.AuthenticatedData, "ad"}, {m.CheckingDisabled, "cd"},
	} {
		if flag.set {
			flags = append(flags, flag.name)
		}
	}
	return flags
}

// rcodeOf names the code of an answer.
func rcodeOf(m *dns.Msg) string {
	if name, known := dns.RcodeToString[m.Rcode]; known {
		return name
	}
	return fmt.Sprintf("RCODE%d", m.Rcode)
}
