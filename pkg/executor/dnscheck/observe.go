package dnscheck

import (
	"context"
	"fmt"
	"maps"
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
	values, observed := p.values(l), p.observed(l)
	if l.tls != nil {
		secure.Observe(l.tls, values, observed)
		if p.options.TLS.SkipVerify {
			observed["warning"] = "the certificate is not verified (options.tls.skip_verify): the answers may be anyone's"
		}
	}
	return executor.Observation{Values: values, Observed: observed, Timings: l.timings, Latency: l.latency, Verdict: verdict, WarnUnless: p.options.Warning, Err: err}
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

// blank are the variables of assertions of an attempt that saw nothing: each has a value of its type.
func blank() map[string]any {
	none := map[string]any{}
	return map[string]any{
		"rcode": "", "answers": []string{}, "ttl": 0, "server": "", "transport": "", "latency": time.Duration(0), "latency_ms": 0.0, "cname": []string{},
		"flags": nil, "records": nil, "authority": nil, "additional": nil, "timings": nil, "rrsig_expires_in": nil, // always set
		"tls_version": "", "certificate": none, "dnssec": "", "dnssec_reason": "", "agree": true, "consistent": true, "by_server": none, "serials": none,
	}
}

// values are the variables of assertions; what takes work is made when it is asked for. A copy of all
// the names costs less than to put them in one after another.
func (p *probe) values(l *look) map[string]any {
	values := maps.Clone(p.blank)
	values["rcode"], values["answers"], values["ttl"], values["server"], values["transport"] = rcodeOf(l.Msg), l.answers, int(l.ttl), l.server, l.transport
	values["latency"], values["latency_ms"] = l.latency, milliseconds(l.latency)
	if len(l.aliases) > 0 {
		values["cname"] = l.aliases
	}
	values["flags"] = func() any { return flagsOf(l.Msg) }
	values["records"] = func() any { return section(l.Answer) }
	values["authority"] = func() any { return section(l.Ns) }
	values["additional"] = func() any { return section(l.Extra) }
	values["timings"] = func() any { return endpoint.TimingsMap(l.timings) }
	values["rrsig_expires_in"] = func() any { return expiresIn(l, time.Now()) }
	if l.signed != nil {
		values["dnssec"], values["dnssec_reason"] = string(l.signed.Status), l.signed.Reason
	}
	if l.peers != nil {
		values["agree"], values["by_server"] = l.peers.problem == "", l.peers.values()
	}
	if l.zone != nil {
		values["consistent"], values["serials"] = l.zone.problem == "", l.zone.serials()
	}
	return values
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
