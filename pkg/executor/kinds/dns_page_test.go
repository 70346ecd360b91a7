package kinds_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/dnscheck"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/executortest/signedzone"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
)

// pageZone is the zone that the page tells of.
func pageZone(t *testing.T) (answer func(*dns.Msg) *dns.Msg, anchor string) {
	t.Helper()
	z, plain := signedzone.New(t, "example.org.", dns.ECDSAP256SHA256), signedzone.New(t, "plain.example.org.", 0)
	z.Until = time.Now().Add(72 * time.Hour)
	z.Add(t, "www.example.org. 60 IN A 192.0.2.10", "www.example.org. 60 IN A 192.0.2.11", "bogus.example.org. 60 IN A 192.0.2.12",
		"example.org. 3600 IN MX 10 mx1.example.org.", "example.org. 3600 IN MX 20 mx2.example.org.", `example.org. 3600 IN TXT "v=spf1 mx -all"`,
		"loop.example.org. 60 IN CNAME loop.example.org.", "ns.example.org. 60 IN A 127.0.67.1")
	plain.Add(t, "www.plain.example.org. 60 IN A 192.0.2.13")
	z.Delegate(t, plain)
	world := signedzone.World{z, plain}
	return func(q *dns.Msg) *dns.Msg {
		reply := world.Answer(q)
		switch name := q.Question[0].Name; {
		case strings.HasPrefix(name, "broken."):
			reply.Rcode = dns.RcodeServerFailure
		case strings.HasPrefix(name, "bogus.") && q.Question[0].Qtype == dns.TypeA:
			reply.Answer = reply.Answer[:1] // without its signature
		}
		return reply
	}, z.DS().String()
}

// byWeb answers at /dns-query.
func byWeb(t *testing.T, answer func(*dns.Msg) *dns.Msg) (url, authority string) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		query := new(dns.Msg)
		if r.URL.Path != "/dns-query" || query.Unpack(raw) != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		raw, _ = answer(query).Pack() // our own message can be packed
		w.Header().Set("Content-Type", "application/dns-message")
		_, _ = w.Write(raw)
	}))
	t.Cleanup(server.Close)
	return server.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// nameServer serves a zone with a serial number at the usual port; a negative one is silent.
func nameServer(t *testing.T, address string, serial int) {
	t.Helper()
	packets, err := net.ListenPacket("udp", address+":53")
	if err != nil {
		t.Skip("port 53 cannot be had: ", err)
	}
	ended := make(chan struct{})
	server := &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		reply := new(dns.Msg).SetReply(q)
		reply.Authoritative = true
		soa, _ := dns.NewRR(fmt.Sprintf("%s 60 IN SOA ns. admin. %d 1 1 1 1", q.Question[0].Name, serial))
		if reply.Answer = []dns.RR{soa}; serial >= 0 {
			_ = w.WriteMsg(reply)
		}
	})}
	go func() {
		defer close(ended)
		_ = server.ActivateAndServe()
	}()
	t.Cleanup(func() {
		_ = packets.Close()
		<-ended
	})
}

// dnsPage is what the page's examples and failures are tried with.
type dnsPage struct {
	server, anchor string
	url, authority string
}

// here has a definition of the page ask the servers of the test.
func (p dnsPage) here(t *testing.T, d monitor.Definition) monitor.Definition {
	t.Helper()
	options := map[string]any{}
	if len(d.Options) > 0 {
		require.NoError(t, json.Unmarshal(d.Options, &options))
	}
	if dnssec, ok := options["dnssec"].(map[string]any); ok {
		dnssec["trust_anchors"], options["tls"] = []string{p.anchor}, map[string]any{"ca": p.authority}
	}
	d.Options = executortest.Options(t, options)
	return d
}

func TestPageOfDNS(t *testing.T) {
	t.Parallel()
	answer, anchor := pageZone(t)
	p := dnsPage{server: executortest.ServeDNS(t, signedzone.Serve(answer)), anchor: anchor}
	second := executortest.ServeDNS(t, signedzone.Serve(answer))
	p.url, p.authority = byWeb(t, answer)
	nameServer(t, "127.0.67.1", 7)
	nameServer(t, "127.0.67.2", 8)
	nameServer(t, "127.0.67.3", -1)
	text := page(t, "dns.md")
	requireNames(t, text, dnscheck.New("", "").Kind())
	found := examples(t, text, "192.0.2.53:53", p.server, "192.0.2.54:53", second, `"192.0.2.53"`, `"`+p.server+`"`, "https://dns.example.net", p.url)
	require.Len(t, found, 7)
	for id, d := range found {
		r := executortest.Engine(t, kinds.All()).Execute(t.Context(), executortest.Execution(p.here(t, d)))
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, "%s: %s", id, r.Error)
	}
	requireTexts(t, text, append(p.answers(t), p.failures(t)...))
}

func lookUp(t *testing.T, target, server string, options map[string]any, assertions ...string) monitor.Definition {
	t.Helper()
	if server != "" {
		options["server"] = server
	}
	return monitor.Definition{Kind: "dns", Target: target, Options: executortest.Options(t, options), Assertions: assertions}
}

func none() map[string]any { return map[string]any{} }

// answers are failures by what the answer is.
func (p dnsPage) answers(t *testing.T) []failure {
	const fails, degrades = monitor.OutcomeFailure, monitor.OutcomeDegraded
	names := dnscheck.New("", "")
	expect := func(key string, value any) map[string]any {
		return map[string]any{"expect": map[string]any{key: value, "match": "all"}}
	}
	signed := func(anchor string) map[string]any {
		return map[string]any{"dnssec": map[string]any{"validate": true, "trust_anchors": []string{anchor}}}
	}
	// The servers of zones that differ, or are silent, are to be found at the usual port.
	zone := func(address string) monitor.Definition {
		server := executortest.ServeDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
			reply := new(dns.Msg).SetReply(q)
			for _, line := range []string{"example.org. 60 IN SOA ns. admin. 8 1 1 1 1", "example.org. 60 IN NS ns1.test.", "example.org. 60 IN NS ns2.test.", "ns1.test. 60 IN A 127.0.67.1", "ns2.test. 60 IN A " + address} {
				record, _ := dns.NewRR(line)
				if record.Header().Name == q.Question[0].Name && record.Header().Rrtype == q.Question[0].Qtype {
					reply.Answer = append(reply.Answer, record)
				}
			}
			_ = w.WriteMsg(reply)
		})
		return lookUp(t, "example.org", server, map[string]any{"type": "SOA", "serial_consistency": true})
	}
	other := executortest.ServeDNS(t, func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeRefused)) })
	return []failure{
		{names, lookUp(t, "gone.example.org", p.server, none()), fails, "the server answered NXDOMAIN"},
		{names, lookUp(t, "broken.example.org", p.server, none()), fails, "the server answered SERVFAIL"},
		{names, lookUp(t, "www.example.org", p.server, map[string]any{"type": "MX"}), fails, "no MX record"},
		{names, lookUp(t, "www.example.org", p.server, expect("answers", []string{"192.0.2.10", "192.0.2.99"})), fails, "answers are 192.0.2.10, 192.0.2.11, expected all of 192.0.2.10, 192.0.2.99"},
		{names, lookUp(t, "gone.example.org", p.server, expect("rcode", "REFUSED")), fails, "the server answered NXDOMAIN, expected REFUSED"},
		{names, lookUp(t, "www.example.org", p.server, expect("min_ttl", 300)), fails, "the time to live is 60 s, expected at least 300 s"},
		{names, lookUp(t, "loop.example.org", p.server, none()), fails, "the answer's aliases lead in a circle: loop.example.org → loop.example.org."},
		{names, lookUp(t, "bogus.example.org", p.server, signed(p.anchor)), fails, "DNSSEC is bogus, expected secure: A of bogus.example.org is not signed, though its zone example.org is"},
		{names, lookUp(t, "www.plain.example.org", p.server, signed(p.anchor)), fails, "DNSSEC is insecure, expected secure: plain.example.org is not signed: example.org has no DS for it"},
		{names, lookUp(t, "www.example.org", p.server, signed(strings.Replace(p.anchor, "example.org.", "example.com.", 1))), fails, "DNSSEC cannot be validated: no trust anchor covers"},
		{names, lookUp(t, "www.example.org", "", map[string]any{"servers": []string{p.server, other}}), fails, "the servers differ: 127.0.0.1:"},
		{names, zone("127.0.67.2"), fails, "the serial numbers differ: 8 at"},
		{names, zone("127.0.67.3"), fails, "(127.0.67.3) does not answer"},
		{names, lookUp(t, "www.example.org", p.server, map[string]any{"warning": []string{"ttl >= 120"}}), degrades, "ttl >= 120 · actual 60"},
		{names, lookUp(t, "www.example.org", p.server, none(), "ttl > 300"), fails, "ttl > 300 · actual 60"},
	}
}

// failures are those by what the server is, and those of the runner.
func (p dnsPage) failures(t *testing.T) []failure {
	const fails, errs = monitor.OutcomeFailure, monitor.OutcomeError
	silent := executortest.ServePackets(t, func(net.Conn) {})
	foreign := executortest.ServeDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		q.Question[0].Name = "other.test."
		_ = w.WriteMsg(new(dns.Msg).SetReply(q))
	})
	heavy := executortest.ServeDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		reply := new(dns.Msg).SetReply(q)
		for range 4000 {
			reply.Answer = append(reply.Answer, &dns.NS{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeNS, Class: dns.ClassINET}, Ns: "."})
		}
		reply.Compress = true
		_ = w.WriteMsg(reply)
	})
	empty, deaf := filepath.Join(t.TempDir(), "empty"), filepath.Join(t.TempDir(), "deaf")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	require.NoError(t, os.WriteFile(deaf, []byte("nameserver 127.0.43.1\n"), 0o600))
	names := dnscheck.New(empty, "")
	byWeb := func(path string, tls map[string]any) monitor.Definition {
		return lookUp(t, "www.example.org", p.url+path, map[string]any{"transport": "doh", "tls": tls})
	}
	return []failure{
		{names, lookUp(t, "www.example.org", silent, none()), fails, "timed out while waiting for the answer of"},
		{names, lookUp(t, "www.example.org", executortest.Closed(t, "tcp"), map[string]any{"transport": "tcp"}), fails, "connection refused: 127.0.0.1:"},
		{names, lookUp(t, "www.example.org", foreign, none()), fails, "it is about another question"},
		{names, lookUp(t, "www.example.org", heavy, map[string]any{"transport": "tcp"}), fails, "it is too much to read"},
		{names, byWeb("/dns-query", none()), fails, "certificate: signed by an authority that is not trusted"},
		{names, byWeb("/", map[string]any{"ca": p.authority}), fails, "answered 404 Not Found, and 200 is wanted"},
		{names, lookUp(t, "www.example.org", "", none()), errs, "names no resolver: name one there, or set options.server"},
		{names, lookUp(t, "www.example.org", p.server, map[string]any{"source_address": "192.0.2.1"}), errs, "192.0.2.1 is no address of its machine"},
		{names, lookUp(t, "www.example.org", "secret://nope", none()), errs, "secret is not known to this runner: nope: set VEDETTE_SECRET_NOPE"},
		{names, lookUp(t, "www.example.org", "169.254.169.254", none()), errs, "169.254.169.254 is link-local, which is never probed"},
		{dnscheck.New(deaf, ""), lookUp(t, "www.example.org", "", none()), errs, "repair it, or set options.server"},
	}
}
