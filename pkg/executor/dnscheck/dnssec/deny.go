package dnssec

import (
	"slices"

	"github.com/miekg/dns"
)

// denial is the signed records of a zone that say what is not there.
type denial struct {
	v     *validator
	zone  *zone
	nsec  []*dns.NSEC
	nsec3 []*dns.NSEC3
	// failed is why a record could not be used.
	failed error
}

// maxDenials bounds the records of an answer that are looked at; a proof takes four at most.
const maxDenials = 12

// denialOf collects the records of a section that a zone vouches for.
func (v *validator) denialOf(z *zone, section []dns.RR) *denial {
	d := &denial{v: v, zone: z}
	looked := 0
	for _, s := range sets(section) {
		if s.kind != dns.TypeNSEC && s.kind != dns.TypeNSEC3 {
			continue
		}
		if looked++; looked > maxDenials {
			break
		}
		sig, err := v.verify(s, z.name, z.keys)
		if err != nil {
			d.failed = err
			continue
		}
		// One that was made from a wildcard says nothing of the name that it bears.
		if int(sig.Labels) != labels(s.name) {
			continue
		}
		for _, record := range s.records {
			switch record := record.(type) {
			case *dns.NSEC:
				d.nsec = append(d.nsec, record)
			case *dns.NSEC3:
				d.nsec3 = append(d.nsec3, record)
			}
		}
	}
	return d
}

// missing says that something is not proven.
func (d *denial) missing(what string) error {
	if d.failed != nil {
		return d.failed
	}
	return bogus("%s does not prove that %s", shown(d.zone.name), what)
}

func has(types []uint16, kind uint16) bool {
	return slices.Contains(types, kind)
}

// delegates reports whether the types at a name are those of a zone cut, seen from above.
func delegates(types []uint16) bool { return has(types, dns.TypeNS) && !has(types, dns.TypeSOA) }

// lacks reports whether the types at a name say, to somebody entitled to, that one is not there and no
// alias is either (RFC 6840, 4.1 and 4.3).
func lacks(types []uint16, name string, kind uint16) bool {
	if has(types, kind) || has(types, dns.TypeCNAME) {
		return false
	}
	if kind == dns.TypeDS {
		return name == "." || !has(types, dns.TypeSOA) // else the child speaks, who does not know
	}
	return !delegates(types) // else the parent speaks, who does not know
}

// noDelegation proves that a name one label below known ones of a zone begins no signed zone. A
// finding of insecure says that it begins one without signatures.
func (v *validator) noDelegation(z *zone, name string, section []dns.RR) (step, error) {
	d := v.denialOf(z, section)
	unsigned := func() error { return insecure("%s is not signed: %s has no DS for it", shown(name), shown(z.name)) }
	at := func(types []uint16) (step, error) {
		switch {
		case !lacks(types, name, dns.TypeDS):
			return step{}, d.missing(shown(name) + " has no DS")
		case has(types, dns.TypeNS):
			return step{}, unsigned()
		}
		return step{}, nil
	}
	for _, n := range d.nsec {
		switch {
		case n.Hdr.Name == name:
			return at(n.TypeBitMap)
		case covers(n, name):
			return step{ends: !within(n.NextDomain, name)}, nil
		}
	}
	for _, n := range d.nsec3 {
		matches, err := d.matches(n, name)
		if err != nil {
			return step{}, err
		}
		if matches {
			return at(n.TypeBitMap)
		}
	}
	proof, err := d.encloser(name)
	if err != nil {
		return step{}, err
	}
	switch {
	case proof == nil:
		return step{}, d.missing(shown(name) + " has no DS")
	case proof.optOut:
		return step{}, insecure("%s is not signed: %s leaves out such zones (opt-out)", shown(name), shown(z.name))
	}
	return step{ends: true}, nil
}

// nothing proves that a name does not exist.
func (d *denial) nothing(name string) error {
	what := shown(name) + " does not exist"
	for _, n := range d.nsec {
		if n.Hdr.Name == name && has(n.TypeBitMap, dns.TypeNXNAME) { // RFC 9824, 3.1
			return nil
		}
		if !covers(n, name) || within(n.NextDomain, name) {
			continue
		}
		star := wildcard(enclosing(n, name))
		for _, other := range d.nsec {
			if covers(other, star) {
				return nil
			}
		}
	}
	proof, err := d.encloser(name)
	switch {
	case err != nil:
		return err
	case proof == nil:
		return d.missing(what)
	}
	if covered, _, err := d.covered(wildcard(proof.name)); err != nil || !covered {
		return either(err, d.missing(what+", by a wildcard neither"))
	}
	if proof.optOut {
		return insecure("%s may exist without signatures: %s leaves out such zones (opt-out)", shown(name), shown(d.zone.name))
	}
	return nil
}

// noType proves that a name has no records of a type.
func (d *denial) noType(name string, kind uint16) error {
	what := shown(name) + " has no " + typeName(kind)
	for _, n := range d.nsec {
		switch {
		case n.Hdr.Name == name:
			if lacks(n.TypeBitMap, name, kind) {
				return nil
			}
		case covers(n, name):
			if within(n.NextDomain, name) {
				return nil // only names below it have records
			}
			star := wildcard(enclosing(n, name))
			for _, other := range d.nsec {
				if other.Hdr.Name == star && lacks(other.TypeBitMap, star, kind) {
					return nil
				}
			}
		}
	}
	return d.noTypeHashed(name, kind, what)
}

func (d *denial) noTypeHashed(name string, kind uint16, what string) error {
	for _, n := range d.nsec3 {
		matches, err := d.matches(n, name)
		if err != nil {
			return err
		}
		if matches {
			if lacks(n.TypeBitMap, name, kind) {
				return nil
			}
			return d.missing(what)
		}
	}
	proof, err := d.encloser(name)
	switch {
	case err != nil:
		return err
	case proof == nil:
		return d.missing(what)
	case proof.optOut:
		return insecure("%s may be a zone without signatures: %s leaves out such zones (opt-out)", shown(name), shown(d.zone.name))
	}
	star := wildcard(proof.name)
	for _, n := range d.nsec3 {
		matches, err := d.matches(n, star)
		if err != nil {
			return err
		}
		if matches && lacks(n.TypeBitMap, star, kind) {
			return nil
		}
	}
	return d.missing(what)
}

// notItself proves that a name that a wildcard stood in for does not exist, nor any name between the two
// of which another wildcard would be closer. stars is how many labels the wildcard has beside its own.
func (d *denial) notItself(name string, stars int) error {
	for _, n := range d.nsec {
		if covers(n, name) && dns.CountLabel(enclosing(n, name)) == stars {
			return nil
		}
	}
	encloser := name
	for dns.CountLabel(encloser) > stars {
		encloser = parent(encloser)
	}
	covered, optOut, err := d.covered(below(name, encloser))
	switch {
	case err != nil:
		return err
	case !covered:
		return d.missing(shown(name) + " does not exist beside the wildcard that stood in for it")
	case optOut:
		return insecure("%s may exist without signatures: %s leaves out such zones (opt-out)", shown(name), shown(d.zone.name))
	}
	return nil
}

func either(first, second error) error {
	if first != nil {
		return first
	}
	return second
}
