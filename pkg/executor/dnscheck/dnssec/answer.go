package dnssec

import (
	"context"
	"slices"

	"github.com/miekg/dns"
)

// answer judges a whole answer. It returns nil when all of it is secure.
func (v *validator) answer(ctx context.Context, name string, qtype uint16, reply *dns.Msg) error {
	if reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError {
		return indeterminate("an answer of %s is not signed", dns.RcodeToString[reply.Rcode])
	}
	all := sets(reply.Answer)
	seen := make(map[string]bool)
	for range maxAliases {
		if seen[name] {
			return bogus("the aliases of %s lead in a circle", shown(name))
		}
		seen[name] = true
		found := false
		for _, s := range all {
			if s.name == name && (s.kind == qtype || qtype == dns.TypeANY) {
				found = true
				if err := v.positive(ctx, s, reply); err != nil {
					return err
				}
			}
		}
		if found && reply.Rcode == dns.RcodeNameError {
			return bogus("the server answers NXDOMAIN, though there is %s", typeName(qtype)+" of "+shown(name))
		}
		if found {
			return nil
		}
		target, err := v.alias(ctx, all, name, reply)
		if err != nil {
			return err
		}
		if target == "" {
			return v.negative(ctx, name, qtype, reply, len(seen) > 1)
		}
		name = target
		v.aliases = append(v.aliases, target)
	}
	return bogus("there are more than %d aliases", maxAliases)
}

// alias follows a signed CNAME or DNAME of a name; empty when it has neither.
func (v *validator) alias(ctx context.Context, all []*set, name string, reply *dns.Msg) (target string, err error) {
	for _, s := range all {
		if s.kind != dns.TypeDNAME || s.name == name || !within(name, s.name) {
			continue
		}
		d, ok := s.records[0].(*dns.DNAME)
		if !ok || !s.single() {
			return "", bogus("%s is more than one record", s)
		}
		if err := v.positive(ctx, s, reply); err != nil {
			return "", err
		}
		// The CNAME that comes along is made by the server, and unsigned.
		target, ok := substituted(name, s.name, dns.CanonicalName(d.Target))
		if !ok {
			return "", bogus("%s leads to a name that is too long", s)
		}
		return target, nil
	}
	s := find(all, name, dns.TypeCNAME)
	if s == nil {
		return "", nil
	}
	c, ok := s.records[0].(*dns.CNAME)
	if !ok || !s.single() {
		return "", bogus("%s is more than one record", s)
	}
	return dns.CanonicalName(c.Target), v.positive(ctx, s, reply)
}

// substituted replaces the end of a name (RFC 6672, 2.2).
func substituted(name, end, by string) (string, bool) {
	target := name[:len(name)-len(end)]
	if end == "." {
		target = name
	}
	if by != "." {
		target += by
	}
	_, ok := dns.IsDomainName(target)
	return target, ok
}

// positive judges a set of records of an answer.
func (v *validator) positive(ctx context.Context, s *set, reply *dns.Msg) error {
	z, err := v.zoneFor(ctx, s)
	if err != nil {
		return err
	}
	sig, err := v.verify(s, z.name, z.keys)
	if err != nil {
		return err
	}
	if stars := int(sig.Labels); stars < labels(s.name) {
		return v.denialOf(z, reply.Ns).notItself(s.name, stars)
	}
	return nil
}

// zoneFor returns the zone that must have signed a set: the one that it says has, when its name is at
// or above, and else the one that the name lies in. The digests of a zone's keys are its parent's.
func (v *validator) zoneFor(ctx context.Context, s *set) (*zone, error) {
	from := s.name
	if s.kind == dns.TypeDS && from != "." {
		from = parent(from)
	}
	for _, sig := range s.sigs {
		if !within(from, sig.SignerName) {
			continue
		}
		z, err := v.zoneOf(ctx, sig.SignerName)
		if err != nil {
			return nil, err
		}
		if z.name == sig.SignerName {
			return z, nil
		}
	}
	return v.zoneOf(ctx, from)
}

// negative judges that there is nothing at the end of the aliases, if there are any.
func (v *validator) negative(ctx context.Context, name string, qtype uint16, reply *dns.Msg, aliased bool) error {
	from := name
	if qtype == dns.TypeDS && from != "." {
		from = parent(from)
	}
	if aliased && !reply.RecursionAvailable && !denies(reply.Ns) {
		return indeterminate("the server does not serve %s, which the name is an alias for: name one that resolves", shown(name))
	}
	z, err := v.zoneOf(ctx, from)
	if err != nil {
		return err
	}
	d := v.denialOf(z, reply.Ns)
	if reply.Rcode == dns.RcodeNameError {
		return d.nothing(name)
	}
	return d.noType(name, qtype)
}

// denies reports whether a section says at all that there is nothing.
func denies(section []dns.RR) bool {
	return slices.ContainsFunc(section, func(record dns.RR) bool {
		kind := record.Header().Rrtype
		return kind == dns.TypeSOA || kind == dns.TypeNSEC || kind == dns.TypeNSEC3
	})
}
