package route

import (
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// FuzzAnswers takes addresses out of whatever a resolver may send.
func FuzzAnswers(f *testing.F) {
	for _, lines := range [][]string{
		{"a.test. 60 IN A 192.0.2.1"}, {"a.test. 60 IN CNAME b.test.", "b.test. 60 IN AAAA 2001:db8::1"}, {"a.test. 60 IN CNAME a.test."}, {"b.test. 60 IN A 192.0.2.1"},
	} {
		m := new(dns.Msg).SetQuestion("a.test.", dns.TypeA)
		m.Response = true
		for _, line := range lines {
			record, err := dns.NewRR(line)
			require.NoError(f, err)
			m.Answer = append(m.Answer, record)
		}
		raw, err := m.Pack()
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := new(dns.Msg)
		if m.Unpack(raw) != nil || len(m.Question) != 1 {
			return
		}
		for _, address := range addressesOf(m, dns.TypeA) {
			require.True(t, address.Is4())
		}
		require.LessOrEqual(t, len(addressesOf(m, dns.TypeAAAA)), maxAddresses)
	})
}
