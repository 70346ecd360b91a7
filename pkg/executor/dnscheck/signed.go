package dnscheck

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/dnscheck/dnssec"
)

// validate judges the signatures of an answer, asking the server that gave it for what that takes.
func (p *probe) validate(ctx context.Context, c *client, l *look) error {
	lookup := func(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
		a, err := c.patiently(ctx, question{
			name: name, qtype: qtype, qclass: dns.ClassINET, signed: true,
			flags: Flags{RecursionDesired: p.options.Flags.RecursionDesired, CheckingDisabled: true},
		})
		return a.Msg, err
	}
	verdict, err := dnssec.Validate(ctx, lookup, p.anchors, dns.Question{Name: p.name, Qtype: p.qtype, Qclass: p.qclass}, l.Msg, time.Now())
	if verdict.Status == dnssec.Secure && !p.follows(l, verdict.Aliases) {
		verdict.Status, verdict.Reason = dnssec.Bogus, "the answer holds aliases that are not signed"
	}
	l.signed = &verdict
	if err != nil {
		return executor.Explain(err, "while validating the signatures")
	}
	return nil
}

// follows reports whether the records that count are those that were validated: a forged alias beside
// what is signed would lead elsewhere.
func (p *probe) follows(l *look, validated []string) bool {
	if p.qtype == dns.TypeCNAME {
		return len(validated) == 0
	}
	return slices.EqualFunc(l.aliases, validated, strings.EqualFold)
}

func (p *probe) signedVerdict(l *look) string {
	if l.signed == nil || string(l.signed.Status) == p.options.DNSSEC.Expect {
		return ""
	}
	text := "DNSSEC is " + string(l.signed.Status) + ", expected " + p.options.DNSSEC.Expect
	if l.signed.Status == dnssec.Indeterminate {
		text = "DNSSEC cannot be validated"
	}
	if l.signed.Reason != "" {
		text += ": " + l.signed.Reason
	}
	return text
}
