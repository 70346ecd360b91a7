package kinds_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/monitor"
)

func dnsSubject() executortest.Subject {
	return executortest.Subject{
		Network: "udp",
		Serve: func(t *testing.T) monitor.Definition {
			return monitor.Definition{Kind: "dns", Target: "home.test", Options: at(executortest.ServeDNS(t, address))}
		},
		At: func(address string) monitor.Definition {
			return monitor.Definition{Kind: "dns", Target: "home.test", Options: at(address)}
		},
		Echo: func(t *testing.T) (monitor.Definition, string) {
			return monitor.Definition{
				Kind: "dns", Target: "home.test", Options: at("secret://token"),
				Assertions: []string{`server == "x"`, `[server] == []`},
			}, executortest.ServeDNS(t, address)
		},
		Hostile:    hostileDNS(),
		BadTargets: []string{"https://example.org", "example.org/path", "example.org:53", "a b", strings.Repeat("a", 64) + ".org", "a..b", "192.0.2.1", "user@example.org"},
		BadOptions: map[string]string{
			`{"type":"FOO"}`:                                     "options.type",
			`{"type":"AXFR"}`:                                    "options.type",
			`{"server":"a b"}`:                                   "options.server",
			`{"server":"x:99999"}`:                               "options.server",
			`{"server":"https://x"}`:                             "options.server",
			`{"expect":{"answers":["192.0.2.1","x"]}}`:           "options.expect.answers[1]",
			`{"type":"AAAA","expect":{"answers":["192.0.2.1"]}}`: "options.expect.answers[0]",
		},
	}
}

func at(server string) json.RawMessage {
	return fmt.Appendf(nil, `{"server":%q}`, server)
}

func address(w dns.ResponseWriter, q *dns.Msg) {
	reply := new(dns.Msg).SetReply(q)
	reply.Answer = []dns.RR{&dns.A{
		Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, 1),
	}}
	_ = w.WriteMsg(reply)
}

func hostileDNS() map[string]func(*testing.T) executortest.Attack {
	serve := func(handler dns.HandlerFunc, outcome monitor.Outcome, text string, options ...string) func(*testing.T) executortest.Attack {
		return func(t *testing.T) executortest.Attack {
			server := executortest.ServeDNS(t, handler)
			return executortest.Attack{
				Definition: monitor.Definition{Kind: "dns", Target: "home.test", Options: fmt.Appendf(nil, `{"server":%q%s}`, server, strings.Join(options, ""))},
				Outcome:    outcome, Text: text,
			}
		}
	}
	packed := func(q *dns.Msg) []byte {
		raw, _ := new(dns.Msg).SetReply(q).Pack() // our own message can be packed
		return raw
	}
	stream := func(meet func(net.Conn)) func(*testing.T) executortest.Attack {
		return func(t *testing.T) executortest.Attack {
			server := executortest.ServeConns(t, meet)
			return executortest.Attack{
				Definition: monitor.Definition{Kind: "dns", Target: "home.test", Options: fmt.Appendf(nil, `{"server":%q,"transport":"tcp"}`, server)},
				Outcome:    monitor.OutcomeFailure,
			}
		}
	}
	return map[string]func(*testing.T) executortest.Attack{
		"malformed": serve(func(w dns.ResponseWriter, q *dns.Msg) {
			_, _ = w.Write(append(packed(q)[:6], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
		}, monitor.OutcomeFailure, ""),
		"pointer loop": serve(func(w dns.ResponseWriter, q *dns.Msg) {
			raw := packed(q)
			raw[7] = 1 // one answer, whose name points to itself
			at := byte(len(raw))
			_, _ = w.Write(append(raw, 0xc0, at, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4))
		}, monitor.OutcomeFailure, "cannot be read"),
		"another question": serve(func(w dns.ResponseWriter, q *dns.Msg) {
			other := q.Copy()
			other.Question[0].Name = "other.test."
			_, _ = w.Write(packed(other))
		}, monitor.OutcomeFailure, "another question"),
		"question back": serve(func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(q) }, monitor.OutcomeFailure, "a question itself"),
		"always truncated": serve(func(w dns.ResponseWriter, q *dns.Msg) {
			reply := new(dns.Msg).SetReply(q)
			reply.Truncated = true
			_ = w.WriteMsg(reply)
		}, monitor.OutcomeFailure, "no A record"),
		"many answers": serve(func(w dns.ResponseWriter, q *dns.Msg) {
			reply := new(dns.Msg).SetReply(q)
			for i := range 2000 {
				reply.Answer = append(reply.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(10, 0, byte(i>>8), byte(i))})
			}
			reply.Compress = true
			_ = w.WriteMsg(reply)
		}, monitor.OutcomeSuccess, "", `,"transport":"tcp"`),
		"tcp silent":   stream(func(net.Conn) {}),
		"tcp noise":    stream(func(c net.Conn) { _, _ = c.Write(bytes.Repeat([]byte{0xff}, 1<<17)) }),
		"tcp half":     stream(func(c net.Conn) { _, _ = c.Write([]byte{0xff, 0xff, 1}) }),
		"tcp no bytes": stream(func(c net.Conn) { _, _ = c.Write(make([]byte, 1<<10)) }),
	}
}
