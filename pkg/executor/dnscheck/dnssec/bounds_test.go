package dnssec_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/dnscheck/dnssec"
	"github.com/vedette/vedette/pkg/executor/executortest/signedzone"
)

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
