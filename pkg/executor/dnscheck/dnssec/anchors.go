package dnssec

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// Anchors are the keys that are trusted without proof, as digests, by the canonical name of the zone.
type Anchors map[string][]*dns.DS

// RootAnchors returns the keys of the root zone as IANA publishes them: KSK-2017 and KSK-2024
// (https://data.iana.org/root-anchors/root-anchors.xml).
func RootAnchors() Anchors {
	header := dns.RR_Header{Name: ".", Rrtype: dns.TypeDS, Class: dns.ClassINET}
	return Anchors{".": {
		{Hdr: header, KeyTag: 20326, Algorithm: dns.RSASHA256, DigestType: dns.SHA256, Digest: "e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d"},
		{Hdr: header, KeyTag: 38696, Algorithm: dns.RSASHA256, DigestType: dns.SHA256, Digest: "683d2d0acb8c9b712a1948b27f741219298d0a450d612c483af444a4c0fb2b16"},
	}}
}

// maxAnchor bounds the text of an anchor, in bytes: a key of RSA 4096 takes some 750.
const maxAnchor = 2000

// Add reads an anchor as zone files have it, "example.org. DS 12345 13 2 ABCD…" or "… DNSKEY 257 3 13
// …". The error says what is wrong with it.
func (a Anchors) Add(text string) error {
	const cure = "use a line as in a zone file, such as example.org. DS 12345 13 2 ABCD…, or … DNSKEY 257 3 13 …"
	if len(text) > maxAnchor {
		return fmt.Errorf("is longer than %d bytes: %s", maxAnchor, cure)
	}
	if strings.ContainsAny(text, "$\n\r();") {
		return fmt.Errorf("is no single record: %s", cure)
	}
	record, err := dns.NewRR(text)
	if err != nil || record == nil {
		return fmt.Errorf("is no record: %s", cure)
	}
	if record.Header().Class != dns.ClassINET {
		return fmt.Errorf("is not of class IN: %s", cure)
	}
	digest, err := digestOf(record)
	if err != nil {
		return err
	}
	name := dns.CanonicalName(digest.Hdr.Name)
	digest.Hdr.Name = name
	a[name] = append(a[name], digest)
	return nil
}

func digestOf(record dns.RR) (*dns.DS, error) {
	switch record := record.(type) {
	case *dns.DS:
		if !supported(record.Algorithm) || digestSize(record.DigestType) == 0 {
			return nil, fmt.Errorf("has algorithm %d with digest %d, which are not known: use an anchor of algorithm 8, 10, 13, 14 or 15 with digest 2 or 4", record.Algorithm, record.DigestType)
		}
		if raw, err := hex.DecodeString(record.Digest); err != nil || len(raw) != digestSize(record.DigestType) {
			return nil, fmt.Errorf("has a digest of another length than %d bytes: use it as it was published, in hexadecimal", digestSize(record.DigestType))
		}
		record.Digest = strings.ToLower(record.Digest)
		return record, nil
	case *dns.DNSKEY:
		if !supported(record.Algorithm) {
			return nil, fmt.Errorf("has algorithm %d, which is not known: use a key of algorithm 8, 10, 13, 14 or 15", record.Algorithm)
		}
		if !usable(record) {
			return nil, fmt.Errorf("is no key that signs a zone: use one of flags 257 or 256 and protocol 3")
		}
		if _, err := base64.StdEncoding.DecodeString(record.PublicKey); err != nil {
			return nil, fmt.Errorf("has a key that is not Base64: use it as it was published")
		}
		if digest := record.ToDS(dns.SHA256); digest != nil {
			return digest, nil
		}
		return nil, fmt.Errorf("has a key that cannot be read: use it as it was published")
	}
	return nil, fmt.Errorf("is a record of type %s: use DS or DNSKEY", dns.TypeToString[record.Header().Rrtype])
}

// above returns the anchors of the zone closest to a name, at or above it.
func (a Anchors) above(name string) (zone string, digests []*dns.DS) {
	for at := name; ; {
		if digests := a[at]; len(digests) > 0 {
			return at, digests
		}
		if at == "." {
			return "", nil
		}
		at = parent(at)
	}
}

// supported are the algorithms that signatures are verified by (RFC 8624, 3.1), but for ED448.
func supported(algorithm uint8) bool {
	switch algorithm {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519:
		return true
	}
	return false
}

// digestSize is the length of a digest of a key in bytes; 0 for a type that is not known.
func digestSize(kind uint8) int {
	switch kind {
	case dns.SHA1:
		return 20
	case dns.SHA256:
		return 32
	case dns.SHA384:
		return 48
	}
	return 0
}
