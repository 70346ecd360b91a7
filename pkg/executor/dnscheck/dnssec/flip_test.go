package dnssec_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/executor/dnscheck/dnssec"
)

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
