package executor_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/executor/netguard"
	"github.com/vedette/vedette/pkg/executor/secrets"
	"github.com/vedette/vedette/pkg/monitor"
)

func engine(t testing.TB, change ...func(*executor.Environment)) *executor.Engine {
	t.Helper()
	table, err := kinds.Table()
	require.NoError(t, err)
	env := executor.Environment{Runner: "r1", Secrets: secrets.Source{Env: func(name string) (string, bool) {
		return "s3cret", name == "VEDETTE_SECRET_TOKEN"
	}}}
	for _, edit := range change {
		edit(&env)
	}
	return executor.NewEngine(table, env)
}

func execution(kind, target string, options map[string]any, assertions ...string) monitor.Execution {
	raw, err := json.Marshal(options)
	if err != nil {
		panic(err)
	}
	return monitor.Execution{Location: "default", DueAt: time.Now(), Trigger: monitor.TriggerSchedule, Check: monitor.Definition{
		ID: "c", Service: "s", Kind: kind, Target: target, Options: raw, Assertions: assertions, Timeout: monitor.Duration(2 * time.Second),
	}.WithDefaults()}
}

func serveHTTP(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestHTTP(t *testing.T) {
	url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Method+" "+r.Header.Get("X-Token"))
		switch r.URL.Path {
		case "/broken":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/echo":
			_, _ = fmt.Fprint(w, "you sent "+r.Header.Get("X-Token"))
		default:
			_, _ = fmt.Fprint(w, `{"state":"ok","depth":7}`)
		}
	})
	for name, tc := range map[string]struct {
		path       string
		options    map[string]any
		assertions []string
		outcome    monitor.Outcome
		text       string
	}{
		"up":                     {path: "/", outcome: monitor.OutcomeSuccess},
		"default rule":           {path: "/broken", outcome: monitor.OutcomeFailure, text: "status 503"},
		"assertion":              {path: "/broken", assertions: []string{"status == 200"}, outcome: monitor.OutcomeFailure, text: "status == 200 · actual 503"},
		"turned around":          {path: "/broken", assertions: []string{"200 == status"}, outcome: monitor.OutcomeFailure, text: "200 == status · actual 503"},
		"conjunction":            {path: "/", assertions: []string{"status == 200 && json.depth < 5"}, outcome: monitor.OutcomeFailure, text: "actual 7"},
		"assertion of a failure": {path: "/broken", assertions: []string{"status == 503"}, outcome: monitor.OutcomeSuccess},
		"json":                   {path: "/", assertions: []string{`json.state == "ok"`, "json.depth < 10", `latency < duration("2s")`, "latency_ms < 2000", `headers["x-seen"] == "GET"`, `body.contains("state")`, `ip == "127.0.0.1"`}, outcome: monitor.OutcomeSuccess},
		"missing key":            {path: "/", assertions: []string{"json.nothing == 1"}, outcome: monitor.OutcomeFailure, text: "no such key: nothing"},
		"redirect loop":          {path: "/loop", outcome: monitor.OutcomeFailure, text: "more than 5 redirects"},
		"redirects not followed": {path: "/loop", options: map[string]any{"follow_redirects": false}, assertions: []string{"status == 302"}, outcome: monitor.OutcomeSuccess},
		"secret":                 {path: "/echo", options: map[string]any{"headers": map[string]string{"X-Token": "secret://token"}}, assertions: []string{`body == "x"`}, outcome: monitor.OutcomeFailure, text: "you sent •••"},
		"unknown secret":         {path: "/", options: map[string]any{"headers": map[string]string{"X-Token": "secret://nope"}}, outcome: monitor.OutcomeError, text: "VEDETTE_SECRET_NOPE"},
	} {
		t.Run(name, func(t *testing.T) {
			r := engine(t).Execute(t.Context(), execution("http", url+tc.path, tc.options, tc.assertions...))
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
			raw, err := json.Marshal(r)
			require.NoError(t, err)
			require.NotContains(t, string(raw), "s3cret")
			require.Equal(t, 1, r.Attempts)
		})
	}
}

func TestWhatIsRefusedIsNamed(t *testing.T) {
	table, err := kinds.Table()
	require.NoError(t, err)
	for _, tc := range []struct {
		kind, target, options string
		assertions            []string
		field, text           string
	}{
		{"htp", "x", "", nil, "kind", "use http, dns"},
		{"http", "ftp://x", "", nil, "target", "http://"},
		{"http", "http://u:p@x/", "", nil, "target", "secret://"},
		{"http", "http://x", `{"methd":"GET"}`, nil, "options.methd", "method"},
		{"http", "http://x", `{"max_redirects":99}`, nil, "options.max_redirects", "0 to 20"},
		{"http", "http://x", `{"method":7}`, nil, "options.method", "string"},
		{"http", "http://x", `{"tls":{"ca":"x"}}`, nil, "options.tls.ca", "PEM"},
		{"http", "http://x", `[]`, nil, "options", "object"},
		{"http", "http://x", "", []string{"status = 200"}, "assertions[0]", "did you mean \"==\"?"},
		{"http", "http://x", "", []string{"status == 200", "stauts == 200"}, "assertions[1]", "1:1: \"stauts\" is not known: did you mean \"status\"?"},
		{"http", "http://x", "", []string{"latency < 800"}, "assertions[0]", "duration('800ms')"},
		{"http", "http://x", "", []string{"status"}, "assertions[0]", "not bool"},
		{"dns", "https://x", "", nil, "target", "domain name"},
		{"dns", "x", `{"type":"FOO"}`, nil, "options.type", "record type"},
		{"dns", "x", `{"transport":"carrier-pigeon"}`, nil, "options.transport", "udp, tcp"},
		{"dns", "x", `{"expect":{"match":"some"}}`, nil, "options.expect.match", "any, all, exact"},
	} {
		problems := table.Validate(monitor.Definition{Kind: tc.kind, Target: tc.target, Options: json.RawMessage(tc.options), Assertions: tc.assertions})
		require.Len(t, problems, 1, "%+v", tc)
		require.Equal(t, tc.field, problems[0].Field)
		require.Contains(t, problems[0].Message, tc.text)
	}
}

func serveDNS(t testing.TB, handler dns.HandlerFunc) string {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	listener, err := net.Listen("tcp", packets.LocalAddr().String())
	require.NoError(t, err)
	for _, server := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: listener, Handler: handler}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() { _ = server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	return packets.LocalAddr().String()
}

func TestDNS(t *testing.T) {
	server := serveDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		reply := new(dns.Msg).SetReply(q)
		add := func(text string) {
			record, err := dns.NewRR(text)
			if err == nil {
				reply.Answer = append(reply.Answer, record)
			}
		}
		switch q.Question[0].Name {
		case "two.test.":
			add("two.test. 60 IN A 192.0.2.1")
			add("two.test. 30 IN A 192.0.2.2")
		case "mail.test.":
			add("mail.test. 60 IN MX 10 mx.test.")
		case "big.test.":
			if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
				reply.Truncated = true
				break
			}
			add("big.test. 60 IN A 192.0.2.3")
		case "empty.test.":
		default:
			reply.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(reply)
	})
	for name, tc := range map[string]struct {
		target     string
		options    map[string]any
		assertions []string
		outcome    monitor.Outcome
		text       string
	}{
		"up":        {target: "two.test", outcome: monitor.OutcomeSuccess},
		"nxdomain":  {target: "gone.test", outcome: monitor.OutcomeFailure, text: "NXDOMAIN"},
		"no data":   {target: "empty.test", outcome: monitor.OutcomeFailure, text: "no A record"},
		"any":       {target: "two.test", options: map[string]any{"expect": map[string]any{"answers": []string{"192.0.2.1", "192.0.2.9"}}}, outcome: monitor.OutcomeSuccess},
		"all":       {target: "two.test", options: map[string]any{"expect": map[string]any{"answers": []string{"192.0.2.1", "192.0.2.9"}, "match": "all"}}, outcome: monitor.OutcomeFailure, text: "expected all of"},
		"exact":     {target: "two.test", options: map[string]any{"expect": map[string]any{"answers": []string{"192.0.2.2", "192.0.2.1"}, "match": "exact"}}, outcome: monitor.OutcomeSuccess},
		"not exact": {target: "two.test", options: map[string]any{"expect": map[string]any{"answers": []string{"192.0.2.2"}, "match": "exact"}}, outcome: monitor.OutcomeFailure, text: "exact"},
		"mx":        {target: "mail.test", options: map[string]any{"type": "mx", "expect": map[string]any{"answers": []string{"10 MX.test"}}}, outcome: monitor.OutcomeSuccess},
		"truncated": {target: "big.test", outcome: monitor.OutcomeSuccess},
		"cel":       {target: "two.test", assertions: []string{`rcode == "NOERROR"`, "answers.size() == 2", `"192.0.2.1" in answers`, "ttl == 30", "latency_ms < 2000"}, outcome: monitor.OutcomeSuccess},
		"cel fails": {target: "two.test", assertions: []string{"ttl > 300"}, outcome: monitor.OutcomeFailure, text: "ttl > 300 · actual 30"},
	} {
		t.Run(name, func(t *testing.T) {
			options := map[string]any{"server": server}
			for k, v := range tc.options {
				options[k] = v
			}
			r := engine(t).Execute(t.Context(), execution("dns", tc.target, options, tc.assertions...))
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
		})
	}
}

// TestHostileTargets holds every kind to its deadline, whatever the peer does.
func TestHostileTargets(t *testing.T) {
	listen := func(serve func(net.Conn)) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				t.Cleanup(func() { _ = conn.Close() })
				go serve(conn)
			}
		}()
		return l.Addr().String()
	}
	silent := listen(func(net.Conn) {})
	drip := listen(func(c net.Conn) {
		for _, err := c.Write([]byte("HTTP/1.1 200 OK\r\nX: ")); err == nil; _, err = c.Write([]byte("a")) {
			time.Sleep(20 * time.Millisecond) //nolint // the drip is the attack
		}
	})
	garbage := listen(func(c net.Conn) { _, _ = c.Write(bytes.Repeat([]byte{0x16, 0x03, 0xff}, 1000)) })
	headers := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 5000 {
			w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("a", 100))
		}
	})
	endless := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		for chunk := bytes.Repeat([]byte("a"), 1<<16); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	bomb := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		for zeros := make([]byte, 1<<20); ; {
			if _, err := z.Write(zeros); err != nil {
				return
			}
		}
	})
	deaf := serveDNS(t, func(dns.ResponseWriter, *dns.Msg) {})
	malformed := serveDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		raw, _ := new(dns.Msg).SetReply(q).Pack()
		_, _ = w.Write(append(raw[:6], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
	})
	for name, tc := range map[string]struct {
		execution monitor.Execution
		outcome   monitor.Outcome
		text      string
	}{
		"http silent":    {execution("http", "http://"+silent, nil), monitor.OutcomeFailure, "timed out while waiting for the first byte"},
		"https silent":   {execution("http", "https://"+silent, nil), monitor.OutcomeFailure, "timed out during the TLS handshake"},
		"http drip":      {execution("http", "http://"+drip, nil), monitor.OutcomeFailure, "timed out"},
		"https garbage":  {execution("http", "https://"+garbage, nil), monitor.OutcomeFailure, ""},
		"header flood":   {execution("http", headers, nil), monitor.OutcomeFailure, "header"},
		"endless body":   {execution("http", endless, nil, "body.size() == 1048576"), monitor.OutcomeSuccess, ""},
		"gzip bomb":      {execution("http", bomb, nil, "body.size() == 1048576"), monitor.OutcomeSuccess, ""},
		"refused":        {execution("http", "http://127.0.0.1:1/", nil), monitor.OutcomeFailure, "connection refused"},
		"dns deaf":       {execution("dns", "x.test", map[string]any{"server": deaf}), monitor.OutcomeFailure, "timed out"},
		"dns deaf tcp":   {execution("dns", "x.test", map[string]any{"server": silent, "transport": "tcp"}), monitor.OutcomeFailure, "timed out"},
		"dns malformed":  {execution("dns", "x.test", map[string]any{"server": malformed}), monitor.OutcomeFailure, ""},
		"costly formula": {execution("http", endless, nil, "body.split('').map(x, body.split('').map(y, x + y)).size() > 0"), monitor.OutcomeFailure, "cannot be evaluated"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.execution.Check.Timeout = monitor.Duration(time.Second)
			begun := time.Now()
			r := engine(t).Execute(t.Context(), tc.execution)
			// 100 ms is the promise; the rest is for a machine that runs all of these at once.
			require.Less(t, time.Since(begun), 2*time.Second)
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
		})
	}
}

func TestRetriesAndCancellation(t *testing.T) {
	asked := 0
	url := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked < 3 {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	ex := execution("http", url, nil)
	ex.Check.Retries = 3
	r := engine(t).Execute(t.Context(), ex)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome)
	require.Equal(t, 3, r.Attempts)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r = engine(t).Execute(ctx, ex)
	require.Equal(t, monitor.OutcomeError, r.Outcome)
	require.Contains(t, r.Error, "cancelled")
}

func TestNetworkPolicy(t *testing.T) {
	url := serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	deny := engine(t, func(e *executor.Environment) {
		e.Policy = netguard.Policy{Deny: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	})
	r := deny.Execute(t.Context(), execution("http", url, nil))
	require.Equal(t, monitor.OutcomeError, r.Outcome)
	require.Contains(t, r.Error, "127.0.0.0/8")
	r = engine(t).Execute(t.Context(), execution("http", "http://169.254.169.254/latest/meta-data", nil))
	require.Equal(t, monitor.OutcomeError, r.Outcome)
	require.Contains(t, r.Error, "link-local")
	r = engine(t).Execute(t.Context(), execution("dns", "x.test", map[string]any{"server": "169.254.169.253:53"}))
	require.Equal(t, monitor.OutcomeError, r.Outcome)
	redirect := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://[::ffff:169.254.169.254]/", http.StatusFound)
	})
	r = engine(t).Execute(t.Context(), execution("http", redirect, nil))
	require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
}

func TestHeadersDoNotFollowToAnotherHost(t *testing.T) {
	seen := make(chan string, 1)
	other := serveHTTP(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Get("X-Token") })
	first := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusFound) })
	r := engine(t).Execute(t.Context(), execution("http", first, map[string]any{"headers": map[string]string{"X-Token": "secret://token"}}))
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Empty(t, <-seen)
}

func FuzzAssertions(f *testing.F) {
	table, err := kinds.Table()
	require.NoError(f, err)
	for _, seed := range []string{"status == 200", "json.a[0].b > 1", "body.matches('a+')", "((((", `headers["x"]`} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		table.Validate(monitor.Definition{Kind: "http", Target: "http://x", Assertions: []string{text}})
	})
}

func FuzzOptions(f *testing.F) {
	table, err := kinds.Table()
	require.NoError(f, err)
	f.Add(`{"method":"GET","tls":{"ca":""}}`)
	f.Add(`{"headers":{"a":1}}`)
	f.Fuzz(func(_ *testing.T, raw string) {
		for _, kind := range []string{"http", "dns"} {
			table.Validate(monitor.Definition{Kind: kind, Target: "http://x", Options: json.RawMessage(raw)})
		}
	})
}

func BenchmarkHTTP(b *testing.B) {
	url := serveHTTP(b, func(http.ResponseWriter, *http.Request) {})
	e := engine(b)
	ex := execution("http", url, nil)
	b.Run("vedette", func(b *testing.B) {
		for b.Loop() {
			e.Execute(b.Context(), ex)
		}
	})
	b.Run("net/http", func(b *testing.B) {
		for b.Loop() {
			transport := &http.Transport{DisableKeepAlives: true}
			response, err := (&http.Client{Transport: transport}).Get(url)
			require.NoError(b, err)
			_ = response.Body.Close()
		}
	})
}
