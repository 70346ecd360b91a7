package dnscheck_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/dnscheck"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/monitor"
)

// serveDoT starts a server by TLS; change may set what it offers.
func serveDoT(t *testing.T, handler dns.HandlerFunc) (address, authority string, conns *atomic.Int64) {
	t.Helper()
	certificate, authority := executortest.Certificate(t)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"dot"}})
	require.NoError(t, err)
	conns = new(atomic.Int64)
	server := &dns.Server{Listener: listener, Handler: handler, DecorateReader: func(r dns.Reader) dns.Reader {
		conns.Add(1)
		return r
	}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.ActivateAndServe()
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.ShutdownContext(ctx)
		_ = listener.Close()
		<-ended
	})
	return listener.Addr().String(), authority, conns
}

func TestDNSOverTLS(t *testing.T) {
	server, authority, _ := serveDoT(t, zone("two.test. 60 IN A 192.0.2.1"))
	options := func(tlsOptions map[string]any) map[string]any {
		return map[string]any{"server": server, "transport": "dot", "tls": tlsOptions}
	}
	r := execute(t, dnscheck.New("", ""), "two.test", options(map[string]any{"ca": authority}), `transport == "dot"`, `tls_version == "TLS 1.3"`,
		`"example.org" in certificate.names`, "timings.tls_ms > 0.0")
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Positive(t, r.Timings.TLS)
	require.NotContains(t, r.Observed, "warning")
	r = execute(t, dnscheck.New("", ""), "two.test", options(map[string]any{"ca": authority, "server_name": "example.org"}))
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	r = execute(t, dnscheck.New("", ""), "two.test", options(map[string]any{"ca": authority, "server_name": "other.test"}))
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Contains(t, r.Error, "certificate: x509: certificate is valid for localhost, example.org, not other.test")
	r = execute(t, dnscheck.New("", ""), "two.test", options(nil))
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Contains(t, r.Error, "certificate: signed by an authority that is not trusted")
	r = execute(t, dnscheck.New("", ""), "two.test", options(map[string]any{"skip_verify": true}))
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Contains(t, r.Observed["warning"], "the answers may be anyone's")

	plain := executortest.ServeDNS(t, zone())
	r = execute(t, dnscheck.New("", ""), "two.test", map[string]any{"server": plain, "transport": "dot"})
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Contains(t, r.Error, "during the TLS handshake")
}

// doh answers by HTTPS, and notes what it was asked.
type doh struct {
	url, authority string
	mu             sync.Mutex
	requests       []*http.Request
}

func serveDoH(t *testing.T, answer func(*dns.Msg) *dns.Msg) *doh {
	t.Helper()
	d := &doh{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		d.requests = append(d.requests, r)
		d.mu.Unlock()
		raw, _ := io.ReadAll(r.Body)
		if r.Method == http.MethodGet {
			raw, _ = base64.RawURLEncoding.DecodeString(r.URL.Query().Get("dns"))
		}
		query := new(dns.Msg)
		if r.URL.Path != "/dns-query" || query.Unpack(raw) != nil || r.Header.Get("Accept") != "application/dns-message" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		raw, _ = answer(query).Pack()
		w.Header().Set("Content-Type", "application/dns-message")
		_, _ = w.Write(raw)
	}))
	certificate, authority := executortest.Certificate(t)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	d.url, d.authority = server.URL, authority
	return d
}

func TestDNSOverHTTPS(t *testing.T) {
	d := serveDoH(t, func(q *dns.Msg) *dns.Msg {
		reply := new(dns.Msg).SetReply(q)
		record, _ := dns.NewRR("two.test. 60 IN A 192.0.2.1")
		reply.Answer = []dns.RR{record}
		return reply
	})
	host := strings.TrimPrefix(d.url, "https://")
	for name, options := range map[string]map[string]any{
		"POST": {"server": d.url + "/dns-query"},
		"GET":  {"server": d.url + "/dns-query?ct", "doh_method": "GET"},
		"host": {"server": host},
	} {
		t.Run(name, func(t *testing.T) {
			options["transport"], options["tls"] = "doh", map[string]any{"ca": d.authority}
			r := execute(t, dnscheck.New("", ""), "two.test", options, `transport == "doh"`, `answers == ["192.0.2.1"]`)
			require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
			require.Positive(t, r.Timings.TLS)
			require.Positive(t, r.Timings.FirstByte)
		})
	}
	require.Len(t, d.requests, 3)
	methods := map[string]int{}
	for _, r := range d.requests {
		require.Equal(t, "HTTP/2.0", r.Proto)
		methods[r.Method]++
		if r.Method == http.MethodGet {
			raw, err := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("dns"))
			require.NoError(t, err)
			require.Equal(t, []byte{0, 0}, raw[:2], "the number is 0, so that answers can be kept on the way")
			require.True(t, r.URL.Query().Has("ct"))
		}
	}
	require.Equal(t, map[string]int{"POST": 2, "GET": 1}, methods)

	wrong := map[string]any{"server": d.url + "/other", "transport": "doh", "tls": map[string]any{"ca": d.authority}}
	r := execute(t, dnscheck.New("", ""), "two.test", wrong)
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Contains(t, r.Error, d.url+"/other answered 400 Bad Request, and 200 is wanted")
}

func TestAServerByHTTPSMayBeASecret(t *testing.T) {
	d := serveDoH(t, func(q *dns.Msg) *dns.Msg { return new(dns.Msg).SetRcode(q, dns.RcodeNameError) })
	definition := monitor.Definition{Kind: "dns", Target: "two.test", Timeout: monitor.Duration(time.Second), Options: executortest.Options(t, map[string]any{
		"server": "secret://token", "transport": "doh", "tls": map[string]any{"ca": d.authority},
	})}
	engine := executortest.Engine(t, []executor.Executor{dnscheck.New("", "")}, func(env *executor.Environment) {
		env.Secrets.Env = func(string) (string, bool) { return d.url + "/dns-query", true }
	})
	r := engine.Execute(t.Context(), executortest.Execution(definition))
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Equal(t, "the server answered NXDOMAIN", r.Error)
	require.NotContains(t, r.Observed["server"], d.url)
}

// TestManyQuestionsTakeOneConnection: validation asks several, and the server may close at any time.
func TestManyQuestionsTakeOneConnection(t *testing.T) {
	world, anchor := signedWorld(t)
	server, authority, conns := serveDoT(t, world.ServeDNS)
	options := map[string]any{"server": server, "transport": "dot", "tls": map[string]any{"ca": authority}, "dnssec": map[string]any{"validate": true, "trust_anchors": []string{anchor}}}
	r := execute(t, dnscheck.New("", ""), "www.home.test", options)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.EqualValues(t, 1, conns.Load())

	var asked atomic.Int64
	closing := executortest.ServeConns(t, func(c net.Conn) {
		defer func() { _ = c.Close() }()
		conn := &dns.Conn{Conn: c}
		query, err := conn.ReadMsg()
		if err == nil {
			asked.Add(1)
			_ = conn.WriteMsg(world.Answer(query))
		}
	})
	options = map[string]any{"server": closing, "transport": "tcp", "dnssec": options["dnssec"]}
	r = execute(t, dnscheck.New("", ""), "www.home.test", options)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Greater(t, asked.Load(), int64(3))
}
