package dnssec_test

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/dnscheck/dnssec"
	"github.com/vedette/vedette/pkg/executor/executortest/signedzone"
)

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
