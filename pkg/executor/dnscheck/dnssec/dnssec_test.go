package dnssec_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/executor/dnscheck/dnssec"
	"github.com/vedette/vedette/pkg/executor/executortest/signedzone"
)

// names is a world of zones: each of the ways to sign and to deny, and one that is not signed.
type names struct {
	world  signedzone.World
	zones  map[string]*signedzone.Zone
	tamper func(reply *dns.Msg)
	now    time.Time
	asked  int
}

func newNames(t testing.TB) *names {
	t.Helper()
	n := &names{zones: make(map[string]*signedzone.Zone), now: time.Now()}
	add := func(name string, algorithm uint8, lines ...string) *signedzone.Zone {
		z := signedzone.New(t, name, algorithm)
		z.Add(t, lines...)
		n.zones[name] = z
		n.world = append(n.world, z)
		return z
	}
	root := add(".", dns.ECDSAP384SHA384)
	top := add("test.", dns.ED25519, "www.test. 300 IN A 192.0.2.1", "www.test. 300 IN A 192.0.2.2", "deep.down.test. 300 IN TXT hello",
		"*.wild.test. 300 IN A 192.0.2.3", "alias.test. 300 IN CNAME www.hash.test.", "old.test. 300 IN DNAME hash.test.", "gone.test. 300 IN CNAME none.hash.test.", "out.test. 300 IN CNAME www.plain.test.")
	hash := add("hash.test.", dns.ECDSAP256SHA256, "www.hash.test. 300 IN A 192.0.2.4", "deep.down.hash.test. 300 IN TXT hello", "*.wild.hash.test. 300 IN A 192.0.2.5")
	hash.NSEC3, hash.Iterations = true, 1
	plain := add("plain.test.", 0, "www.plain.test. 300 IN A 192.0.2.6")
	out := add("optout.test.", dns.RSASHA256, "www.optout.test. 300 IN A 192.0.2.7")
	out.NSEC3, out.OptOut = true, true
	bare := add("bare.optout.test.", 0, "www.bare.optout.test. 300 IN A 192.0.2.8")
	sub := add("sub.optout.test.", dns.RSASHA512, "www.sub.optout.test. 300 IN A 192.0.2.9")
	root.Delegate(t, top)
	top.Delegate(t, hash)
	top.Delegate(t, plain)
	top.Delegate(t, out)
	out.Delegate(t, bare)
	out.Delegate(t, sub)
	return n
}

func (n *names) lookup(_ context.Context, name string, qtype uint16) (*dns.Msg, error) {
	n.asked++
	reply := n.world.Answer(new(dns.Msg).SetQuestion(name, qtype))
	if n.tamper != nil {
		n.tamper(reply)
	}
	// As it comes from the network: names in any case, nothing shared with the zones.
	raw, err := reply.Pack()
	if err != nil {
		return nil, err
	}
	fresh := new(dns.Msg)
	return fresh, fresh.Unpack(raw)
}

func (n *names) anchors(t testing.TB) dnssec.Anchors {
	anchors := dnssec.Anchors{}
	require.NoError(t, anchors.Add(n.zones["."].DS().String()))
	return anchors
}

func (n *names) validate(t testing.TB, name string, qtype uint16) dnssec.Verdict {
	t.Helper()
	return n.validateFrom(t, n.anchors(t), name, qtype)
}

func (n *names) validateFrom(t testing.TB, anchors dnssec.Anchors, name string, qtype uint16) dnssec.Verdict {
	t.Helper()
	reply, err := n.lookup(t.Context(), name, qtype)
	require.NoError(t, err)
	v, err := dnssec.Validate(t.Context(), n.lookup, anchors, dns.Question{Name: name, Qtype: qtype, Qclass: dns.ClassINET}, reply, n.now)
	require.NoError(t, err)
	require.Equal(t, v.Status == dnssec.Secure, v.Reason == "", v.Reason)
	return v
}

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

// change edits the records of one type in a section; those for which it returns nil go.
func change(section []dns.RR, kind uint16, edit func(dns.RR) dns.RR) (kept []dns.RR) {
	for _, r := range section {
		if r.Header().Rrtype == kind {
			r = edit(dns.Copy(r))
		}
		if r != nil {
			kept = append(kept, r)
		}
	}
	return kept
}

// all edits every section.
func all(reply *dns.Msg, kind uint16, edit func(dns.RR) dns.RR) {
	reply.Answer, reply.Ns = change(reply.Answer, kind, edit), change(reply.Ns, kind, edit)
}

func drop(dns.RR) dns.RR { return nil }

// covering edits the signatures over records of a type.
func covering(kind uint16, edit func(*dns.RRSIG)) func(dns.RR) dns.RR {
	return func(r dns.RR) dns.RR {
		if sig := r.(*dns.RRSIG); sig.TypeCovered == kind {
			edit(sig)
		}
		return r
	}
}

func TestWhatIsBrokenIsBogus(t *testing.T) {
	for name, tc := range map[string]struct {
		break_ func(t *testing.T, n *names)
		ask    string
		qtype  uint16
		status dnssec.Status
		text   string
	}{
		"expired": {func(t *testing.T, n *names) {
			n.zones["test."].Until = time.Now().Add(-time.Minute).Truncate(time.Second)
		}, "www.test.", dns.TypeA, dnssec.Bogus, "the signature of DNSKEY of test expired on 20"},
		"not yet valid": {func(t *testing.T, n *names) {
			n.zones["hash.test."].From = time.Now().Add(time.Minute)
		}, "www.hash.test.", dns.TypeA, dnssec.Bogus, "the signature of DNSKEY of hash.test is not valid before 20"},
		"expired answer only": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				all(r, dns.TypeRRSIG, covering(dns.TypeA, func(s *dns.RRSIG) { s.Expiration = uint32(time.Now().Unix()) - 5 }))
			}
		}, "www.test.", dns.TypeA, dnssec.Bogus, "the signature of A of www.test expired on"},
		"wrong key": {func(t *testing.T, n *names) { n.zones["hash.test."].Rekey(t) },
			"www.hash.test.", dns.TypeA, dnssec.Bogus, "no key of hash.test is the one that its DS in test names"},
		"unknown key": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				all(r, dns.TypeRRSIG, covering(dns.TypeA, func(s *dns.RRSIG) { s.KeyTag++ }))
			}
		}, "www.test.", dns.TypeA, dnssec.Bogus, "which test does not publish"},
		"no key": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				if r.Question[0].Name == "hash.test." {
					all(r, dns.TypeDNSKEY, drop)
				}
			}
		}, "www.hash.test.", dns.TypeA, dnssec.Bogus, "hash.test has no key, though its DS in test names one"},
		"changed data": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				all(r, dns.TypeA, func(rr dns.RR) dns.RR { rr.(*dns.A).A[3]++; return rr })
			}
		}, "www.test.", dns.TypeA, dnssec.Bogus, "the signature of A of www.test by key"},
		"one record missing": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				if len(r.Answer) > 2 {
					r.Answer = r.Answer[1:]
				}
			}
		}, "www.test.", dns.TypeA, dnssec.Bogus, "is wrong"},
		"signature stripped": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				if r.Question[0].Qtype == dns.TypeA {
					all(r, dns.TypeRRSIG, drop)
				}
			}
		}, "www.test.", dns.TypeA, dnssec.Bogus, "A of www.test is not signed, though its zone test is"},
		"signature cut": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				all(r, dns.TypeRRSIG, covering(dns.TypeA, func(s *dns.RRSIG) { s.Signature = "" }))
			}
		}, "www.hash.test.", dns.TypeA, dnssec.Bogus, "is wrong"},
		"everything stripped": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				if r.Question[0].Qtype != dns.TypeDNSKEY {
					all(r, dns.TypeRRSIG, drop)
				}
			}
		}, "www.test.", dns.TypeA, dnssec.Bogus, "DS of test is not signed, though its zone . is"},
		"digest missing": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				if r.Question[0].Qtype == dns.TypeDS && r.Question[0].Name == "hash.test." {
					r.Answer, r.Ns = nil, nil
				}
			}
		}, "www.hash.test.", dns.TypeA, dnssec.Bogus, "test does not prove that hash.test has no DS"},
		"digest hidden behind the proof of another name": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				if r.Question[0].Qtype == dns.TypeDS && r.Question[0].Name == "hash.test." {
					r.Answer, r.Ns = nil, n.world.Answer(new(dns.Msg).SetQuestion("plain.test.", dns.TypeDS)).Ns
				}
			}
		}, "www.hash.test.", dns.TypeA, dnssec.Bogus, "test does not prove that hash.test has no DS"},
		"delegation denied by its own zone": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				if r.Question[0].Qtype == dns.TypeDS && r.Question[0].Name == "hash.test." {
					r.Answer, r.Ns = nil, n.world.Answer(new(dns.Msg).SetQuestion("hash.test.", dns.TypeMX)).Ns
				}
			}
		}, "www.hash.test.", dns.TypeA, dnssec.Bogus, "is signed by hash.test, not by its zone test"},
		"signed by a zone that is none": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				all(r, dns.TypeRRSIG, covering(dns.TypeA, func(s *dns.RRSIG) { s.SignerName = "www.test." }))
			}
		}, "www.test.", dns.TypeA, dnssec.Bogus, "A of www.test is signed by www.test, not by its zone test"},
		"no proof of absence": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) { all(r, dns.TypeNSEC, drop) }
		}, "none.test.", dns.TypeA, dnssec.Bogus, "test does not prove that none.test has no DS"},
		"no proof of a missing type": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				if r.Question[0].Qtype == dns.TypeMX {
					r.Ns = nil
				}
			}
		}, "www.hash.test.", dns.TypeMX, dnssec.Bogus, "hash.test does not prove that www.hash.test has no MX"},
		"denied though it is there": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				if r.Question[0].Qtype == dns.TypeA {
					r.Answer, r.Ns = nil, n.world.Answer(new(dns.Msg).SetQuestion("www.test.", dns.TypeMX)).Ns
				}
			}
		}, "www.test.", dns.TypeA, dnssec.Bogus, "test does not prove that www.test has no A"},
		"wildcard without proof": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				if r.Question[0].Qtype == dns.TypeA {
					r.Ns = nil
				}
			}
		}, "any.wild.test.", dns.TypeA, dnssec.Bogus, "any.wild.test does not exist beside the wildcard"},
		"hashed wildcard without proof": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				if r.Question[0].Qtype == dns.TypeA {
					r.Ns = nil
				}
			}
		}, "any.wild.hash.test.", dns.TypeA, dnssec.Bogus, "any.wild.hash.test does not exist beside the wildcard"},
		"wildcard hidden": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				if r.Question[0].Qtype == dns.TypeA {
					r.Rcode, r.Answer = dns.RcodeNameError, nil
				}
			}
		}, "any.wild.test.", dns.TypeA, dnssec.Bogus, "test does not prove that any.wild.test does not exist"},
		"denied beside records": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				if r.Question[0].Qtype == dns.TypeA {
					r.Rcode = dns.RcodeNameError
				}
			}
		}, "www.test.", dns.TypeA, dnssec.Bogus, "the server answers NXDOMAIN, though there is A of www.test"},
		"a wildcard further up": {func(t *testing.T, n *names) {
			n.zones["test."].Add(t, "*.test. 300 IN A 192.0.2.66")
			n.tamper = wrongWildcard(n, "any.wild.test.", "other.test.")
		}, "any.wild.test.", dns.TypeA, dnssec.Bogus, "any.wild.test does not exist beside the wildcard that stood in for it"},
		"a hashed wildcard further up": {func(t *testing.T, n *names) {
			n.zones["hash.test."].Add(t, "*.hash.test. 300 IN A 192.0.2.66")
			n.tamper = wrongWildcard(n, "any.wild.hash.test.", "other.hash.test.")
		}, "any.wild.hash.test.", dns.TypeA, dnssec.Bogus, "any.wild.hash.test does not exist beside the wildcard that stood in for it"},
		"too many iterations": {func(t *testing.T, n *names) { n.zones["hash.test."].Iterations = 200 },
			"none.hash.test.", dns.TypeA, dnssec.Insecure, "hashes names 200 times"},
		"unknown algorithm": {func(t *testing.T, n *names) {
			n.zones["test."].Add(t, "new.test. 300 IN NS ns.new.test.", "new.test. 300 IN DS 1 200 2 "+strings.Repeat("ab", 32))
			z := signedzone.New(t, "new.test.", 0)
			z.Add(t, "www.new.test. 300 IN A 192.0.2.1")
			n.world = append(n.world, z)
		}, "www.new.test.", dns.TypeA, dnssec.Insecure, "new.test is signed by algorithms that are not known here"},
		"circle": {func(t *testing.T, n *names) {
			n.zones["test."].Add(t, "a.test. 300 IN CNAME b.test.", "b.test. 300 IN CNAME a.test.")
		}, "a.test.", dns.TypeA, dnssec.Bogus, "lead in a circle"},
		"server fails": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				if r.Question[0].Qtype == dns.TypeDNSKEY {
					r.Rcode = dns.RcodeServerFailure
				}
			}
		}, "www.test.", dns.TypeA, dnssec.Indeterminate, "the server answered SERVFAIL to DNSKEY of ."},
		"server refuses": {func(t *testing.T, n *names) { n.world = n.world[1:] },
			"www.test.", dns.TypeA, dnssec.Indeterminate, "name one that resolves for this runner, or give a trust anchor of a zone that it serves"},
		"many keys of one number": {func(t *testing.T, n *names) {
			n.tamper = func(r *dns.Msg) {
				if r.Question[0].Name == "test." && r.Question[0].Qtype == dns.TypeDNSKEY {
					key, sig := r.Answer[0], r.Answer[1]
					for range 60 {
						r.Answer = append(r.Answer, dns.Copy(key), dns.Copy(sig))
					}
				}
				all(r, dns.TypeRRSIG, covering(dns.TypeDNSKEY, func(s *dns.RRSIG) { s.Signature = strings.Repeat("A", len(s.Signature)) }))
			}
		}, "www.test.", dns.TypeA, dnssec.Bogus, "is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNames(t)
			tc.break_(t, n)
			v := n.validate(t, tc.ask, tc.qtype)
			require.Equal(t, tc.status, v.Status, v.Reason)
			require.Contains(t, v.Reason, tc.text)
		})
	}
}

// wrongWildcard answers for a name with what a wildcard further up has for another one, and with the
// proofs of both.
func wrongWildcard(n *names, name, other string) func(*dns.Msg) {
	return func(r *dns.Msg) {
		if r.Question[0].Name != name || r.Question[0].Qtype != dns.TypeA {
			return
		}
		proofs := r.Ns
		answer := n.world.Answer(new(dns.Msg).SetQuestion(other, dns.TypeA))
		r.Answer, r.Ns = nil, append(proofs, answer.Ns...)
		for _, record := range answer.Answer {
			record = dns.Copy(record)
			record.Header().Name = name
			r.Answer = append(r.Answer, record)
		}
	}
}

func TestNamesWithoutEndTakeABoundedNumberOfQuestions(t *testing.T) {
	n := newNames(t)
	long := strings.Repeat("a.", 100) + "wild.test."
	n.zones["test."].Add(t, long+" 300 IN A 192.0.2.1")
	n.tamper = func(r *dns.Msg) {
		if r.Question[0].Name == long {
			r.Answer = change(r.Answer, dns.TypeRRSIG, drop)
		}
	}
	v := n.validate(t, long, dns.TypeA)
	require.Equal(t, dnssec.Indeterminate, v.Status, v.Reason)
	require.Contains(t, v.Reason, "validating takes more ")
	require.LessOrEqual(t, n.asked, 74)
}

func TestAnErrorOfTheLookupEndsIt(t *testing.T) {
	n := newNames(t)
	broken := errors.New("broken")
	reply, err := n.lookup(t.Context(), "www.test.", dns.TypeA)
	require.NoError(t, err)
	_, err = dnssec.Validate(t.Context(), func(context.Context, string, uint16) (*dns.Msg, error) { return nil, broken }, n.anchors(t),
		dns.Question{Name: "www.test.", Qtype: dns.TypeA}, reply, n.now)
	require.ErrorIs(t, err, broken)
}

func TestAnchors(t *testing.T) {
	for text, problem := range map[string]string{
		"":                           "is no record",
		"nonsense":                   "is no record",
		"example.org. A 192.0.2.1":   "is a record of type A: use DS or DNSKEY",
		"example.org. DS 1 8 2 abcd": "has a digest of another length than 32 bytes",
		"example.org. DS 1 3 2 " + strings.Repeat("ab", 32):        "has algorithm 3 with digest 2, which are not known",
		"example.org. CH DS 1 8 2 " + strings.Repeat("ab", 32):     "is not of class IN",
		"example.org. DNSKEY 0 3 13 " + strings.Repeat("A", 86):    "is no key that signs a zone",
		"$GENERATE 1-3 a$ DS 1 8 2 " + strings.Repeat("ab", 32):    "is no single record",
		strings.Repeat("a", 2001):                                  "is longer than 2000 bytes",
		"example.org. DNSKEY 257 3 16 " + strings.Repeat("A", 100): "has algorithm 16, which is not known",
	} {
		require.ErrorContains(t, dnssec.Anchors{}.Add(text), problem, text)
	}
	anchors := dnssec.Anchors{}
	require.NoError(t, anchors.Add("Example.ORG DS 1 8 2 "+strings.Repeat("AB", 32)))
	require.NoError(t, anchors.Add("example.org. 300 IN DS 2 13 4 "+strings.Repeat("ab", 48)))
	require.Len(t, anchors["example.org."], 2)
}

// TestRootAnchorsAreThoseOfTheKeys holds the digests to the keys as Debian publishes them in dns-root-data.
func TestRootAnchorsAreThoseOfTheKeys(t *testing.T) {
	anchors := dnssec.Anchors{}
	for _, key := range []string{
		"AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=",
		"AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeHspaQWOmOElZsjICMQMC3aeHbGiShvZsx4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/dL/q8PkcRU5oUKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4YeGyxMvHmbrxlFzGOHOijtzN+u1TQNatX2XBuzZNQ1K+s2CXkPIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayffKC73PYc=",
	} {
		require.NoError(t, anchors.Add(". DNSKEY 257 3 8 "+key))
	}
	for i, digest := range dnssec.RootAnchors()["."] {
		require.Equal(t, anchors["."][i].KeyTag, digest.KeyTag)
		require.Equal(t, anchors["."][i].Digest, digest.Digest)
	}
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

func TestItEndsWithItsContext(t *testing.T) {
	n := newNames(t)
	ctx, cancel := context.WithCancel(t.Context())
	lookup := func(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
		cancel()
		return n.lookup(ctx, name, qtype)
	}
	reply, err := n.lookup(t.Context(), "www.test.", dns.TypeA)
	require.NoError(t, err)
	_, err = dnssec.Validate(ctx, lookup, n.anchors(t), dns.Question{Name: "www.test.", Qtype: dns.TypeA}, reply, n.now)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 2, n.asked)
}

// TestOneFlippedBitIsNeverSecure changes any byte of any answer: then the outcome may be anything but
// secure with other data than was signed.
func TestOneFlippedBitIsNeverSecure(t *testing.T) {
	n := newNames(t)
	anchors := n.anchors(t)
	asked := []string{"www.test.", "www.hash.test.", "any.wild.test.", "none.test.", "none.hash.test.", "www.sub.optout.test.", "alias.test."}
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(asked).Draw(rt, "name")
		reply, err := n.lookup(t.Context(), name, dns.TypeA)
		require.NoError(rt, err)
		raw, err := reply.Pack()
		require.NoError(rt, err)
		at := rapid.IntRange(12, len(raw)-1).Draw(rt, "at")
		raw[at] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		changed := new(dns.Msg)
		if changed.Unpack(raw) != nil {
			return
		}
		v, err := dnssec.Validate(t.Context(), n.lookup, anchors, dns.Question{Name: name, Qtype: dns.TypeA, Qclass: dns.ClassINET}, changed, n.now)
		require.NoError(rt, err)
		if v.Status == dnssec.Secure {
			require.Equal(rt, data(reply, name), data(changed, name), "at %d", at)
		}
	})
}

// data is what of an answer a validator vouches for.
func data(m *dns.Msg, name string) (texts []string) {
	for range 5 {
		var next string
		for _, r := range m.Answer {
			if strings.EqualFold(r.Header().Name, name) && r.Header().Class == dns.ClassINET {
				switch r := r.(type) {
				case *dns.A:
					texts = append(texts, r.A.String())
				case *dns.CNAME:
					next = strings.ToLower(r.Target)
				}
			}
		}
		if next == "" || len(texts) > 0 {
			break
		}
		name = next
	}
	slices.Sort(texts)
	return append(texts, fmt.Sprint(m.Rcode))
}

// TestReverseNamesOfIPv6AreNotTooMuch validates the longest names that there are in numbers: one label
// for each of 32 digits, of which none is a zone.
func TestReverseNamesOfIPv6AreNotTooMuch(t *testing.T) {
	for _, hashed := range []bool{false, true} {
		n := newNames(t)
		name := strings.Repeat("1.", 32) + "ip6.arpa."
		arpa := signedzone.New(t, "arpa.", dns.ECDSAP256SHA256)
		arpa.NSEC3 = hashed
		arpa.Add(t, name+" 300 IN PTR www.test.")
		n.zones["."].Delegate(t, arpa)
		n.world = append(n.world, arpa)
		require.Equal(t, dnssec.Secure, n.validate(t, name, dns.TypePTR).Status)
		v := n.validate(t, name, dns.TypeTXT)
		require.Equal(t, dnssec.Secure, v.Status, v.Reason)
	}
}
