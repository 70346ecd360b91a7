package dnssec

import (
	"bytes"

	"github.com/miekg/dns"
)

// parent is the name without its first label; that of the root is the root.
func parent(name string) string {
	if at, end := dns.NextLabel(name, 0); !end {
		return name[at:]
	}
	return "."
}

// below returns the ancestor of name, or name itself, that has one label more than above, an ancestor.
func below(name, above string) string {
	starts := dns.Split(name)
	return name[starts[len(starts)-dns.CountLabel(above)-1]:]
}

// within reports whether a name is at or below another.
func within(name, ancestor string) bool { return dns.IsSubDomain(ancestor, name) }

// labels is how many labels a signature counts of a name: the asterisk is none (RFC 4034, 3.1.3).
func labels(name string) int {
	n := dns.CountLabel(name)
	if len(name) > 1 && name[0] == '*' && name[1] == '.' {
		n--
	}
	return n
}

// wildcard is the name that stands for those below a name that are not there.
func wildcard(encloser string) string {
	if encloser == "." {
		return "*."
	}
	return "*." + encloser
}

// order compares names as zones are sorted: by label from the right, as bytes, shorter ones first
// (RFC 4034, 6.1).
func order(a, b string) int {
	left, right := wire(a), wire(b)
	for i := 1; ; i++ {
		switch {
		case i > len(left) && i > len(right):
			return 0
		case i > len(left):
			return -1
		case i > len(right):
			return 1
		}
		if c := bytes.Compare(left[len(left)-i], right[len(right)-i]); c != 0 {
			return c
		}
	}
}

// wire returns the labels of a name as they are sent, in lower case.
func wire(name string) [][]byte {
	const longest = 255
	raw := make([]byte, longest)
	end, err := dns.PackDomainName(dns.CanonicalName(name), raw, 0, nil, false)
	if err != nil {
		return nil
	}
	var labels [][]byte
	for at := 0; at < end && raw[at] != 0; at += int(raw[at]) + 1 {
		labels = append(labels, raw[at+1:at+1+int(raw[at])])
	}
	return labels
}

// common is the closest name that both are at or below.
func common(a, b string) string {
	for at := a; ; at = parent(at) {
		if within(b, at) {
			return at
		}
	}
}
