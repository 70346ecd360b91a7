package dnscheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// maxAliases bounds a chain of aliases.
const maxAliases = 16

// chain follows the aliases of a name through an answer: those it goes by, as dig shows them, and the
// name whose records count, which is the one at their end. A chain that comes back to itself, or has no
// end, is refused. Where aliases are what was asked for, none is followed.
func (p *probe) chain(m *dns.Msg) (aliases []string, end string, err error) {
	end = p.name
	for {
		target := aliasOf(m, end)
		switch {
		case target == "" || p.qtype == dns.TypeANY:
			return aliases, end, nil
		case p.qtype == dns.TypeCNAME:
			return []string{strings.ToValidUTF8(target, "�")}, end, nil
		}
		aliases = append(aliases, strings.ToValidUTF8(target, "�"))
		if strings.EqualFold(target, p.name) || containsName(aliases[:len(aliases)-1], target) {
			return nil, "", fmt.Errorf("the answer's aliases lead in a circle: %s → %s", shownName(p.name), shortenedChain(aliases))
		}
		if len(aliases) > maxAliases {
			return nil, "", fmt.Errorf("the answer has more than %d aliases one after another: %s → %s", maxAliases, shownName(p.name), shortenedChain(aliases))
		}
		end = target
	}
}

func aliasOf(m *dns.Msg, name string) string {
	for _, record := range m.Answer {
		if c, ok := record.(*dns.CNAME); ok && strings.EqualFold(c.Hdr.Name, name) {
			return c.Target
		}
	}
	return ""
}

func containsName(names []string, name string) bool {
	return slices.ContainsFunc(names, func(other string) bool { return strings.EqualFold(other, name) })
}

func shortenedChain(aliases []string) string {
	const most = 5
	if len(aliases) > most {
		return strings.Join(aliases[:most], " → ") + " → …"
	}
	return strings.Join(aliases, " → ")
}

// shownName is a name as texts have it: without the final dot.
func shownName(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}
