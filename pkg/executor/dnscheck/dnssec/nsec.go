package dnssec

import (
	"strings"

	"github.com/miekg/dns"
)

// covers reports whether a record says that there is nothing at a name: it lies between its owner and
// the next one, and the owner does not lead out of the zone above it (RFC 4035, 5.4; RFC 6840, 4.1).
func covers(n *dns.NSEC, name string) bool {
	owner, next := n.Hdr.Name, n.NextDomain
	if owner != name && within(name, owner) && (delegates(n.TypeBitMap) || has(n.TypeBitMap, dns.TypeDNAME)) {
		return false
	}
	if order(owner, name) >= 0 {
		return false
	}
	if order(owner, next) >= 0 { // the last one leads back to the zone's own name
		return within(name, next)
	}
	return order(name, next) < 0
}

// enclosing is the closest name above one that a covering record shows to exist.
func enclosing(n *dns.NSEC, name string) string {
	byOwner, byNext := common(name, n.Hdr.Name), common(name, n.NextDomain)
	if dns.CountLabel(byOwner) > dns.CountLabel(byNext) {
		return byOwner
	}
	return byNext
}

const (
	// maxIterations of hashing are looked at; a zone that uses more counts as not signed (RFC 9276, 3.2).
	maxIterations = 150
	// maxHashes bounds the names hashed for one answer: each takes up to maxIterations.
	maxHashes = 400
)

// hashed is what a hash was made of.
type hashed struct {
	name, salt string
	iterations uint16
}

// hash is of a name as the owners of NSEC3 records bear it.
func (d *denial) hash(n *dns.NSEC3, name string) (string, error) {
	if n.Iterations > maxIterations {
		return "", insecure("%s hashes names %d times, which is more than the %d that count as signed (RFC 9276)", shown(d.zone.name), n.Iterations, maxIterations)
	}
	k := hashed{name, n.Salt, n.Iterations}
	if h, ok := d.v.hashes[k]; ok {
		return h, nil
	}
	if len(d.v.hashes) >= maxHashes {
		return "", indeterminate("validating takes more work than is allowed")
	}
	h := strings.ToLower(dns.HashName(name, n.Hash, n.Iterations, n.Salt))
	d.v.hashes[k] = h
	return h, nil
}

// span is the hashes that a record of the zone says lie beside each other; not ok for one that is of
// another zone or that hashes in a way that is not known.
func (d *denial) span(n *dns.NSEC3) (owner, next string, ok bool) {
	if n.Hash != dns.SHA1 || parent(n.Hdr.Name) != d.zone.name {
		return "", "", false
	}
	owner, _, _ = strings.Cut(n.Hdr.Name, ".")
	return owner, strings.ToLower(n.NextDomain), true
}

// matches reports whether a record is that of a name.
func (d *denial) matches(n *dns.NSEC3, name string) (bool, error) {
	owner, _, ok := d.span(n)
	if !ok || !within(name, d.zone.name) {
		return false, nil
	}
	h, err := d.hash(n, name)
	return err == nil && h == owner, err
}

// covered reports whether there is nothing at a name, and whether the record that says so leaves out
// zones without signatures.
func (d *denial) covered(name string) (covered, optOut bool, err error) {
	const flagOptOut = 1
	for _, n := range d.nsec3 {
		owner, next, ok := d.span(n)
		if !ok || !within(name, d.zone.name) {
			continue
		}
		h, err := d.hash(n, name)
		if err != nil {
			return false, false, err
		}
		between := owner < h && h < next
		if owner >= next { // the last one leads back to the first
			between = h > owner || h < next
		}
		if between {
			return true, n.Flags&flagOptOut != 0, nil
		}
	}
	return false, false, nil
}

// proof is of the closest name above one that exists.
type proof struct {
	name   string
	optOut bool
}

// encloser proves the closest name above one that exists, and that the next one down does not
// (RFC 5155, 8.3). Without a proof it returns nil.
func (d *denial) encloser(name string) (*proof, error) {
	if len(d.nsec3) == 0 || !within(name, d.zone.name) {
		return nil, nil
	}
	for next := name; next != d.zone.name; next = parent(next) {
		at := parent(next)
		types, found, err := d.typesAt(at)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		if delegates(types) || has(types, dns.TypeDNAME) {
			return nil, nil // what is below is not this zone's to deny
		}
		covered, optOut, err := d.covered(next)
		if err != nil || !covered {
			return nil, err
		}
		return &proof{at, optOut}, nil
	}
	return nil, nil
}

// typesAt are those that exist at a name, if a record says.
func (d *denial) typesAt(name string) (types []uint16, found bool, err error) {
	for _, n := range d.nsec3 {
		matches, err := d.matches(n, name)
		if err != nil {
			return nil, false, err
		}
		if matches {
			return n.TypeBitMap, true, nil
		}
	}
	return nil, false, nil
}
