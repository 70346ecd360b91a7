package dnscheck

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/pkg/executor/endpoint"
)

// verdict says what is wrong with an answer, by what is expected of it. The error says that ctx ended
// before that could be told.
func (p *probe) verdict(ctx context.Context, l *look) (string, error) {
	expect := &p.options.Expect
	if rcode := rcodeOf(l.Msg); l.Rcode != p.rcode {
		if p.rcode == dns.RcodeSuccess {
			return "the server answered " + rcode, nil
		}
		return "the server answered " + rcode + ", expected " + expect.Rcode, nil
	}
	if p.rcode != dns.RcodeSuccess {
		return "", nil
	}
	switch {
	case len(l.answers) == 0 && len(l.aliases) > 0:
		return "no " + p.options.Type + " record at " + shownName(l.end) + ", which is what the name is an alias for", nil
	case len(l.answers) == 0:
		return "no " + p.options.Type + " record", nil
	case int64(l.ttl) < int64(expect.MinTTL):
		return fmt.Sprintf("the time to live is %d s, expected at least %d s", l.ttl, expect.MinTTL), nil
	}
	return p.matches(ctx, l.answers)
}

// matches holds the records to the answers and patterns expected.
func (p *probe) matches(ctx context.Context, answers []string) (string, error) {
	expect := &p.options.Expect
	wanted := len(expect.Answers) + len(p.patterns)
	if wanted == 0 {
		return "", nil
	}
	found := 0
	met := make([]bool, len(answers))
	tell := func(fits func(have string) bool) error {
		hit := false
		for i, have := range answers {
			if ctx.Err() != nil {
				return fmt.Errorf("timed out while comparing the records: %w", ctx.Err())
			}
			if fits(have) {
				met[i], hit = true, true
			}
		}
		if hit {
			found++
		}
		return nil
	}
	for _, want := range expect.Answers {
		if err := tell(func(have string) bool { return same(have, want) }); err != nil {
			return "", err
		}
	}
	for _, pattern := range p.patterns {
		if err := tell(func(have string) bool { return fits(pattern, have) }); err != nil {
			return "", err
		}
	}
	ok := found > 0
	switch expect.Match {
	case "all":
		ok = found == wanted
	case "exact":
		ok = found == wanted && !slices.Contains(met, false)
	}
	if ok {
		return "", nil
	}
	return fmt.Sprintf("answers are %s, expected %s of %s", shortened(answers), expect.Match, shortened(p.expected())), nil
}

// expected are the answers and patterns, as texts have them.
func (p *probe) expected() []string {
	texts := slices.Clone(p.options.Expect.Answers)
	for _, pattern := range p.options.Expect.Patterns {
		texts = append(texts, "/"+pattern+"/")
	}
	return texts
}

// fits holds data of a record, or the first part of it, to a pattern.
func fits(pattern *regexp.Regexp, have string) bool {
	return pattern.MatchString(have[:min(len(have), endpoint.MaxReceived)])
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
