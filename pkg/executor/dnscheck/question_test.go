package dnscheck_test

import (
	"sync"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/dnscheck"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/monitor"
)

// listening is a server that notes what it is asked.
func listening(t *testing.T, answer dns.HandlerFunc) (server string, asked func() *dns.Msg) {
	t.Helper()
	var mu sync.Mutex
	var last *dns.Msg
	server = executortest.ServeDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		mu.Lock()
		last = q.Copy()
		mu.Unlock()
		answer(w, q)
	})
	return server, func() *dns.Msg {
		mu.Lock()
		defer mu.Unlock()
		return last
	}
}

func TestQuestion(t *testing.T) {
	server, asked := listening(t, func(w dns.ResponseWriter, q *dns.Msg) {
		reply := new(dns.Msg).SetReply(q)
		reply.AuthenticatedData, reply.Authoritative = q.AuthenticatedData, true
		_ = w.WriteMsg(reply)
	})
	ask := func(options map[string]any, assertions ...string) *dns.Msg {
		t.Helper()
		options["server"] = server
		r := execute(t, dnscheck.New("", ""), "two.test", options, append(assertions, "answers == []")...)
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
		return asked()
	}
	q := ask(map[string]any{}, `flags == ["qr", "aa", "rd"]`)
	require.True(t, q.RecursionDesired)
	require.False(t, q.CheckingDisabled || q.AuthenticatedData)
	require.EqualValues(t, 1232, q.IsEdns0().UDPSize())
	require.False(t, q.IsEdns0().Do())
	require.Empty(t, q.IsEdns0().Option)

	q = ask(map[string]any{"flags": map[string]any{"recursion_desired": false, "checking_disabled": true, "authenticated_data": true}}, `"ad" in flags && !("rd" in flags)`)
	require.False(t, q.RecursionDesired)
	require.True(t, q.CheckingDisabled && q.AuthenticatedData)

	q = ask(map[string]any{"edns": map[string]any{"size": 4096, "dnssec_ok": true, "client_subnet": "192.0.2.99/24"}})
	require.EqualValues(t, 4096, q.IsEdns0().UDPSize())
	require.True(t, q.IsEdns0().Do())
	subnet, ok := q.IsEdns0().Option[0].(*dns.EDNS0_SUBNET)
	require.True(t, ok)
	require.Equal(t, "192.0.2.0/24/0", subnet.String())
	q = ask(map[string]any{"edns": map[string]any{"client_subnet": "2001:db8::/56"}})
	require.Contains(t, q.IsEdns0().Option[0].String(), "2001:db8::]/56")

	for text, want := range map[string][2]uint16{
		"":          {dns.TypeA, dns.ClassINET},
		"https":     {dns.TypeHTTPS, dns.ClassINET},
		"type65":    {dns.TypeHTTPS, dns.ClassINET},
		"TYPE65400": {65400, dns.ClassINET},
		"isdn":      {dns.TypeISDN, dns.ClassINET},
	} {
		q = ask(map[string]any{"type": text})
		require.Equal(t, want, [2]uint16{q.Question[0].Qtype, q.Question[0].Qclass}, text)
	}
	for text, want := range map[string]uint16{"ch": dns.ClassCHAOS, "HS": dns.ClassHESIOD, "ANY": dns.ClassANY, "CLASS7": 7} {
		q = ask(map[string]any{"type": "TXT", "class": text})
		require.Equal(t, want, q.Question[0].Qclass)
	}
}

func TestEveryTypeThatIsKnownCanBeAskedFor(t *testing.T) {
	refused := 0
	for name := range dns.StringToType {
		_, problems := dnscheck.New("", "").Prepare(monitor.Definition{Kind: "dns", Target: "home.test", Options: []byte(`{"type":"` + name + `"}`)})
		if len(problems) > 0 {
			require.Contains(t, []string{"None", "Reserved", "OPT", "NXNAME", "TKEY", "TSIG", "IXFR", "AXFR", "MAILB", "MAILA", "UNSPEC", "UID", "GID", "UINFO"}, name)
			refused++
		}
	}
	require.Greater(t, len(dns.StringToType)-refused, 75)
}

func TestSectionsAndAliases(t *testing.T) {
	server := executortest.ServeDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		reply := new(dns.Msg).SetReply(q)
		for _, line := range []string{"home.test. 60 IN CNAME Edge.Test.", "edge.test. 30 IN CNAME node.test.", "node.test. 20 IN A 192.0.2.1", "stray.test. 10 IN A 192.0.2.9"} {
			record, _ := dns.NewRR(line)
			reply.Answer = append(reply.Answer, record)
		}
		ns, _ := dns.NewRR("test. 60 IN NS ns.test.")
		glue, _ := dns.NewRR("ns.test. 60 IN A 192.0.2.53")
		reply.Ns, reply.Extra = []dns.RR{ns}, []dns.RR{glue}
		reply.SetEdns0(1232, false)
		_ = w.WriteMsg(reply)
	})
	r := execute(t, dnscheck.New("", ""), "home.test", map[string]any{"server": server},
		`cname == ["Edge.Test.", "node.test."]`, `answers == ["192.0.2.1"]`, "ttl == 20", "records.size() == 4",
		`authority == [{"name": "test.", "type": "NS", "class": "IN", "ttl": 60, "data": "ns.test."}]`,
		`additional.size() == 1 && additional[0].data == "192.0.2.53"`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Equal(t, []string{"Edge.Test.", "node.test."}, r.Observed["cname"])
	r = execute(t, dnscheck.New("", ""), "home.test", map[string]any{"server": server, "type": "MX"})
	require.Equal(t, "no MX record at node.test, which is what the name is an alias for", r.Error)
}

func TestExpectations(t *testing.T) {
	server := executortest.ServeDNS(t, zone("mx.test. 60 IN MX 10 mx1.test.", "mx.test. 60 IN MX 20 mx2.test."))
	for name, tc := range map[string]struct {
		target  string
		expect  map[string]any
		outcome monitor.Outcome
		text    string
	}{
		"code as wanted":       {"gone.test", map[string]any{"rcode": "nxdomain"}, monitor.OutcomeSuccess, ""},
		"another code":         {"refused.test", map[string]any{"rcode": "NXDOMAIN"}, monitor.OutcomeFailure, "the server answered REFUSED, expected NXDOMAIN"},
		"there after all":      {"mx.test", map[string]any{"rcode": "NXDOMAIN"}, monitor.OutcomeFailure, "the server answered NOERROR, expected NXDOMAIN"},
		"long enough":          {"mx.test", map[string]any{"min_ttl": 60}, monitor.OutcomeSuccess, ""},
		"too short":            {"mx.test", map[string]any{"min_ttl": 61}, monitor.OutcomeFailure, "the time to live is 60 s, expected at least 61 s"},
		"pattern":              {"mx.test", map[string]any{"patterns": []string{`^10 mx[0-9]\.`}}, monitor.OutcomeSuccess, ""},
		"no pattern":           {"mx.test", map[string]any{"patterns": []string{`^30 `}}, monitor.OutcomeFailure, "expected any of /^30 /"},
		"pattern and answer":   {"mx.test", map[string]any{"patterns": []string{`^10 `}, "answers": []string{"20 mx2.test"}, "match": "exact"}, monitor.OutcomeSuccess, ""},
		"pattern but not all":  {"mx.test", map[string]any{"patterns": []string{`^10 `, `^11 `}, "match": "all"}, monitor.OutcomeFailure, "expected all of /^10 /, /^11 /"},
		"pattern leaves some":  {"mx.test", map[string]any{"patterns": []string{`^10 `}, "match": "exact"}, monitor.OutcomeFailure, "expected exact of /^10 /"},
		"one pattern for both": {"mx.test", map[string]any{"patterns": []string{`mx[12]\.test`}, "match": "exact"}, monitor.OutcomeSuccess, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, dnscheck.New("", ""), tc.target, map[string]any{"server": server, "type": "MX", "expect": tc.expect})
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
		})
	}
}
