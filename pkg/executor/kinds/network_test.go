package kinds_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/tcpcheck"
	"github.com/vedette/vedette/pkg/monitor"
)

// proxySaying serves a SOCKS proxy that gives an answer to every request.
func proxySaying(t *testing.T, answer string) string {
	t.Helper()
	return executortest.ServeConns(t, func(c net.Conn) {
		buffer := make([]byte, 1000)
		for _, said := range []string{"\x05\x00", answer} {
			if _, err := c.Read(buffer); err != nil {
				return
			}
			_, _ = io.WriteString(c, said)
		}
	})
}

func TestPageOfNetwork(t *testing.T) {
	t.Parallel()
	resolver := executortest.ServeDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		name := q.Question[0].Name
		reply := new(dns.Msg).SetReply(q)
		switch {
		case strings.HasPrefix(name, "broken."):
			reply.Rcode = dns.RcodeServerFailure
		case strings.HasPrefix(name, "gone."):
			reply.Rcode = dns.RcodeNameError
		case q.Question[0].Qtype == dns.TypeA:
			reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(127, 0, 0, 1)}}
		}
		_ = w.WriteMsg(reply)
	})
	server := executortest.ServeConns(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 mail\r\n") })
	_, port, err := net.SplitHostPort(server)
	require.NoError(t, err)
	good := proxySaying(t, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00220 mail\r\n")
	text := page(t, "network.md")
	requireNames(t, text, tcpcheck.Executor{}.Kind(), "Network")
	found := examples(t, text, "db.example.org:5432", "db.example.org:"+port, "192.0.2.53", resolver, "192.0.2.7", "127.0.0.2", "proxy.example.org:1080", good)
	require.Len(t, found, 3)
	delete(found, "site-by-6") // the page of tls executes the like, where the machine has IPv6
	requireExamples(t, found, "VEDETTE_SECRET_PROXY_PASSWORD")

	at := func(host string, options map[string]any) monitor.Definition {
		return monitor.Definition{Kind: "tcp", Target: net.JoinHostPort(host, port), Options: executortest.Options(t, options)}
	}
	with := func(name, value string) map[string]any { return map[string]any{name: value} }
	refusing := executortest.ServeConns(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1000))
		_, _ = io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
	})
	tcp := tcpcheck.Executor{}
	fails, errs := monitor.OutcomeFailure, monitor.OutcomeError
	requireTexts(t, text, []failure{
		{tcp, at("localhost.example", map[string]any{"source_address": "::1", "resolver": resolver}), fails, "localhost.example has no IPv6 address, as options.source_address is"},
		{tcp, at("127.0.0.1", with("ip_version", "6")), fails, "127.0.0.1 is no IPv6 address, as options.ip_version asks for"},
		{tcp, at("gone.example", with("resolver", resolver)), fails, "no such host: gone.example"},
		{tcp, at("broken.example", with("resolver", resolver)), fails, "the host broken.example cannot be looked up: the resolver"},
		{tcp, at("mail.example", with("proxy", "socks5://"+proxySaying(t, "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"))), fails, "connection refused, says the proxy 127.0.0.1:"},
		{tcp, at("127.0.0.1", with("source_address", "192.0.2.1")), errs, "192.0.2.1 is no address of its machine: set options.source_address to one that is, or leave it out"},
		{tcp, at("mail.example", with("proxy", "http://"+executortest.Closed(t, "tcp"))), errs, "the proxy cannot be reached: connection refused: 127.0.0.1:"},
		{tcp, at("mail.example", with("proxy", "http://"+refusing)), errs, "wants a user and password: give them as user:secret://name@ before its host"},
		{tcp, at("mail.example", with("resolver", resolver)), errs, "127.0.0.1 is in 127.0.0.0/8, denied by --deny"},
	})
}
