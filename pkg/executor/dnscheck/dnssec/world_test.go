package dnssec_test

import (
	"context"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

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
