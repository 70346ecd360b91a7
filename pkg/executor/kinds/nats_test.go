package kinds_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/natscheck"
	"github.com/vedette/vedette/pkg/monitor"
)

// serveNATS starts a NATS server that has a stream ORDERS with a consumer worker and a bucket jobs,
// and lets in vedette with the password t0ken, and watch with executortest.Secret. Those who want TLS get it by the certificate of the
// returned authority.
func serveNATS(t *testing.T) (address, authority string) {
	t.Helper()
	certificate, authority := executortest.Certificate(t)
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(),
		Users: []*server.User{{Username: "vedette", Password: "t0ken"}, {Username: "watch", Password: executortest.Secret}}, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}, AllowNonTLS: true, TLSTimeout: 5,
	})
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	const patience = 10 * time.Second
	require.True(t, s.ReadyForConnections(patience))
	nc, err := nats.Connect(s.Addr().String(), nats.UserInfo("vedette", "t0ken"))
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	ctx := t.Context()
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}})
	require.NoError(t, err)
	_, err = js.CreateConsumer(ctx, "ORDERS", jetstream.ConsumerConfig{Durable: "worker", AckPolicy: jetstream.AckExplicitPolicy})
	require.NoError(t, err)
	for range 10 {
		_, err = js.Publish(ctx, "orders.new", []byte("an order"))
		require.NoError(t, err)
	}
	bucket, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "jobs"})
	require.NoError(t, err)
	_, err = bucket.Put(ctx, "nightly.last", []byte("done"))
	require.NoError(t, err)
	_, err = bucket.Put(ctx, "weekly.last", []byte("done"))
	require.NoError(t, err)
	require.NoError(t, bucket.Delete(ctx, "weekly.last"))
	return s.Addr().String(), authority
}

const greeting = "INFO {\"server_name\":\"n1\",\"version\":\"2.11.0\",\"headers\":true}\r\n"

func natsSubject() executortest.Subject {
	const direct = `{"config":{"allow_direct":true}}`
	body := func(reply, text string) string { return fmt.Sprintf("MSG %s 1 %d\r\n%s\r\n", reply, len(text), text) }
	asking := map[string]any{"jetstream": true, "stream": "ORDERS", "consumer": "worker", "bucket": "jobs", "key": "nightly.last"}
	hostile := func(options, text string, answer func(reply string) string) func(*testing.T) executortest.Attack {
		return func(t *testing.T) executortest.Attack {
			address := executortest.ServeNATS(t, greeting, func(_ map[string]any, subject, reply string) string {
				if subject == "$JS.API.STREAM.INFO.KV_jobs" {
					return body(reply, direct)
				}
				return answer(reply)
			})
			return executortest.Attack{Definition: monitor.Definition{Kind: "nats", Target: address, Options: []byte(options)}, Outcome: monitor.OutcomeFailure, Text: text}
		}
	}
	said := func(text, wanted string) func(*testing.T) executortest.Attack {
		return func(t *testing.T) executortest.Attack {
			raw := []byte(text)
			address := executortest.ServeConns(t, func(c net.Conn) {
				for {
					if _, err := c.Write(raw); err != nil {
						return
					}
				}
			})
			return executortest.Attack{Definition: monitor.Definition{Kind: "nats", Target: address}, Outcome: monitor.OutcomeFailure, Text: wanted}
		}
	}
	others := strings.Repeat(body("other", strings.Repeat("a", 100<<10)), 12)
	return executortest.Subject{
		Network: "tcp",
		Serve: func(t *testing.T) monitor.Definition {
			address, _ := serveNATS(t)
			options := map[string]any{"user": "watch", "password": "secret://token", "tls": map[string]any{"mode": "required", "skip_verify": true}}
			maps.Copy(options, asking)
			return monitor.Definition{Kind: "nats", Target: address, Options: executortest.Options(t, options)}
		},
		At: func(address string) monitor.Definition { return monitor.Definition{Kind: "nats", Target: address} },
		Echo: func(t *testing.T) (monitor.Definition, string) {
			address := executortest.ServeNATS(t, greeting, func(login map[string]any, subject, reply string) string {
				if subject == "$JS.API.STREAM.INFO.KV_jobs" {
					return body(reply, direct)
				}
				token, _ := login["auth_token"].(string)
				head := "NATS/1.0\r\nNats-Sequence: 1\r\nNats-Time-Stamp: 2026-01-02T03:04:05Z\r\n\r\n"
				return fmt.Sprintf("HMSG %s 1 %d %d\r\n%s%s\r\n", reply, len(head), len(head)+len(token), head, token)
			})
			return monitor.Definition{
				Kind: "nats", Target: address, Options: []byte(`{"token":"secret://token","bucket":"jobs","key":"nightly.last"}`),
				Assertions: []string{`value == "x"`, `[value] == []`},
			}, executortest.Secret
		},
		Hostile: map[string]func(*testing.T) executortest.Attack{
			"endless greeting": said("INFO {\"server_name\":\""+strings.Repeat("a", 40<<10), "a line of more than 32 KiB"),
			"endless pings":    said(greeting+strings.Repeat("PING\r\n", 3000), "more than 1024 KiB, or said more than 2000 things"),
			"wild sizes":       hostile(`{"jetstream":true}`, "does not speak NATS", func(reply string) string { return "MSG " + reply + " 1 99999999999999999\r\n" }),
			"huge sizes":       hostile(`{"jetstream":true}`, "sent a message of 4000000000 bytes", func(reply string) string { return "MSG " + reply + " 1 4000000000\r\n" }),
			"negative sizes":   hostile(`{"jetstream":true}`, "does not speak NATS", func(reply string) string { return "HMSG " + reply + " 1 -1 5\r\nhello\r\n" }),
			"half a message":   hostile(`{"jetstream":true}`, "timed out while waiting for the answer of $JS.API.INFO", func(reply string) string { return "MSG " + reply + " 1 200000\r\nhalf" }),
			"others' messages": hostile(`{"jetstream":true}`, "more than 1024 KiB", func(string) string { return others }),
			"many replicas": hostile(`{"stream":"ORDERS"}`, "cannot be read", func(reply string) string {
				return body(reply, `{"cluster":{"leader":"a","replicas":[{}`+strings.Repeat(",{}", 80_000)+`]}}`)
			}),
			"deep answer": hostile(`{"stream":"ORDERS"}`, "cannot be read", func(reply string) string { return body(reply, strings.Repeat("[", 200_000)) }),
			"many headers": hostile(`{"bucket":"jobs","key":"a"}`, "does not speak NATS", func(reply string) string {
				head := "NATS/1.0\r\n" + strings.Repeat("a:b\r\n", 40_000) + "\r\n"
				return fmt.Sprintf("HMSG %s 1 %d %d\r\n%s\r\n", reply, len(head), len(head), head)
			}),
			"silent after the login": hostile(`{"jetstream":true}`, "timed out while waiting for the answer of $JS.API.INFO", func(string) string { return "" }),
		},
		BadTargets: []string{"nats://example.org:4222", "example.org", "example.org:0", ":4222", "a b:4222"},
		BadOptions: map[string]string{
			`{"password":"secret://pw"}`:                            "options.password",
			`{"user":"ann","password":"in plain text"}`:             "options.password",
			`{"token":"in plain text"}`:                             "options.token",
			`{"nkey_seed":"SUAM"}`:                                  "options.nkey_seed",
			`{"credentials":"-----BEGIN NATS USER JWT-----"}`:       "options.credentials",
			`{"user":"ann","token":"secret://token"}`:               "options.token",
			`{"stream":"a b"}`:                                      "options.stream",
			`{"stream":"a.b"}`:                                      "options.stream",
			`{"stream":"secret://x"}`:                               "options.stream",
			`{"consumer":"worker"}`:                                 "options.stream",
			`{"stream":"ORDERS","consumer":"*"}`:                    "options.consumer",
			`{"domain":"a.b"}`:                                      "options.domain",
			`{"inbox":"a..b"}`:                                      "options.inbox",
			`{"inbox":"a b"}`:                                       "options.inbox",
			`{"inbox":"a.>"}`:                                       "options.inbox",
			`{"bucket":"a.b","key":"c"}`:                            "options.bucket",
			`{"bucket":"jobs"}`:                                     "options.key",
			`{"key":"a"}`:                                           "options.bucket",
			`{"bucket":"jobs","key":".a"}`:                          "options.key",
			`{"limits":{"messages":5}}`:                             "options.limits.messages",
			`{"limits":{"bytes":5}}`:                                "options.limits.bytes",
			`{"stream":"ORDERS","limits":{"pending":0}}`:            "options.limits.pending",
			`{"stream":"ORDERS","limits":{"ack_pending":5}}`:        "options.limits.ack_pending",
			`{"min_replicas":2}`:                                    "options.min_replicas",
			`{"tls":{"ca":"secret://ca"}}`:                          "options.tls.ca",
			`{"tls":{"server_name":"a b"}}`:                         "options.tls.server_name",
			`{"tls":{"certificate":"x","key":"secret://key"}}`:      "options.tls.certificate",
			`{"tls":{"certificate":"secret://certificate"}}`:        "options.tls.key",
			`{"tls":{"key":"secret://key"}}`:                        "options.tls.certificate",
			`{"tls":{"certificate":"secret://c","key":"as it is"}}`: "options.tls.key",
		},
	}
}

func TestPageOfNATS(t *testing.T) {
	t.Parallel()
	address, authority := serveNATS(t)
	text := page(t, "nats.md")
	requireNames(t, text, natscheck.Executor{}.Kind())
	found := examples(t, text, "nats.example.org:4222", address)
	require.Len(t, found, 3)
	for id, d := range found {
		var options map[string]any
		require.NoError(t, json.Unmarshal(d.Options, &options))
		if secured, ok := options["tls"].(map[string]any); ok {
			secured["ca"] = authority
		}
		d.Options = executortest.Options(t, options)
		found[id] = d
	}
	requireExamples(t, found, "VEDETTE_SECRET_NATS_PASSWORD")

	silent := executortest.ServeConns(t, func(net.Conn) {})
	mail := executortest.ServeConns(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 mx\r\n") })
	closing := executortest.ServeConns(t, func(c net.Conn) {
		_, _ = io.WriteString(c, greeting)
		_, _ = c.Read(make([]byte, 4<<10))
		_ = c.Close()
	})
	answering := func(body string) string {
		return executortest.ServeNATS(t, greeting, func(_ map[string]any, _, reply string) string {
			if body == "" {
				return ""
			}
			return fmt.Sprintf("MSG %s 1 %d\r\n%s\r\n", reply, len(body), body)
		})
	}
	nobody := executortest.ServeNATS(t, greeting, func(_ map[string]any, _, reply string) string {
		return "HMSG " + reply + " 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"
	})
	refusing := executortest.ServeNATS(t, greeting, func(_ map[string]any, subject, _ string) string {
		return "-ERR 'Permissions Violation for Publish to \"" + subject + "\"'\r\n"
	})
	replicas := `{"cluster":{"leader":"n1","replicas":[{"name":"n2","current":true},{"name":"n3","offline":true}]}}`
	at := func(target, options string, assertions ...string) monitor.Definition {
		return monitor.Definition{Kind: "nats", Target: target, Options: []byte(options), Assertions: assertions}
	}
	in := func(options string, assertions ...string) monitor.Definition {
		return at(address, `{"user":"watch","password":"secret://token",`+options+`}`, assertions...)
	}
	kind := natscheck.Executor{}
	fails, errs, degrades := monitor.OutcomeFailure, monitor.OutcomeError, monitor.OutcomeDegraded
	requireTexts(t, text, []failure{
		{kind, at(executortest.Closed(t, "tcp"), `{}`), fails, "connection refused: 127.0.0.1:"},
		{kind, at(silent, `{}`), fails, "timed out while waiting for the server's greeting"},
		{kind, at(mail, `{}`), fails, "the server does not speak NATS"},
		{kind, at(closing, `{}`), fails, "connection closed while logging in"},
		{kind, at(address, `{}`), fails, "the server refused: Authorization Violation"},
		{kind, at(address, `{"nkey_seed":"secret://token"}`), errs, "with its secret put in, nkey_seed is no seed of an nkey: use one that begins with SU"},
		{kind, at(nobody, `{"tls":{"mode":"required"}}`), fails, "the server does not offer TLS"},
		{kind, in(`"tls":{"mode":"required"}`), fails, "certificate: signed by an authority that is not trusted"},
		{kind, at(nobody, `{"jetstream":true}`), fails, "JetStream does not answer: it is not enabled for this account"},
		{kind, at(refusing, `{"jetstream":true}`), fails, `the server refused: Permissions Violation for Publish to "$JS.API.INFO"`},
		{kind, at(answering(""), `{"stream":"ORDERS"}`), fails, "timed out while waiting for the answer of $JS.API.STREAM.INFO.ORDERS"},
		{kind, in(`"stream":"GONE"`), fails, "there is no stream GONE"},
		{kind, at(answering(`{"cluster":{}}`), `{"stream":"ORDERS"}`), fails, "the stream ORDERS has no leader"},
		{kind, at(answering(replicas), `{"stream":"ORDERS","min_replicas":3}`), fails, "the stream ORDERS has 2 current replicas, at least 3 are wanted"},
		{kind, in(`"stream":"ORDERS","limits":{"messages":9}`), fails, "the stream ORDERS holds 10 messages, more than 9"},
		{kind, in(`"stream":"ORDERS","consumer":"gone"`), fails, "the stream ORDERS has no consumer gone"},
		{kind, in(`"stream":"ORDERS","consumer":"worker","limits":{"pending":5}`), fails, "10 messages wait for the consumer worker, more than 5"},
		{kind, in(`"bucket":"none","key":"a"`), fails, "there is no bucket none"},
		{kind, in(`"bucket":"jobs","key":"yearly.last"`), fails, "the bucket jobs has no key yearly.last"},
		{kind, in(`"bucket":"jobs","key":"weekly.last"`), fails, "the key weekly.last of the bucket jobs was deleted"},
		{kind, in(`"stream":"ORDERS"`, "messages < 5"), fails, "messages < 5 · actual 10"},
		{kind, at(answering(replicas), `{"stream":"ORDERS"}`), degrades, "the replica of the stream ORDERS on n3 is offline"},
		{kind, in(`"stream":"ORDERS","limits":{"messages":12}`), degrades, "the stream ORDERS holds 10 messages, of at most 12"},
		{kind, at(address, `{"token":"secret://nope"}`), errs, "secret is not known to this runner: nope: set VEDETTE_SECRET_NOPE"},
		{kind, at("169.254.169.254:4222", `{}`), errs, "169.254.169.254 is link-local, which is never probed"},
		{kind, at(address, `{}`), errs, "127.0.0.1 is in 127.0.0.0/8, denied by --deny"},
	})
}
