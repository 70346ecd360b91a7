// Package signedzone serves zones signed in this process, so that tests can break them in every way.
package signedzone

import (
	"crypto"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// Zone is one with its keys. Its fields may be changed until it answers.
type Zone struct {
	Name string
	// NSEC3 has the zone deny by hashes; OptOut leaves zones without signatures out of them.
	NSEC3, OptOut bool
	Iterations    uint16
	// From and Until are the time that signatures are good for.
	From, Until time.Time

	records []dns.RR
	key     *dns.DNSKEY
	private crypto.Signer
}

const ttl = 300

// New makes a zone with a key of an algorithm, 0 for one that is not signed. Its signatures are good
// from an hour ago for the next half hour.
func New(t testing.TB, name string, algorithm uint8) *Zone {
	t.Helper()
	z := &Zone{Name: name, From: time.Now().Add(-time.Hour), Until: time.Now().Add(30 * time.Minute)}
	z.Add(t, name+" 300 IN SOA ns."+strings.TrimPrefix(name, ".")+" admin."+strings.TrimPrefix(name, ".")+" 7 3600 600 86400 60")
	z.Add(t, name+" 300 IN NS ns."+strings.TrimPrefix(name, "."))
	if algorithm != 0 {
		z.key, z.private = Key(t, name, algorithm)
		z.records = append(z.records, z.key)
	}
	return z
}

// Key makes a key of an algorithm.
func Key(t testing.TB, name string, algorithm uint8) (*dns.DNSKEY, crypto.Signer) {
	t.Helper()
	bits := map[uint8]int{dns.ECDSAP256SHA256: 256, dns.ECDSAP384SHA384: 384, dns.ED25519: 256, dns.RSASHA256: 1024, dns.RSASHA512: 1024, dns.RSASHA1: 1024}[algorithm]
	key := &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: name, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: ttl},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: algorithm,
	}
	private, err := key.Generate(bits)
	require.NoError(t, err)
	signer, ok := private.(crypto.Signer)
	require.True(t, ok)
	return key, signer
}

// Add adds records, as lines of a zone file.
func (z *Zone) Add(t testing.TB, lines ...string) {
	t.Helper()
	for _, line := range lines {
		record, err := dns.NewRR(line)
		require.NoError(t, err, line)
		z.records = append(z.records, record)
	}
}

// Delegate adds the delegation to a zone below, with the digest of its key when it is signed.
func (z *Zone) Delegate(t testing.TB, child *Zone) {
	t.Helper()
	z.Add(t, child.Name+" 300 IN NS ns."+child.Name)
	if child.key != nil {
		z.records = append(z.records, child.DS())
	}
}

// DS is the digest of the zone's key.
func (z *Zone) DS() *dns.DS { return z.key.ToDS(dns.SHA256) }

// DNSKEY is the zone's key.
func (z *Zone) DNSKEY() *dns.DNSKEY { return z.key }

// Rekey gives the zone another key, of which the zone above knows nothing.
func (z *Zone) Rekey(t testing.TB) {
	t.Helper()
	z.records = slices.DeleteFunc(z.records, func(r dns.RR) bool { return r == dns.RR(z.key) })
	z.key, z.private = Key(t, z.Name, z.key.Algorithm)
	z.records = append(z.records, z.key)
}

// at returns the records of a name and type.
func (z *Zone) at(name string, kind uint16) (found []dns.RR) {
	for _, r := range z.records {
		if strings.EqualFold(r.Header().Name, name) && r.Header().Rrtype == kind {
			found = append(found, r)
		}
	}
	return found
}

// types are those at a name.
func (z *Zone) types(name string) (found []uint16) {
	for _, r := range z.records {
		if strings.EqualFold(r.Header().Name, name) && !slices.Contains(found, r.Header().Rrtype) {
			found = append(found, r.Header().Rrtype)
		}
	}
	return found
}

// exists reports whether there is a record at or below a name.
func (z *Zone) exists(name string) bool {
	return slices.ContainsFunc(z.records, func(r dns.RR) bool { return dns.IsSubDomain(name, r.Header().Name) })
}

// Sign returns the signature over records of one name and type; nil when the zone is not signed.
func (z *Zone) Sign(records []dns.RR) []dns.RR {
	if z.key == nil || len(records) == 0 {
		return nil
	}
	// A delegation is not the zone's own to sign, but for the digests.
	header := records[0].Header()
	if header.Rrtype == dns.TypeNS && header.Name != z.Name {
		return nil
	}
	sig := &dns.RRSIG{
		Hdr:       dns.RR_Header{Ttl: ttl},
		Algorithm: z.key.Algorithm, KeyTag: z.key.KeyTag(), SignerName: z.Name,
		Inception: uint32(z.From.Unix()), Expiration: uint32(z.Until.Unix()),
	}
	if err := sig.Sign(z.private, records); err != nil {
		panic(err) // a record that the test made wrong
	}
	return []dns.RR{sig}
}
