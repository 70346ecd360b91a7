package dnssec

import (
	"context"
	"strings"

	"github.com/miekg/dns"
)

// zone is one whose keys are trusted.
type zone struct {
	name string
	keys []key
}

// step is what was found at a name on the way down from a zone: a zone of its own, or none; ends says
// that no zone begins further down either.
type step struct {
	zone *zone
	ends bool
}

// zoneOf returns the zone that a name lies in, going down from the closest anchor. A finding says why
// it cannot be trusted.
func (v *validator) zoneOf(ctx context.Context, name string) (*zone, error) {
	z, err := v.anchored(ctx, name)
	if err != nil {
		return nil, err
	}
	v.last = z.name
	for at := z.name; at != name; {
		at = below(name, at)
		next, err := v.step(ctx, z, at)
		if err != nil {
			return nil, err
		}
		if next.zone != nil {
			z = next.zone
			v.last = z.name
		}
		if next.ends {
			break
		}
	}
	return z, nil
}

// anchored returns the zone of the anchor closest to a name.
func (v *validator) anchored(ctx context.Context, name string) (*zone, error) {
	at, digests := v.anchors.above(name)
	if digests == nil {
		return nil, indeterminate("no trust anchor covers %s: add one to the trust anchors", shown(name))
	}
	if z := v.zones[at]; z != nil {
		return z, nil
	}
	z, err := v.enter(ctx, at, digests, "its trust anchor")
	if err != nil {
		return nil, err
	}
	v.zones[at] = z
	return z, nil
}

// enter fetches the keys of a zone and trusts them, when one that a digest vouches for signs them all.
func (v *validator) enter(ctx context.Context, name string, digests []*dns.DS, source string) (*zone, error) {
	reply, err := v.ask(ctx, name, dns.TypeDNSKEY)
	if err != nil {
		return nil, err
	}
	s := find(sets(reply.Answer), name, dns.TypeDNSKEY)
	if s == nil {
		return nil, bogus("%s has no key, though %s names one", shown(name), source)
	}
	all := keysOf(s)
	var vouched []key // as many as are tried
	for _, k := range all {
		if len(vouched) < maxSignatures && vouchedFor(k, digests) {
			vouched = append(vouched, k)
		}
	}
	if len(vouched) == 0 {
		return nil, bogus("no key of %s is the one that %s names", shown(name), source)
	}
	if _, err := v.verify(s, name, vouched); err != nil {
		return nil, err
	}
	return &zone{name, all}, nil
}

// vouchedFor reports whether one of the digests is that of a key. Those of SHA-1 do not count beside
// better ones (RFC 4509, 3).
func vouchedFor(k key, digests []*dns.DS) bool {
	better := false
	for _, d := range digests {
		better = better || (d.DigestType != dns.SHA1 && d.Algorithm == k.Algorithm)
	}
	made := make(map[uint8]string)
	for _, d := range digests {
		if d.KeyTag != k.tag || d.Algorithm != k.Algorithm || (better && d.DigestType == dns.SHA1) {
			continue
		}
		if _, ok := made[d.DigestType]; !ok {
			made[d.DigestType] = ""
			if own := k.ToDS(d.DigestType); own != nil {
				made[d.DigestType] = own.Digest
			}
		}
		if made[d.DigestType] != "" && made[d.DigestType] == strings.ToLower(d.Digest) {
			return true
		}
	}
	return false
}

// step finds out, once, what is at a name one label below those known to be in a zone.
func (v *validator) step(ctx context.Context, z *zone, name string) (step, error) {
	if s, ok := v.steps[name]; ok {
		return s, nil
	}
	s, err := v.look(ctx, z, name)
	if err != nil {
		return step{}, err
	}
	v.steps[name] = s
	return s, nil
}

func (v *validator) look(ctx context.Context, z *zone, name string) (step, error) {
	reply, err := v.ask(ctx, name, dns.TypeDS)
	if err != nil {
		return step{}, err
	}
	answer := sets(reply.Answer)
	if s := find(answer, name, dns.TypeDS); s != nil {
		if _, err := v.verify(s, z.name, z.keys); err != nil {
			return step{}, err
		}
		child, err := v.delegated(ctx, z, s)
		return step{zone: child}, err
	}
	for _, s := range answer {
		// What is an alias is no zone of its own.
		if s.kind == dns.TypeCNAME && s.name == name {
			if _, err := v.verify(s, z.name, z.keys); err == nil {
				return step{}, nil
			}
		}
		if s.kind == dns.TypeDNAME && s.name != name && within(name, s.name) {
			if _, err := v.verify(s, z.name, z.keys); err == nil {
				return step{ends: true}, nil
			}
		}
	}
	return v.noDelegation(z, name, reply.Ns)
}

// delegated enters the zone that a signed set of digests leads to.
func (v *validator) delegated(ctx context.Context, z *zone, s *set) (*zone, error) {
	var digests []*dns.DS
	for _, record := range s.records {
		if d, ok := record.(*dns.DS); ok && supported(d.Algorithm) && digestSize(d.DigestType) > 0 {
			digests = append(digests, d)
		}
	}
	if len(digests) == 0 {
		v.last = z.name
		return nil, insecure("%s is signed by algorithms that are not known here (RFC 4035, 5.2)", shown(s.name))
	}
	return v.enter(ctx, s.name, digests, "its DS in "+shown(z.name))
}
