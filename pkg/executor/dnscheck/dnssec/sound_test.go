package dnssec_test

import (
	"context"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/executor/dnscheck/dnssec"
)

// proofs are all the signed records that any server of the world may show as a proof that something is
// not there, each with its signature.
func (n *names) proofs() (found [][]dns.RR) {
	seen := map[string]bool{}
	var asked []string
	for _, z := range n.world {
		for _, prefix := range []string{"", "www.", "none.", "a.", "m.", "zz.", "deep.down.", "down.", "x.down.", "*.wild.", "any.wild.", "a.b.wild.", "sub.", "bare.", "hash.", "plain.", "optout.", "old.", "alias."} {
			asked = append(asked, prefix+dns.Fqdn(z.Name[:len(z.Name)-1]))
		}
	}
	for _, name := range asked {
		for _, kind := range []uint16{dns.TypeMX, dns.TypeDS} {
			if _, ok := dns.IsDomainName(name); !ok {
				continue
			}
			var record dns.RR
			for _, r := range n.world.Answer(new(dns.Msg).SetQuestion(name, kind)).Ns {
				if t := r.Header().Rrtype; t == dns.TypeNSEC || t == dns.TypeNSEC3 {
					record = r
					continue
				}
				if sig, ok := r.(*dns.RRSIG); ok && record != nil && !seen[record.String()] && sig.TypeCovered == record.Header().Rrtype {
					seen[record.String()] = true
					found = append(found, []dns.RR{record, r})
				}
				record = nil
			}
		}
	}
	return found
}

// TestNothingProvesWhatIsNotSo shows a validator true records of every zone, picked and put together by
// an attacker, as proof that what exists does not, that a signed zone is not signed, or that a wildcard
// stands for a name that exists. None may do.
func TestNothingProvesWhatIsNotSo(t *testing.T) {
	n := newNames(t)
	anchors := n.anchors(t)
	proofs := n.proofs()
	require.Greater(t, len(proofs), 15)
	type there struct {
		name string
		kind uint16
	}
	existing := []there{
		{"www.test.", dns.TypeA}, {"test.", dns.TypeSOA}, {"deep.down.test.", dns.TypeTXT}, {"any.wild.test.", dns.TypeA}, {"a.b.wild.test.", dns.TypeA}, {"test.", dns.TypeDS},
		{"www.hash.test.", dns.TypeA}, {"deep.down.hash.test.", dns.TypeTXT}, {"any.wild.hash.test.", dns.TypeA}, {"hash.test.", dns.TypeDS}, {"hash.test.", dns.TypeDNSKEY},
		{"www.optout.test.", dns.TypeA}, {"www.sub.optout.test.", dns.TypeA}, {"sub.optout.test.", dns.TypeDS}, {"alias.test.", dns.TypeA}, {"www.old.test.", dns.TypeA},
	}
	rapid.Check(t, func(rt *rapid.T) {
		target := rapid.SampledFrom(existing).Draw(rt, "target")
		nothing := func(q dns.Question) *dns.Msg {
			reply := new(dns.Msg).SetQuestion(q.Name, q.Qtype)
			reply.Response, reply.RecursionAvailable = true, rapid.Bool().Draw(rt, "recursion")
			reply.Rcode = rapid.SampledFrom([]int{dns.RcodeSuccess, dns.RcodeNameError}).Draw(rt, "rcode")
			for _, proof := range rapid.SliceOfNDistinct(rapid.SampledFrom(proofs), 0, 12, func(p []dns.RR) string { return p[0].String() }).Draw(rt, "proofs") {
				reply.Ns = append(reply.Ns, dns.Copy(proof[0]), dns.Copy(proof[1]))
			}
			return reply
		}
		lookup := func(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
			if qtype == dns.TypeDS && rapid.Bool().Draw(rt, "lie") {
				return nothing(dns.Question{Name: name, Qtype: qtype}), nil
			}
			return n.lookup(ctx, name, qtype)
		}
		question := dns.Question{Name: target.name, Qtype: target.kind, Qclass: dns.ClassINET}
		v, err := dnssec.Validate(t.Context(), lookup, anchors, question, nothing(question), n.now)
		require.NoError(rt, err)
		require.NotEqual(rt, dnssec.Secure, v.Status, "%v", target)
		require.NotEqual(rt, dnssec.Insecure, v.Status, "%v: %s", target, v.Reason)
	})
}
