package dnscheck_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/dnscheck"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/executortest/signedzone"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestSeveralServersHaveToAgree(t *testing.T) {
	one := executortest.ServeDNS(t, zone("two.test. 60 IN A 192.0.2.1", "two.test. 60 IN A 192.0.2.2"))
	same := executortest.ServeDNS(t, zone("two.test. 5 IN A 192.0.2.2", "Two.test. 5 IN A 192.0.2.1"))
	other := executortest.ServeDNS(t, zone("two.test. 60 IN A 192.0.2.1"))
	none := executortest.ServeDNS(t, zone())
	ask := func(assertions []string, servers ...string) monitor.Result {
		return execute(t, dnscheck.New("", ""), "two.test", map[string]any{"servers": servers}, assertions...)
	}
	r := ask(nil, one, same)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Equal(t, true, r.Observed["agree"])
	r = ask(nil, one, other, same, none)
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Equal(t, fmt.Sprintf("the servers differ: %s and %s: 192.0.2.1, 192.0.2.2; %s: 192.0.2.1; %s: NXDOMAIN without records", one, same, other, none), r.Error)
	dead := executortest.Closed(t, "udp")
	r = ask(nil, dead, one)
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Contains(t, r.Error, "the servers differ: "+dead+": connection refused")
	require.Equal(t, one, r.Observed["server"])
	r = ask(nil, dead)
	require.Contains(t, r.Error, "connection refused")
	r = ask(nil, dead, executortest.Closed(t, "udp"))
	require.Contains(t, r.Error, "no server answers: connection refused")
	r = ask([]string{"!agree", `by_server["` + other + `"].answers == ["192.0.2.1"]`, `by_server["` + one + `"].rcode == "NOERROR"`, `by_server["` + dead + `"].error != ""`, "by_server.size() == 3"}, one, other, dead)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	r = ask(nil, one, "169.254.169.254")
	require.Equal(t, monitor.OutcomeError, r.Outcome)
}

// nameServers starts servers at port 53 of addresses of this machine, each with a zone of a serial
// number of its own; 0 is one that does not serve the zone, and -1 one that is silent.
func nameServers(t *testing.T, name string, serials map[string]int) (resolver string) {
	t.Helper()
	lines := []string{name + " 60 IN SOA ns. admin. 1 1 1 1 1"}
	i := 0
	for address, serial := range serials {
		i++
		host := fmt.Sprintf("ns%d.other.", i)
		lines = append(lines, name+" 60 IN NS "+host, host+" 60 IN A "+address)
		serveAt(t, address, func(w dns.ResponseWriter, q *dns.Msg) {
			if serial < 0 {
				return
			}
			reply := new(dns.Msg).SetReply(q)
			reply.Authoritative = true
			soa, _ := dns.NewRR(fmt.Sprintf("%s 60 IN SOA ns. admin. %d 1 1 1 1", name, serial))
			if reply.Answer = []dns.RR{soa}; serial == 0 || q.RecursionDesired {
				reply.Answer, reply.Rcode, reply.Authoritative = nil, dns.RcodeRefused, false
			}
			_ = w.WriteMsg(reply)
		})
	}
	return executortest.ServeDNS(t, zone(lines...))
}

func TestSerialNumbersHaveToBeTheSame(t *testing.T) {
	look := func(resolver string, assertions ...string) monitor.Result {
		return execute(t, dnscheck.New("", ""), "home.test", map[string]any{"server": resolver, "type": "SOA", "serial_consistency": true}, assertions...)
	}
	r := look(nameServers(t, "home.test.", map[string]int{"127.0.61.1": 7, "127.0.61.2": 7}), "consistent", "serials.size() == 2", "serials.all(server, serials[server] == 7)")
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Equal(t, true, r.Observed["consistent"])

	r = look(nameServers(t, "home.test.", map[string]int{"127.0.62.1": 8, "127.0.62.2": 7}))
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Regexp(t, `^the serial numbers differ: 8 at ns[12]\.other \(127\.0\.62\.1\); 7 at ns[12]\.other \(127\.0\.62\.2\)$`, r.Error)

	r = look(nameServers(t, "home.test.", map[string]int{"127.0.63.1": 7, "127.0.63.2": 0}))
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Regexp(t, `^ns[12]\.other \(127\.0\.63\.2\) answers REFUSED$`, r.Error)

	r = look(nameServers(t, "home.test.", map[string]int{"127.0.64.1": 7, "127.0.64.2": -1}))
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Regexp(t, `^ns[12]\.other \(127\.0\.64\.2\) does not answer$`, r.Error)

	r = look(nameServers(t, "home.test.", map[string]int{"127.0.65.1": 7, "169.254.1.1": 9}), "consistent", "serials.size() == 1")
	if r.Outcome != monitor.OutcomeSuccess {
		require.Fail(t, "what may not be asked is left out", r.Error)
	}
	r = look(executortest.ServeDNS(t, zone("home.test. 60 IN SOA ns. admin. 1 1 1 1 1", "home.test. 60 IN NS ns.other.", "ns.other. 60 IN A 169.254.1.1")))
	require.Equal(t, monitor.OutcomeError, r.Outcome)
	require.Contains(t, r.Error, "169.254.1.1 is link-local, which is never probed")

	r = look(executortest.ServeDNS(t, zone("home.test. 60 IN SOA ns. admin. 1 1 1 1 1")))
	require.Contains(t, r.Error, "home.test has no name servers")
	r = look(executortest.ServeDNS(t, zone("home.test. 60 IN SOA ns. admin. 1 1 1 1 1", "home.test. 60 IN NS ns.other.")))
	require.Contains(t, r.Error, "ns.other has no address")
	many := []string{"home.test. 60 IN SOA ns. admin. 1 1 1 1 1"}
	for i := range 17 {
		many = append(many, fmt.Sprintf("home.test. 60 IN NS ns%d.other.", i))
	}
	r = look(executortest.ServeDNS(t, zone(many...)))
	require.Contains(t, r.Error, "home.test has 17 name servers: at most 16 are compared")
}

func TestALostDatagramOfANameServerIsAskedForAgain(t *testing.T) {
	var asked atomic.Int64
	serveAt(t, "127.0.66.1", func(w dns.ResponseWriter, q *dns.Msg) {
		if asked.Add(1) == 1 {
			return
		}
		reply := new(dns.Msg).SetReply(q)
		reply.Authoritative = true
		soa, _ := dns.NewRR("home.test. 60 IN SOA ns. admin. 7 1 1 1 1")
		reply.Answer = []dns.RR{soa}
		_ = w.WriteMsg(reply)
	})
	resolver := executortest.ServeDNS(t, zone("home.test. 60 IN SOA ns. admin. 1 1 1 1 1", "home.test. 60 IN NS ns.other.", "ns.other. 60 IN A 127.0.66.1"))
	r := execute(t, dnscheck.New("", ""), "home.test", map[string]any{"server": resolver, "type": "SOA", "serial_consistency": true})
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.EqualValues(t, 2, asked.Load())
}

// signedWorld is a signed zone and the anchor to trust it by.
func signedWorld(t *testing.T) (signedzone.World, string) {
	t.Helper()
	top, home, plain := signedzone.New(t, "test.", dns.ED25519), signedzone.New(t, "home.test.", dns.ECDSAP256SHA256), signedzone.New(t, "plain.test.", 0)
	home.Add(t, "www.home.test. 60 IN A 192.0.2.1", "alias.home.test. 60 IN CNAME www.home.test.")
	plain.Add(t, "www.plain.test. 60 IN A 192.0.2.1")
	top.Delegate(t, home)
	top.Delegate(t, plain)
	return signedzone.World{top, home, plain}, top.DS().String()
}

func TestSignatures(t *testing.T) {
	world, anchor := signedWorld(t)
	world[1].Until = time.Now().Add(20 * time.Minute)
	server := executortest.ServeDNS(t, world.ServeDNS)
	validate := func(target string, dnssec map[string]any, assertions ...string) monitor.Result {
		dnssec["validate"] = true
		if dnssec["trust_anchors"] == nil {
			dnssec["trust_anchors"] = []string{anchor}
		}
		return execute(t, dnscheck.New("", ""), target, map[string]any{"server": server, "dnssec": dnssec}, assertions...)
	}
	r := validate("alias.home.test", map[string]any{}, `dnssec == "secure" && dnssec_reason == ""`, `rrsig_expires_in > duration("19m") && rrsig_expires_in <= duration("20m")`, `answers == ["192.0.2.1"]`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Equal(t, "secure", r.Observed["dnssec"])
	require.NotEmpty(t, r.Observed["signed_until"])
	require.Equal(t, monitor.OutcomeSuccess, validate("www.home.test", map[string]any{}).Outcome)

	r = validate("www.plain.test", map[string]any{})
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Equal(t, "DNSSEC is insecure, expected secure: plain.test is not signed: test has no DS for it", r.Error)
	require.Equal(t, monitor.OutcomeSuccess, validate("www.plain.test", map[string]any{"expect": "insecure"}).Outcome)

	r = validate("www.home.test", map[string]any{"trust_anchors": []string{"other. DS 1 13 2 " + strings.Repeat("ab", 32)}})
	require.Contains(t, r.Error, "DNSSEC cannot be validated: no trust anchor covers")
	before := server
	world, anchor = signedWorld(t)
	world[1].Rekey(t)
	server = executortest.ServeDNS(t, world.ServeDNS)
	r = validate("www.home.test", map[string]any{})
	require.Equal(t, "DNSSEC is bogus, expected secure: no key of home.test is the one that its DS in test names", r.Error)
	require.Equal(t, monitor.OutcomeSuccess, validate("www.home.test", map[string]any{"expect": "bogus"}).Outcome)

	e, _ := machine(t, "192.0.2.1 www.home.test\n")
	r = execute(t, e, "www.home.test", map[string]any{"dnssec": map[string]any{"validate": true}})
	require.Equal(t, monitor.OutcomeError, r.Outcome, "the machine's own names are not signed: %v", r.Observed)
	r = execute(t, dnscheck.New("", ""), "www.home.test", map[string]any{"server": before, "edns": map[string]any{"dnssec_ok": true}}, `dnssec == "" && rrsig_expires_in < duration("21m")`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	r = execute(t, dnscheck.New("", ""), "www.home.test", map[string]any{"server": executortest.ServeDNS(t, zone("www.home.test. 60 IN A 192.0.2.1"))}, `rrsig_expires_in < duration("1h")`)
	require.Contains(t, r.Error, "there is no signature: set options.dnssec.validate or options.edns.dnssec_ok")
}

// TestWhatIsForgedBesideWhatIsSigned adds to true answers what would have the check look elsewhere.
func TestWhatIsForgedBesideWhatIsSigned(t *testing.T) {
	world, anchor := signedWorld(t)
	world[1].Add(t, "old.home.test. 60 IN DNAME home.test.")
	for name, tc := range map[string]struct {
		target string
		forged []string
	}{
		"alias beside records": {"www.home.test", []string{"www.home.test. 60 IN CNAME evil.test.", "evil.test. 60 IN A 192.0.2.66"}},
		"alias beside DNAME":   {"www.old.home.test", []string{"www.old.home.test. 60 IN CNAME evil.test.", "evil.test. 60 IN A 192.0.2.66"}},
		"a way around":         {"www.old.home.test", []string{"www.old.home.test. 60 IN CNAME evil.test.", "evil.test. 60 IN CNAME www.home.test."}},
		"a second alias":       {"alias.home.test", []string{"alias.home.test. 60 IN CNAME evil.test.", "evil.test. 60 IN A 192.0.2.66"}},
		"another class":        {"www.home.test", []string{"www.home.test. 60 CH A 192.0.2.66"}},
		"one record more":      {"www.home.test", []string{"www.home.test. 60 IN A 192.0.2.66"}},
		"a stranger":           {"www.home.test", []string{"evil.test. 60 IN A 192.0.2.66"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := executortest.ServeDNS(t, signedzone.Serve(func(q *dns.Msg) *dns.Msg {
				reply := world.Answer(q)
				if q.Question[0].Name == tc.target+"." && q.Question[0].Qtype == dns.TypeA {
					for _, line := range tc.forged {
						record, _ := dns.NewRR(line)
						reply.Answer = append([]dns.RR{record}, reply.Answer...)
					}
				}
				return reply
			}))
			r := execute(t, dnscheck.New("", ""), tc.target, map[string]any{"server": server, "dnssec": map[string]any{"validate": true, "trust_anchors": []string{anchor}}},
				`dnssec == "bogus" || (dnssec == "secure" && answers == ["192.0.2.1"] && !("evil.test." in cname))`)
			require.Equal(t, monitor.OutcomeSuccess, r.Outcome, "%s %v", r.Error, r.Observed)
		})
	}
}
