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
		p := &probe{qtype: qtype, qclass: dns.ClassINET, name: "two.test.", options: Options{Type: "X", Expect: Expect{Answers: []string{want}, Match: "exact"}}}
		_ = foreign(query, reply)
		seen := p.observe(t.Context(), answer{Msg: reply, server: "server", timings: &monitor.Timings{}}, time.Second)
		if seen.Err != nil {
			return
		}
		encoded, err := json.Marshal(seen.Observed)
		require.NoError(t, err)
		require.True(t, utf8.Valid(encoded))
		value, _ := seen.Values("answers")
		answers, ok := value.([]string)
		require.True(t, ok)
		require.True(t, slices.IsSorted(answers))
	})
}

// FuzzWeigh estimates whatever may come, and never less than a tenth of what reading it takes.
func FuzzWeigh(f *testing.F) {
	message := new(dns.Msg).SetQuestion("two.test.", dns.TypeTXT)
	for _, line := range []string{`two.test. 60 IN TXT "a\"b" "c\000"`, "two.test. 1 IN NSEC a.two.test. A TXT TYPE65400", "two.test. 60 IN HTTPS 1 . alpn=h2", "two.test. 60 IN APL 1:10.0.0.0/8"} {
		record, err := dns.NewRR(line)
		require.NoError(f, err)
		message.Answer = append(message.Answer, record)
	}
	message.SetEdns0(1232, true)
	raw, err := message.Pack()
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte("\x00\x00\x80\x00\x00\x01\xff\xff\x00\x00\x00\x00\xc0\x0c"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > dns.MaxMsgSize {
			return
		}
		weight := weigh(raw)
		m := new(dns.Msg)
		if m.Unpack(raw) == nil {
			require.GreaterOrEqual(t, weight, len(m.String())/10)
		}
	})
}

// FuzzServer reads whatever a user may give as a server, or a secret holds.
func FuzzServer(f *testing.F) {
	f.Add("192.0.2.53", byUDP)
	f.Add("[::1]:853", byDoT)
	f.Add("https://dns.example.org/dns-query?a=b", byDoH)
	f.Fuzz(func(t *testing.T, text, transport string) {
		server, problem := serverOf(text, transport)
		require.NotEqual(t, server == "", problem == "")
		if problem == "" && transport == byDoH {
			again, problem := serverOf(server, transport)
			require.Empty(t, problem)
			require.Equal(t, server, again)
		}
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
