package dnssec

import (
	"errors"
	"time"

	"github.com/miekg/dns"
)

// set is the records of a name and type, and the signatures over them.
type set struct {
	name    string
	kind    uint16
	records []dns.RR
	sigs    []*dns.RRSIG
}

const (
	// maxSignatures bounds the signatures of a set that are tried, and the keys tried for each.
	maxSignatures = 8
	// maxKeys bounds the keys of a zone that are looked at.
	maxKeys = 32
)

// sets sorts a section of a message into sets, in its order. The names in them are canonical; records
// that are not are replaced by copies.
func sets(section []dns.RR) []*set {
	type key struct {
		name string
		kind uint16
	}
	known := make(map[key]*set)
	var all []*set
	of := func(name string, kind uint16) *set {
		k := key{name, kind}
		if known[k] == nil {
			known[k] = &set{name: name, kind: kind}
			all = append(all, known[k])
		}
		return known[k]
	}
	for _, record := range section {
		header := record.Header()
		if header.Class != dns.ClassINET || header.Rrtype == dns.TypeOPT {
			continue
		}
		record = canonical(record)
		name := record.Header().Name
		if sig, ok := record.(*dns.RRSIG); ok {
			s := of(name, sig.TypeCovered)
			s.sigs = append(s.sigs, sig)
			continue
		}
		s := of(name, header.Rrtype)
		s.records = append(s.records, record)
	}
	present := all[:0]
	for _, s := range all {
		if len(s.records) > 0 { // a signature alone says nothing
			present = append(present, s)
		}
	}
	return present
}

// canonical is a record whose names are, as far as this package looks at them.
func canonical(record dns.RR) dns.RR {
	if name := record.Header().Name; dns.CanonicalName(name) != name {
		record = dns.Copy(record)
		record.Header().Name = dns.CanonicalName(name)
	}
	switch r := record.(type) {
	case *dns.RRSIG:
		if dns.CanonicalName(r.SignerName) != r.SignerName {
			changed := *r
			changed.SignerName = dns.CanonicalName(r.SignerName)
			return &changed
		}
	case *dns.NSEC:
		if dns.CanonicalName(r.NextDomain) != r.NextDomain {
			changed := *r
			changed.NextDomain = dns.CanonicalName(r.NextDomain)
			return &changed
		}
	}
	return record
}

// find returns the set of a name and type, nil when there is none.
func find(all []*set, name string, kind uint16) *set {
	for _, s := range all {
		if s.name == name && s.kind == kind {
			return s
		}
	}
	return nil
}

// single reports whether the set is one record, however often it was sent.
func (s *set) single() bool {
	for _, record := range s.records[1:] {
		if !dns.IsDuplicate(record, s.records[0]) {
			return false
		}
	}
	return true
}

// weight is about the memory that it takes to verify a signature over the set, in bytes.
func (s *set) weight() int {
	weight := workPerSignature
	for _, record := range s.records {
		weight += workPerRecord + 4*dns.Len(record)
	}
	return weight
}

// String names the set in texts.
func (s *set) String() string { return typeName(s.kind) + " of " + shown(s.name) }

func typeName(kind uint16) string { return dns.Type(kind).String() }

// usable reports whether a key may verify records of a zone (RFC 4034, 2.1; RFC 5011, 2.1).
func usable(key *dns.DNSKEY) bool {
	const protocol = 3
	return key.Flags&dns.ZONE != 0 && key.Flags&dns.REVOKE == 0 && key.Protocol == protocol
}

// key is one of a zone, with its number.
type key struct {
	*dns.DNSKEY
	tag uint16
}

func keysOf(s *set) (keys []key) {
	for _, record := range s.records {
		if k, ok := record.(*dns.DNSKEY); ok && usable(k) && supported(k.Algorithm) && len(keys) < maxKeys {
			keys = append(keys, key{k, k.KeyTag()})
		}
	}
	return keys
}

// verify returns the signature by one of the keys of a zone that holds over a set, or says, as a
// finding, why none does.
func (v *validator) verify(s *set, zone string, keys []key) (*dns.RRSIG, error) {
	failed := bogus("%s is not signed, though its zone %s is", s, shown(zone))
	tried := 0
	for _, sig := range s.sigs {
		if sig.SignerName != zone {
			failed = bogus("%s is signed by %s, not by its zone %s", s, shown(sig.SignerName), shown(zone))
			continue
		}
		if tried++; tried > maxSignatures {
			break
		}
		if err := v.ended(); err != nil {
			return nil, err
		}
		problem := v.check(s, sig, keys)
		if problem == nil {
			if ends := Expiry(sig, v.now); v.expires.IsZero() || ends.Before(v.expires) {
				v.expires = ends
			}
			return sig, nil
		}
		failed = problem
	}
	return nil, failed
}

func (v *validator) check(s *set, sig *dns.RRSIG, keys []key) error {
	if !sig.ValidityPeriod(v.now) {
		if ends := Expiry(sig, v.now); !v.now.Before(ends) {
			return bogus("the signature of %s expired on %s", s, ends.Format(time.RFC3339))
		}
		return bogus("the signature of %s is not valid before %s", s, near(sig.Inception, v.now).Format(time.RFC3339))
	}
	if int(sig.Labels) > labels(s.name) {
		return bogus("the signature of %s is over a longer name", s)
	}
	failed := bogus("the signature of %s is by key %d, which %s does not publish", s, sig.KeyTag, shown(sig.SignerName))
	tried := 0
	for _, k := range keys {
		if k.tag != sig.KeyTag || k.Algorithm != sig.Algorithm {
			continue
		}
		if tried++; tried > maxSignatures {
			break
		}
		v.work += s.weight()
		if v.work > maxWork {
			return indeterminate("validating takes more work than is allowed")
		}
		// The library does not look at the length of what it takes apart.
		if err := verifySafely(sig, k.DNSKEY, s.records); err == nil {
			return nil
		}
		failed = bogus("the signature of %s by key %d of %s is wrong", s, sig.KeyTag, shown(sig.SignerName))
	}
	return failed
}

var errShort = errors.New("signature of a wrong length")

func verifySafely(sig *dns.RRSIG, k *dns.DNSKEY, records []dns.RR) error {
	const base64Of64, base64Of96 = 88, 128
	switch sig.Algorithm {
	case dns.ECDSAP256SHA256, dns.ED25519:
		if len(sig.Signature) != base64Of64 {
			return errShort
		}
	case dns.ECDSAP384SHA384:
		if len(sig.Signature) != base64Of96 {
			return errShort
		}
	}
	return sig.Verify(k, records)
}

// Expiry is when a signature ends, of the times that its 32 bits may stand for the one closest to now.
func Expiry(sig *dns.RRSIG, now time.Time) time.Time { return near(sig.Expiration, now) }

// near is the time that 32 bits stand for, the one closest to now (RFC 4034, 3.1.5).
func near(seconds uint32, now time.Time) time.Time {
	return now.Add(time.Duration(int32(seconds-uint32(now.Unix()))) * time.Second).Truncate(time.Second).UTC()
}
