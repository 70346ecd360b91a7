package dnscheck

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/dnscheck/dnssec"
	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/executor/secure"
)

// maxAnswers bounds what a result keeps of a list.
const maxAnswers = 20

// look is all that an attempt saw.
type look struct {
	answer
	latency time.Duration
	aliases []string
	end     string
	answers []string
	ttl     uint32
	// signed is what validation came to, nil without; peers and zone are what other servers said.
	signed *dnssec.Verdict
	peers  *peers
	zone   *zone
	// secured are the values of variables about TLS, where there is any.
	secured map[string]any
}

// look reads an answer.
func (p *probe) look(a answer, latency time.Duration) (*look, error) {
	l := &look{answer: a, latency: latency}
	var err error
	if l.aliases, l.end, err = p.chain(a.Msg); err != nil {
		return nil, err
	}
	l.answers, l.ttl = p.records(a.Msg, l.end)
	return l, nil
}

// observe is the observation of an answer; a chain of aliases that has no end is a failure.
func (p *probe) observe(ctx context.Context, a answer, latency time.Duration) executor.Observation {
	l, err := p.look(a, latency)
	if err != nil {
		return executor.Observation{Err: err, Latency: latency, Timings: a.timings, Observed: map[string]any{"rcode": rcodeOf(a.Msg), "server": a.server}}
	}
	return p.observation(ctx, l)
}

func (p *probe) observation(ctx context.Context, l *look) executor.Observation {
	verdict, err := p.judge(ctx, l)
	observed := p.observed(l)
	if l.tls != nil {
		l.secured = make(map[string]any)
		secure.Observe(l.tls, l.secured, observed)
		if p.options.TLS.SkipVerify {
			observed["warning"] = "the certificate is not verified (options.tls.skip_verify): the answers may be anyone's"
		}
	}
	return executor.Observation{Values: l.value, Observed: observed, Timings: l.timings, Latency: l.latency, Verdict: verdict, WarnUnless: p.options.Warning, Err: err}
}

// judge says what is wrong, first of all when servers differ: then it depends on whom one asks.
func (p *probe) judge(ctx context.Context, l *look) (verdict string, err error) {
	if verdict = peersVerdict(l); verdict == "" {
		verdict, err = p.verdict(ctx, l)
	}
	for _, more := range []func(*look) string{p.signedVerdict, zoneVerdict} {
		if verdict == "" {
			verdict = more(l)
		}
	}
	return verdict, err
}

// value is that of a variable of assertions. Most checks ask for few of them, so that they are not put
// together before.
func (l *look) value(name string) (any, bool) {
	switch name {
	case "rcode":
		return rcodeOf(l.Msg), true
	case "answers":
		return l.answers, true
	case "ttl":
		return int(l.ttl), true
	case "cname":
		return append([]string{}, l.aliases...), true
	case "flags":
		return flagsOf(l.Msg), true
	case "records":
		return section(l.Answer), true
	case "authority":
		return section(l.Ns), true
	case "additional":
		return section(l.Extra), true
	case "rrsig_expires_in":
		return expiresIn(l, time.Now()), true
	case "latency":
		return l.latency, true
	case "latency_ms":
		return milliseconds(l.latency), true
	case "timings":
		return endpoint.TimingsMap(l.timings), true
	case "server":
		return l.server, true
	case "transport":
		return l.transport, true
	}
	return l.furtherValue(name)
}

// furtherValue is that of a variable about what only some checks look at; of the others it is an empty
// one of its type.
func (l *look) furtherValue(name string) (any, bool) {
	switch name {
	case "dnssec":
		if l.signed != nil {
			return string(l.signed.Status), true
		}
		return "", true
	case "dnssec_reason":
		if l.signed != nil {
			return l.signed.Reason, true
		}
		return "", true
	case "agree":
		return l.peers == nil || l.peers.problem == "", true
	case "by_server":
		if l.peers != nil {
			return l.peers.values(), true
		}
		return map[string]any{}, true
	case "consistent":
		return l.zone == nil || l.zone.problem == "", true
	case "serials":
		if l.zone != nil {
			return l.zone.serials(), true
		}
		return map[string]any{}, true
	case "tls_version":
		if l.tls != nil {
			return l.secured["tls_version"], true
		}
		return "", true
	case "certificate":
		if l.tls != nil {
			return l.secured["certificate"], true
		}
		return map[string]any{}, true
	}
	return nil, false
}

// observed is what the result keeps.
func (p *probe) observed(l *look) map[string]any {
	observed := map[string]any{"rcode": rcodeOf(l.Msg), "answers": l.answers[:min(len(l.answers), maxAnswers)], "ttl": l.ttl, "server": l.server}
	if len(l.answers) > maxAnswers {
		observed["answers_total"] = len(l.answers)
	}
	if l.transport != p.options.Transport && l.transport != "" {
		observed["transport"] = l.transport
	}
	if len(l.aliases) > 0 {
		observed["cname"] = l.aliases
	}
	if l.signed != nil {
		observed["dnssec"] = string(l.signed.Status)
		if l.signed.Reason != "" {
			observed["dnssec_reason"] = strings.ToValidUTF8(l.signed.Reason, "�")
		}
		if !l.signed.Expires.IsZero() {
			observed["signed_until"] = l.signed.Expires.Format(time.RFC3339)
		}
	}
	if l.peers != nil {
		l.peers.observe(observed)
	}
	if l.zone != nil {
		l.zone.observe(observed)
	}
	return observed
}

// expiresIn is how long the signatures of an answer are good for: those that validation relied on, or
// those that came along.
func expiresIn(l *look, now time.Time) any {
	if l.signed != nil && !l.signed.Expires.IsZero() {
		return l.signed.Expires.Sub(now)
	}
	var first *time.Duration
	for _, record := range l.Answer {
		if sig, ok := record.(*dns.RRSIG); ok {
			left := dnssec.Expiry(sig, now).Sub(now)
			if first == nil || left < *first {
				first = &left
			}
		}
	}
	if first == nil {
		return assertion.Missing("there is no signature: set options.dnssec.validate or options.edns.dnssec_ok, if the zone is signed")
	}
	return *first
}

// records returns the data of the records asked for at the end of the aliases, sorted, and the least
// time to live.
func (p *probe) records(message *dns.Msg, end string) (answers []string, ttl uint32) {
	answers = make([]string, 0, len(message.Answer))
	for _, record := range message.Answer {
		header := record.Header()
		ofType := header.Rrtype == p.qtype || p.qtype == dns.TypeANY
		ofClass := header.Class == p.qclass || p.qclass == dns.ClassANY
		if !ofType || !ofClass || !strings.EqualFold(header.Name, end) {
			continue
		}
		if len(answers) == 0 || header.Ttl < ttl {
			ttl = header.Ttl
		}
		answers = append(answers, strings.ToValidUTF8(dataOf(record), "�"))
	}
	slices.Sort(answers)
	return answers, ttl
}

// dataOf is what dig +short shows of a record.
func dataOf(record dns.RR) string {
	switch record := record.(type) {
	case *dns.A: // the usual ones, without the detour of the others
		return record.A.String()
	case *dns.RFC3597:
		return fmt.Sprintf(`\# %d %s`, len(record.Rdata)/2, record.Rdata)
	}
	return strings.TrimSpace(strings.TrimPrefix(record.String(), record.Header().String()))
}

// section is a part of an answer as assertions see it, without the pseudo-record of EDNS.
func section(records []dns.RR) []map[string]any {
	seen := make([]map[string]any, 0, len(records))
	for _, record := range records {
		header := record.Header()
		if header.Rrtype == dns.TypeOPT {
			continue
		}
		seen = append(seen, map[string]any{
			"name": strings.ToValidUTF8(header.Name, "�"), "type": dns.Type(header.Rrtype).String(), "class": dns.Class(header.Class).String(),
			"ttl": int(header.Ttl), "data": strings.ToValidUTF8(dataOf(record), "�"),
		})
	}
	return seen
}
