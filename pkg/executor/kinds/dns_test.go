package kinds_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/executortest/signedzone"
	"github.com/vedette/vedette/pkg/monitor"
)

func dnsSubject() executortest.Subject {
	return executortest.Subject{
		Network: "udp",
		Serve: func(t *testing.T) monitor.Definition {
			zone := signedzone.New(t, "home.test.", dns.ECDSAP256SHA256)
			zone.Add(t, "home.test. 60 IN A 192.0.2.1")
			return monitor.Definition{Kind: "dns", Target: "home.test", Options: executortest.Options(t, map[string]any{
				"server": executortest.ServeDNS(t, signedzone.World{zone}.ServeDNS),
				"dnssec": map[string]any{"validate": true, "trust_anchors": []string{zone.DS().String()}},
			})}
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
			`{"type":"FOO"}`:                         "options.type",
			`{"type":"AXFR"}`:                        "options.type",
			`{"type":"TYPE41"}`:                      "options.type",
			`{"type":"TYPE65536"}`:                   "options.type",
			`{"class":"XX"}`:                         "options.class",
			`{"class":"NONE"}`:                       "options.class",
			`{"edns":{"client_subnet":"192.0.2.1"}}`: "options.edns.client_subnet",
			`{"edns":{"client_subnet":"::ffff:192.0.2.0/120"}}`:                "options.edns.client_subnet",
			`{"server":"192.0.2.1","servers":["192.0.2.2"]}`:                   "options.servers",
			`{"servers":["192.0.2.1","192.0.2.1:53"]}`:                         "options.servers[1]",
			`{"servers":["192.0.2.1","a b"]}`:                                  "options.servers[1]",
			`{"transport":"dot"}`:                                              "options.transport",
			`{"transport":"doh","server":"http://x/"}`:                         "options.server",
			`{"transport":"doh","server":"https://u:p@x/"}`:                    "options.server",
			`{"tls":{"ca":"x"}}`:                                               "options.tls.ca",
			`{"expect":{"rcode":"FINE"}}`:                                      "options.expect.rcode",
			`{"warning":["ttl >= 60","nothing"]}`:                              "options.warning[1]",
			`{"expect":{"patterns":["^a","("]}}`:                               "options.expect.patterns[1]",
			`{"expect":{"patterns":[".*"]}}`:                                   "options.expect.patterns[0]",
			`{"dnssec":{"trust_anchors":["x"]}}`:                               "options.dnssec.trust_anchors[0]",
			`{"class":"CH","dnssec":{"validate":true}}`:                        "options.dnssec.validate",
			`{"type":"RRSIG","dnssec":{"validate":true}}`:                      "options.dnssec.validate",
			`{"servers":["192.0.2.1","192.0.2.2"],"dnssec":{"validate":true}}`: "options.dnssec.validate",
			`{"serial_consistency":true}`:                                      "options.serial_consistency",
			`{"type":"SOA","serial_consistency":true,"servers":["192.0.2.1"]}`: "options.serial_consistency",
			`{"server":"a b"}`:                                                 "options.server",
			`{"server":"x:99999"}`:                                             "options.server",
			`{"server":"https://x"}`:                                           "options.server",
			`{"expect":{"answers":["192.0.2.1","x"]}}`:                         "options.expect.answers[1]",
			`{"type":"AAAA","expect":{"answers":["192.0.2.1"]}}`:               "options.expect.answers[0]",
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
	stream := func(meet func(net.Conn), options ...string) func(*testing.T) executortest.Attack {
		if options == nil {
			options = []string{`,"transport":"tcp"`}
		}
		return func(t *testing.T) executortest.Attack {
			server := executortest.ServeConns(t, meet)
			return executortest.Attack{
				Definition: monitor.Definition{Kind: "dns", Target: "home.test", Options: fmt.Appendf(nil, `{"server":%q%s}`, server, options[0])},
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
		"circle": serve(func(w dns.ResponseWriter, q *dns.Msg) {
			reply := new(dns.Msg).SetReply(q)
			for _, line := range []string{"home.test. 1 IN CNAME a.test.", "a.test. 1 IN CNAME home.test."} {
				record, _ := dns.NewRR(line) // it is one
				reply.Answer = append(reply.Answer, record)
			}
			_ = w.WriteMsg(reply)
		}, monitor.OutcomeFailure, "the answer's aliases lead in a circle: home.test → a.test. → home.test."),
		"long names": serve(func(w dns.ResponseWriter, q *dns.Msg) {
			raw := packed(q)
			raw[6], raw[7] = 0x10, 0x00 // 4096 answers, whose names of 250 bytes take two
			at := len(raw)
			for i := range 4096 {
				if i == 0 {
					raw = append(raw, append(bytes.Repeat(append([]byte{62}, bytes.Repeat([]byte{7}, 62)...), 3), 0)...)
				} else {
					raw = append(raw, 0xc0|byte(at>>8), byte(at))
				}
				raw = append(raw, 0, 10, 0, 1, 0, 0, 0, 1, 0, 0)
			}
			_, _ = w.Write(raw)
		}, monitor.OutcomeFailure, "it is too much to read", `,"transport":"tcp"`),
		"many bits": serve(func(w dns.ResponseWriter, q *dns.Msg) {
			reply := new(dns.Msg).SetReply(q)
			var types []uint16
			for t := range 65535 {
				types = append(types, uint16(t))
			}
			for range 7 {
				reply.Answer = append(reply.Answer, &dns.NSEC{Hdr: dns.RR_Header{Name: "home.test.", Rrtype: dns.TypeNSEC, Class: dns.ClassINET}, NextDomain: ".", TypeBitMap: types})
			}
			_ = w.WriteMsg(reply)
		}, monitor.OutcomeFailure, "it is too much to read", `,"transport":"tcp"`),
		"signatures that collide": collidingDNS,
		"endless chain of zones": serve(func(w dns.ResponseWriter, q *dns.Msg) { // every name a zone, without a proof of anything
			_ = w.WriteMsg(new(dns.Msg).SetReply(q))
		}, monitor.OutcomeFailure, "no A record", `,"dnssec":{"validate":true}`),
		"silent among several": func(t *testing.T) executortest.Attack {
			return executortest.Attack{
				Definition: monitor.Definition{Kind: "dns", Target: "home.test", Options: executortest.Options(t, map[string]any{
					"servers": []string{executortest.ServeDNS(t, address), executortest.ServePackets(t, func(net.Conn) {})},
				})},
				Outcome: monitor.OutcomeFailure, Text: "timed out while waiting for the answer of",
			}
		},
		"doh without end": webDNS(func(w http.ResponseWriter) { endless(w) }, "it is longer than a message may be"),
		"doh of headers":  webDNS(func(w http.ResponseWriter) { w.Header().Set("X", strings.Repeat("a", 1<<20)) }, ""),
		"doh that redirects": webDNS(func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://169.254.169.254/")
			w.WriteHeader(http.StatusFound)
		}, "answered 302 Found, and 200 is wanted"),
		"doh of another type": webDNS(func(w http.ResponseWriter) { _, _ = io.WriteString(w, "hello") }, "its Content-Type is not application/dns-message"),
		"doh of nothing":      webDNS(func(w http.ResponseWriter) { w.Header().Set("Content-Type", "application/dns-message") }, "it is too short"),
		"doh silent":          stream(func(net.Conn) {}, `,"transport":"doh"`),
		"dot silent":          stream(func(net.Conn) {}, `,"transport":"dot"`),
		"dot garbage":         stream(func(c net.Conn) { _, _ = c.Write(bytes.Repeat([]byte{0x16, 0x03, 0xff}, 1000)) }, `,"transport":"dot"`),
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

// webDNS answers by HTTPS.
func webDNS(answer func(http.ResponseWriter), text string) func(*testing.T) executortest.Attack {
	return func(t *testing.T) executortest.Attack {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
		t.Cleanup(server.Close)
		return executortest.Attack{
			Definition: monitor.Definition{Kind: "dns", Target: "home.test", Options: executortest.Options(t, map[string]any{
				"server": server.URL, "transport": "doh", "tls": map[string]any{"skip_verify": true},
			})},
			Outcome: monitor.OutcomeFailure, Text: text,
		}
	}
}

func endless(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/dns-message")
	for chunk := make([]byte, 16<<10); ; {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// collidingDNS serves a zone with as many keys and signatures of one number as fit into a message, of
// which only the last are right: each pair of them may have to be tried (CVE-2023-50387).
func collidingDNS(t *testing.T) executortest.Attack {
	zone := signedzone.New(t, "home.test.", dns.ECDSAP384SHA384)
	zone.Add(t, "home.test. 60 IN A 192.0.2.1")
	// Made beforehand, as what the server allocates counts too.
	answers := map[uint16][]byte{}
	for _, kind := range []uint16{dns.TypeA, dns.TypeDNSKEY} {
		answers[kind] = colliding(t, zone, kind)
	}
	server := executortest.ServeDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		raw := slices.Clone(answers[q.Question[0].Qtype])
		binary.BigEndian.PutUint16(raw, q.Id)
		_, _ = w.Write(raw)
	})
	return executortest.Attack{
		Definition: monitor.Definition{Kind: "dns", Target: "home.test", Options: executortest.Options(t, map[string]any{
			"server": server, "transport": "tcp", "dnssec": map[string]any{"validate": true, "trust_anchors": []string{zone.DS().String()}},
		})},
		Outcome: monitor.OutcomeFailure, Text: "DNSSEC cannot be validated: validating takes more work than is allowed",
	}
}

func colliding(t *testing.T, zone *signedzone.Zone, kind uint16) []byte {
	t.Helper()
	reply := signedzone.World{zone}.Answer(new(dns.Msg).SetQuestion("home.test.", kind))
	for _, record := range slices.Clone(reply.Answer) {
		sig, ok := record.(*dns.RRSIG)
		if !ok {
			continue
		}
		for i := range 150 {
			wrong, _ := dns.Copy(sig).(*dns.RRSIG)
			wrong.Signature = wrong.Signature[:8] + fmt.Sprintf("%04d", i) + wrong.Signature[12:]
			reply.Answer = append([]dns.RR{wrong}, reply.Answer...)
		}
		if sig.TypeCovered == dns.TypeDNSKEY {
			for range 150 {
				reply.Answer = append([]dns.RR{zone.DNSKEY()}, reply.Answer...)
			}
		}
	}
	reply.Compress = true
	raw, err := reply.Pack()
	require.NoError(t, err)
	return raw
}
