package dnssec_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/dnscheck/dnssec"
)

func TestWhatIsSignedIsSecure(t *testing.T) {
	n := newNames(t)
	for _, tc := range []struct {
		name   string
		qtype  uint16
		zone   string
		status dnssec.Status
		text   string
	}{
		{"www.test.", dns.TypeA, "test.", dnssec.Secure, ""},
		{"WWW.Test.", dns.TypeA, "test.", dnssec.Secure, ""},
		{"test.", dns.TypeSOA, "test.", dnssec.Secure, ""},
		{"test.", dns.TypeDNSKEY, "test.", dnssec.Secure, ""},
		{"test.", dns.TypeDS, ".", dnssec.Secure, ""},
		{".", dns.TypeDNSKEY, ".", dnssec.Secure, ""},
		{"www.test.", dns.TypeANY, "test.", dnssec.Secure, ""},
		{"www.hash.test.", dns.TypeA, "hash.test.", dnssec.Secure, ""},
		{"www.optout.test.", dns.TypeA, "optout.test.", dnssec.Secure, ""},
		{"www.sub.optout.test.", dns.TypeA, "sub.optout.test.", dnssec.Secure, ""},
		{"alias.test.", dns.TypeA, "hash.test.", dnssec.Secure, ""},
		{"www.old.test.", dns.TypeA, "hash.test.", dnssec.Secure, ""},

		// Proofs that there is nothing, by NSEC and NSEC3.
		{"www.test.", dns.TypeMX, "test.", dnssec.Secure, ""},
		{"www.hash.test.", dns.TypeMX, "hash.test.", dnssec.Secure, ""},
		{"none.test.", dns.TypeA, "test.", dnssec.Secure, ""},
		{"none.none.hash.test.", dns.TypeA, "hash.test.", dnssec.Secure, ""},
		{"zzz.", dns.TypeA, ".", dnssec.Secure, ""},
		{"down.test.", dns.TypeA, "test.", dnssec.Secure, ""},
		{"down.hash.test.", dns.TypeA, "hash.test.", dnssec.Secure, ""},
		{"gone.test.", dns.TypeA, "hash.test.", dnssec.Secure, ""},
		{"www.test.", dns.TypeDS, "test.", dnssec.Secure, ""},
		{"plain.test.", dns.TypeDS, "test.", dnssec.Secure, ""},

		// Wildcards, and proofs about them.
		{"any.wild.test.", dns.TypeA, "test.", dnssec.Secure, ""},
		{"a.b.wild.hash.test.", dns.TypeA, "hash.test.", dnssec.Secure, ""},
		{"any.wild.test.", dns.TypeMX, "test.", dnssec.Secure, ""},
		{"a.b.wild.hash.test.", dns.TypeMX, "hash.test.", dnssec.Secure, ""},
		{"*.wild.test.", dns.TypeA, "test.", dnssec.Secure, ""},

		// What is proven not to be signed.
		{"www.plain.test.", dns.TypeA, "test.", dnssec.Insecure, "plain.test is not signed: test has no DS for it"},
		{"none.plain.test.", dns.TypeA, "test.", dnssec.Insecure, "plain.test is not signed"},
		{"out.test.", dns.TypeA, "test.", dnssec.Insecure, "plain.test is not signed"},
		{"www.bare.optout.test.", dns.TypeA, "optout.test.", dnssec.Insecure, "bare.optout.test is not signed: optout.test leaves out such zones"},
		{"none.optout.test.", dns.TypeA, "optout.test.", dnssec.Insecure, "none.optout.test is not signed: optout.test leaves out such zones"},
		{"bare.optout.test.", dns.TypeDS, "optout.test.", dnssec.Insecure, "opt-out"},
	} {
		t.Run(fmt.Sprintf("%s %s", tc.name, dns.TypeToString[tc.qtype]), func(t *testing.T) {
			v := n.validate(t, tc.name, tc.qtype)
			require.Equal(t, tc.status, v.Status, v.Reason)
			require.Contains(t, v.Reason, tc.text)
			require.Equal(t, tc.zone, v.Zone)
			require.WithinDuration(t, n.zones["."].Until, v.Expires, time.Second)
		})
	}
}

func TestWithoutAnAnchorNothingCanBeTold(t *testing.T) {
	n := newNames(t)
	anchors := dnssec.Anchors{}
	require.NoError(t, anchors.Add(n.zones["hash.test."].DNSKEY().String()))
	require.Equal(t, dnssec.Secure, n.validateFrom(t, anchors, "www.hash.test.", dns.TypeA).Status)
	v := n.validateFrom(t, anchors, "www.test.", dns.TypeA)
	require.Equal(t, dnssec.Indeterminate, v.Status)
	require.Contains(t, v.Reason, "no trust anchor covers test")
	v = n.validateFrom(t, dnssec.RootAnchors(), "www.test.", dns.TypeA)
	require.Equal(t, dnssec.Bogus, v.Status)
	require.Contains(t, v.Reason, "no key of . is the one that its trust anchor names")
}

// TestCompactDenial: some servers say of a name that does not exist that it has no types (RFC 9824).
func TestCompactDenial(t *testing.T) {
	n := newNames(t)
	compact := func(rcode int, types ...uint16) {
		n.tamper = func(r *dns.Msg) {
			if r.Question[0].Name != "ghost.test." {
				return
			}
			denial := &dns.NSEC{
				Hdr:        dns.RR_Header{Name: "ghost.test.", Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 60},
				NextDomain: `\000.ghost.test.`, TypeBitMap: append([]uint16{dns.TypeRRSIG, dns.TypeNSEC}, types...),
			}
			r.Rcode, r.Ns = rcode, append([]dns.RR{denial}, n.zones["test."].Sign([]dns.RR{denial})...)
		}
	}
	compact(dns.RcodeSuccess, dns.TypeNXNAME)
	require.Equal(t, dnssec.Secure, n.validate(t, "ghost.test.", dns.TypeA).Status)
	compact(dns.RcodeNameError, dns.TypeNXNAME)
	require.Equal(t, dnssec.Secure, n.validate(t, "ghost.test.", dns.TypeA).Status)
	compact(dns.RcodeNameError)
	v := n.validate(t, "ghost.test.", dns.TypeA)
	require.Equal(t, dnssec.Bogus, v.Status, "a name without types exists")
	require.Contains(t, v.Reason, "test does not prove that ghost.test does not exist")
}
