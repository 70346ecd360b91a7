package signedzone

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

const salt = "ab12"

// sortable is a name whose order as text is that of zones, for names of letters and digits.
func sortable(name string) string {
	labels := dns.SplitDomainName(strings.ToLower(name))
	slices.Reverse(labels)
	return strings.Join(labels, "\x00")
}

// owners are the names that the chain of denials goes through, in its order.
func (z *Zone) owners() []string {
	seen := make(map[string]bool)
	for _, r := range z.records {
		name := strings.ToLower(r.Header().Name)
		if z.OptOut && name != z.Name && len(z.at(name, dns.TypeNS)) > 0 && len(z.at(name, dns.TypeDS)) == 0 {
			continue
		}
		seen[name] = true
		for at := name; z.NSEC3 && at != z.Name; at = at[dns.Split(at)[1]:] {
			seen[at] = true // names that only have others below them
			if len(dns.Split(at)) < 2 {
				break
			}
		}
	}
	var names []string
	for name := range seen {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(z.place(a), z.place(b)) })
	return names
}

// place is where a name stands in the chain.
func (z *Zone) place(name string) string {
	if z.NSEC3 {
		return strings.ToLower(dns.HashName(name, dns.SHA1, z.Iterations, salt))
	}
	return sortable(name)
}

// link returns the signed record of the chain at an owner.
func (z *Zone) link(owners []string, i int) []dns.RR {
	if z.key == nil {
		return nil
	}
	owner, next := owners[i], owners[(i+1)%len(owners)]
	types := append(z.types(owner), dns.TypeRRSIG)
	if !z.NSEC3 {
		types = append(types, dns.TypeNSEC)
	}
	slices.Sort(types)
	header := dns.RR_Header{Name: owner, Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 60}
	var record dns.RR = &dns.NSEC{Hdr: header, NextDomain: next, TypeBitMap: types}
	if z.NSEC3 {
		header.Name, header.Rrtype = z.place(owner)+"."+strings.TrimPrefix(z.Name, "."), dns.TypeNSEC3
		n := &dns.NSEC3{
			Hdr: header, Hash: dns.SHA1, Iterations: z.Iterations, SaltLength: uint8(len(salt) / 2), Salt: salt,
			HashLength: 20, NextDomain: strings.ToUpper(z.place(next)), TypeBitMap: types,
		}
		if z.OptOut {
			n.Flags = 1
		}
		record = n
	}
	return append([]dns.RR{record}, z.Sign([]dns.RR{record})...)
}

// denyAt returns the record of a name, or what stands for it where there is none.
func (z *Zone) denyAt(name string) []dns.RR {
	owners := z.owners()
	if i := slices.Index(owners, name); i >= 0 {
		return z.link(owners, i)
	}
	if z.NSEC3 {
		return append(z.denyNext(name), z.denyEncloser(name)...)
	}
	return z.denyNext(name)
}

// denyNext returns the record that covers a name, or with hashes the one below its closest encloser.
func (z *Zone) denyNext(name string) []dns.RR {
	owners := z.owners()
	if z.NSEC3 {
		for !slices.Contains(owners, parent(name)) {
			name = parent(name)
		}
	}
	at := len(owners) - 1
	for i, owner := range owners {
		if z.place(owner) < z.place(name) {
			at = i
		}
	}
	return z.link(owners, at)
}

// denyEncloser returns with hashes the record of the closest name above one that exists.
func (z *Zone) denyEncloser(name string) []dns.RR {
	if !z.NSEC3 {
		return nil
	}
	owners := z.owners()
	for at := parent(name); ; at = parent(at) {
		if i := slices.Index(owners, at); i >= 0 {
			return z.link(owners, i)
		}
	}
}

func parent(name string) string {
	starts := dns.Split(name)
	if len(starts) < 2 {
		return "."
	}
	return name[starts[1]:]
}
