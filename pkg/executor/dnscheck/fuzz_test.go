package dnscheck

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

// FuzzObserve reads whatever a server may send.
func FuzzObserve(f *testing.F) {
	message := new(dns.Msg).SetQuestion("two.test.", dns.TypeTXT)
	message.Response = true
	for _, line := range []string{`two.test. 60 IN TXT "a\"b" "c\000"`, "two.test. 1 IN A 192.0.2.1", "two.test. 60 IN TYPE65400 \\# 3 abcdef"} {
		record, err := dns.NewRR(line)
		require.NoError(f, err)
		message.Answer = append(message.Answer, record)
	}
	raw, err := message.Pack()
	require.NoError(f, err)
	f.Add(raw, dns.TypeTXT, "a")
	f.Add([]byte{}, dns.TypeANY, "")
	f.Fuzz(func(t *testing.T, raw []byte, qtype uint16, want string) {
		reply := new(dns.Msg)
		if reply.Unpack(raw) != nil {
			return
		}
		query := new(dns.Msg).SetQuestion("two.test.", qtype)
		p := &probe{blank: blank(), qtype: qtype, name: "two.test.", options: Options{Type: "X", Expect: Expect{Answers: []string{want}, Match: "exact"}}}
		_ = foreign(query, reply)
		seen := p.observe(t.Context(), answer{Msg: reply, server: "server", timings: &monitor.Timings{}}, time.Second)
		if seen.Err != nil {
			return
		}
		encoded, err := json.Marshal(seen.Observed)
		require.NoError(t, err)
		require.True(t, utf8.Valid(encoded))
		answers, ok := seen.Values["answers"].([]string)
		require.True(t, ok)
		require.True(t, slices.IsSorted(answers))
	})
}

// FuzzHosts reads whatever may stand in the system's file.
func FuzzHosts(f *testing.F) {
	f.Add("127.0.0.1 localhost\n::1\tlocalhost ip6 # comment\nfe80::1%lo0 x")
	f.Add(`:: \`)
	f.Fuzz(func(t *testing.T, text string) {
		for name, addresses := range parseHosts(text) {
			require.True(t, dns.IsFqdn(name))
			require.NotEmpty(t, addresses)
		}
	})
}
