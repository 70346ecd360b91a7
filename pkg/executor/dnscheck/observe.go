package dnscheck

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/pkg/executor"
)

// maxAnswers bounds what a result keeps.
const maxAnswers = 20

func (p *probe) observe(a answer, latency time.Duration) executor.Observation {
	rcode, known := dns.RcodeToString[a.Rcode]
	if !known {
		rcode = fmt.Sprintf("RCODE%d", a.Rcode)
	}
	answers, ttl := p.records(a.Msg)
	observed := map[string]any{"rcode": rcode, "answers": answers[:min(len(answers), maxAnswers)], "ttl": ttl, "server": a.server}
	if len(answers) > maxAnswers {
		observed["answers_total"] = len(answers)
	}
	return executor.Observation{
		Values: map[string]any{
			"rcode": rcode, "answers": answers, "ttl": int(ttl), "server": a.server,
			"latency": latency, "latency_ms": milliseconds(latency),
		},
		Observed: observed, Timings: a.timings, Latency: latency,
		Verdict: p.verdict(rcode, answers),
	}
}

// records returns the data of the records asked for, sorted, and the least time to live.
func (p *probe) records(message *dns.Msg) (answers []string, ttl uint32) {
	answers = make([]string, 0, len(message.Answer))
	for _, record := range message.Answer {
		header := record.Header()
		if header.Rrtype != p.qtype && p.qtype != dns.TypeANY {
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

func (p *probe) verdict(rcode string, answers []string) string {
	expected := p.options.Expect.Answers
	switch {
	case rcode != dns.RcodeToString[dns.RcodeSuccess]:
		return "the server answered " + rcode
	case len(answers) == 0:
		return "no " + p.options.Type + " record"
	case len(expected) == 0:
		return ""
	}
	found := 0
	for _, want := range expected {
		if slices.ContainsFunc(answers, func(have string) bool { return same(have, want) }) {
			found++
		}
	}
	surplus := slices.ContainsFunc(answers, func(have string) bool {
		return !slices.ContainsFunc(expected, func(want string) bool { return same(have, want) })
	})
	ok := found > 0
	switch p.options.Expect.Match {
	case "all":
		ok = found == len(expected)
	case "exact":
		ok = found == len(expected) && !surplus
	}
	if ok {
		return ""
	}
	return fmt.Sprintf("answers are %s, expected %s of %s", shortened(answers), p.options.Expect.Match, shortened(expected))
}

func shortened(texts []string) string {
	const most = 8
	if len(texts) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(texts[:most], ", "), len(texts)-most)
	}
	return strings.Join(texts, ", ")
}

// same compares record data as DNS does: addresses by value, texts with or without their quotes,
// names without regard to case and the final dot.
func same(have, want string) bool {
	want = strings.TrimSpace(want)
	if a, err := netip.ParseAddr(have); err == nil {
		b, err := netip.ParseAddr(want)
		return err == nil && a == b
	}
	if strings.HasPrefix(have, `"`) {
		return have == want || unquoted(have) == unquoted(want)
	}
	return strings.EqualFold(strings.TrimSuffix(have, "."), strings.TrimSuffix(want, "."))
}

// unquoted joins the strings of a TXT record.
func unquoted(text string) string {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return text
	}
	return strings.ReplaceAll(text[1:len(text)-1], `" "`, "")
}
