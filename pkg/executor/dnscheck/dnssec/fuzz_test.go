package dnssec_test

import (
	"context"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/dnscheck/dnssec"
)

// FuzzValidate answers with whatever a server may send, to the question and to all that validation
// asks then.
func FuzzValidate(f *testing.F) {
	n := newNames(f)
	anchors := n.anchors(f)
	for _, name := range []string{"www.test.", "any.wild.test.", "none.hash.test.", "alias.test."} {
		reply := n.world.Answer(new(dns.Msg).SetQuestion(name, dns.TypeA))
		raw, err := reply.Pack()
		require.NoError(f, err)
		keys, err := n.world.Answer(new(dns.Msg).SetQuestion("test.", dns.TypeDNSKEY)).Pack()
		require.NoError(f, err)
		f.Add(name, raw, keys, dns.TypeA)
	}
	f.Fuzz(func(t *testing.T, name string, raw, other []byte, qtype uint16) {
		reply := new(dns.Msg)
		if _, ok := dns.IsDomainName(name); !ok || reply.Unpack(raw) != nil {
			return
		}
		asked := 0
		lookup := func(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
			asked++
			if asked == 1 {
				return n.lookup(ctx, name, qtype)
			}
			m := new(dns.Msg)
			if m.Unpack(other) != nil {
				return n.lookup(ctx, name, qtype)
			}
			return m, nil
		}
		v, err := dnssec.Validate(t.Context(), lookup, anchors, dns.Question{Name: dns.Fqdn(name), Qtype: qtype, Qclass: dns.ClassINET}, reply, n.now)
		require.NoError(t, err)
		require.NotEmpty(t, v.Status)
		require.LessOrEqual(t, asked, 72)
	})
}

// FuzzAnchor reads whatever a user may give as a trust anchor.
func FuzzAnchor(f *testing.F) {
	f.Add("example.org. DS 12345 13 2 abcd")
	f.Add("example.org. 300 IN DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==")
	f.Fuzz(func(t *testing.T, text string) {
		anchors := dnssec.Anchors{}
		if err := anchors.Add(text); err != nil {
			require.NotEmpty(t, err.Error())
			require.Empty(t, anchors)
			return
		}
		require.Len(t, anchors, 1)
	})
}
