package httpcheck_test

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func execute(t *testing.T, target string, options map[string]any, assertions ...string) monitor.Result {
	t.Helper()
	d := monitor.Definition{Kind: "http", Target: target, Options: executortest.Options(t, options), Assertions: assertions, Timeout: monitor.Duration(2 * time.Second)}
	return executortest.Engine(t, []executor.Executor{httpcheck.Executor{}}).Execute(t.Context(), executortest.Execution(d))
}

func TestAnswers(t *testing.T) {
	url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Method+" "+r.Header.Get("X-Token"))
		w.Header().Add("X-Twice", "1")
		w.Header().Add("X-Twice", "2")
		switch r.URL.Path {
		case "/broken":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/teapot":
			w.WriteHeader(499)
		case "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/nowhere":
			w.WriteHeader(http.StatusFound)
		case "/text":
			_, _ = io.WriteString(w, "plain \xff text")
		case "/nothing":
		case "/large":
			_, _ = io.WriteString(w, `["`+strings.Repeat("a", 1<<20)+`"]`)
		case "/host":
			_, _ = io.WriteString(w, r.Host)
		case "/body":
			body, _ := io.ReadAll(r.Body)
			_, _ = fmt.Fprintf(w, "%s %s %d", r.Method, body, r.ContentLength)
		default:
			_, _ = io.WriteString(w, `{"state":"ok","depth":7,"big":12345678,"list":[1,{"a":null}]}`)
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
		"default rule":           {path: "/broken", outcome: monitor.OutcomeFailure, text: "status 503 Service Unavailable"},
		"status without a name":  {path: "/teapot", outcome: monitor.OutcomeFailure, text: "status 499"},
		"assertion":              {path: "/broken", assertions: []string{"status == 200"}, outcome: monitor.OutcomeFailure, text: "status == 200 · actual 503"},
		"assertion of a failure": {path: "/broken", assertions: []string{"status == 503"}, outcome: monitor.OutcomeSuccess},
		"json": {path: "/", assertions: []string{
			`json.state == "ok"`, "json.depth < 10", "json.big == 12345678", `json.list[1].a == null`, `latency < duration("2s")`, "latency_ms < 2000",
			`headers["x-seen"] == "GET"`, `headers["x-twice"] == "1, 2"`, `body.contains("state")`, `ip == "127.0.0.1"`, `http_version == "HTTP/1.1"`, "redirects == 0",
			`certificate == {}`, `timings.first_byte_ms > 0.0 && timings.tls_ms == 0.0`,
		}, outcome: monitor.OutcomeSuccess},
		"missing key":            {path: "/", assertions: []string{"json.nothing == 1"}, outcome: monitor.OutcomeFailure, text: "no such key: nothing"},
		"not JSON":               {path: "/text", assertions: []string{"json.a == 1"}, outcome: monitor.OutcomeFailure, text: "the body is not JSON: invalid character 'p'"},
		"empty, not JSON":        {path: "/nothing", assertions: []string{"json.a == 1"}, outcome: monitor.OutcomeFailure, text: "the body is empty, not JSON"},
		"too long for JSON":      {path: "/large", assertions: []string{"json.size() == 1"}, outcome: monitor.OutcomeFailure, text: "longer than 1 MiB"},
		"body is cut":            {path: "/large", assertions: []string{"body.size() == 1048576"}, outcome: monitor.OutcomeSuccess},
		"body is valid UTF-8":    {path: "/text", assertions: []string{`body == "plain � text"`}, outcome: monitor.OutcomeSuccess},
		"redirect":               {path: "/moved", assertions: []string{"status == 200", "redirects == 1"}, outcome: monitor.OutcomeSuccess},
		"redirects not followed": {path: "/moved", options: map[string]any{"follow_redirects": false}, assertions: []string{"status == 302", `headers.location == "/"`}, outcome: monitor.OutcomeSuccess},
		"none allowed":           {path: "/moved", options: map[string]any{"max_redirects": 0}, outcome: monitor.OutcomeFailure, text: "more than 0 redirects"},
		"redirect to nowhere":    {path: "/nowhere", outcome: monitor.OutcomeSuccess},
		"method":                 {path: "/", options: map[string]any{"method": "head"}, assertions: []string{`headers["x-seen"] == "HEAD"`, `body == ""`}, outcome: monitor.OutcomeSuccess},
		"body":                   {path: "/body", options: map[string]any{"method": "PUT", "body": "hello"}, assertions: []string{`body == "PUT hello 5"`}, outcome: monitor.OutcomeSuccess},
		"host":                   {path: "/host", options: map[string]any{"headers": map[string]string{"Host": "example.org"}}, assertions: []string{`body == "example.org"`}, outcome: monitor.OutcomeSuccess},
		"header":                 {path: "/", options: map[string]any{"headers": map[string]string{"x-token": "a"}}, assertions: []string{`headers["x-seen"] == "GET a"`}, outcome: monitor.OutcomeSuccess},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, url+tc.path, tc.options, tc.assertions...)
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
			require.Equal(t, "127.0.0.1", r.Observed["ip"])
		})
	}
}

func TestWhyThereIsNoAnswer(t *testing.T) {
	plain := executortest.ServeHTTP(t, func(http.ResponseWriter, *http.Request) {})
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	secure.Config.ErrorLog = nil
	t.Cleanup(secure.Close)
	closing := executortest.ServeConns(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1000))
		_ = c.Close()
	})
	short := executortest.ServeConns(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1000))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
		_ = c.Close()
	})
	for target, text := range map[string]string{
		"http://" + executortest.Closed(t, "tcp"):  "connection refused: 127.0.0.1:",
		"http://no-such-host.invalid/":             "no-such-host.invalid",
		"http://" + closing:                        "connection closed while waiting for the first byte",
		"http://" + short:                          "connection closed while reading the answer",
		strings.Replace(plain, "http", "https", 1): "the server speaks HTTP, not HTTPS, at this port",
		secure.URL: "certificate: signed by an authority that is not trusted",
		strings.Replace(secure.URL, "https", "http", 1): "status 400",
	} {
		r := execute(t, target, nil)
		require.Equal(t, monitor.OutcomeFailure, r.Outcome)
		require.Contains(t, r.Error, text, target)
	}
}

// secureServer serves HTTP/2 and HTTP/1.1 by TLS with a certificate for example.com and 127.0.0.1;
// it returns the certificate as PEM and counts the connections.
func secureServer(t *testing.T) (url, ca string, conns *atomic.Int64) {
	t.Helper()
	conns = new(atomic.Int64)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s %s", r.Proto, r.TLS.ServerName)
	}))
	server.EnableHTTP2 = true
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})), conns
}

func TestTLS(t *testing.T) {
	url, ca, conns := secureServer(t)
	options := func(tls map[string]any) map[string]any { return map[string]any{"tls": tls} }
	r := execute(t, url, options(map[string]any{"ca": ca}),
		`http_version == "HTTP/2.0"`, `certificate.issuer.contains("Acme Co")`, `"example.com" in certificate.names && "127.0.0.1" in certificate.names`,
		`certificate.expires_in > duration('24h')`, `certificate.not_after > certificate.not_before`, "timings.tls_ms > 0.0", `body == "HTTP/2.0 "`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Contains(t, r.Observed["certificate"], "not_after")
	require.Positive(t, r.Timings.TLS)

	r = execute(t, url, options(map[string]any{"ca": ca, "server_name": "example.com"}), `body.endsWith(" example.com")`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	r = execute(t, url, options(map[string]any{"ca": ca, "server_name": "example.org"}))
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Contains(t, r.Error, "certificate: x509: certificate is valid for example.com")
	r = execute(t, url, options(map[string]any{"skip_verify": true, "server_name": "example.org"}), `body.endsWith(" example.org")`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	r = execute(t, url, nil)
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Contains(t, r.Error, "not trusted")

	before := conns.Load()
	for range 3 {
		require.Equal(t, monitor.OutcomeSuccess, execute(t, url, options(map[string]any{"ca": ca})).Outcome)
	}
	require.Equal(t, before+3, conns.Load(), "each execution has a connection of its own")
}

func TestOldTLSIsRefused(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = &tls.Config{MaxVersion: tls.VersionTLS11} //nolint:gosec // that is the test
	server.StartTLS()
	t.Cleanup(server.Close)
	r := execute(t, server.URL, map[string]any{"tls": map[string]any{"skip_verify": true}})
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Contains(t, r.Error, "protocol version")
}

// TestNothingFollowsToAnotherHost: neither headers nor body, nor the query in the Referer; and
// neither to a host reached without TLS from one reached with it.
func TestNothingFollowsToAnotherHost(t *testing.T) {
	type request struct{ token, referer, agent, body string }
	seen := make(chan request, 1)
	note := func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen <- request{r.Header.Get("X-Token"), r.Header.Get("Referer"), r.Header.Get("User-Agent"), string(body)}
	}
	other := executortest.ServeHTTP(t, note)
	options := map[string]any{
		"method": "POST", "body": "secret://token", "headers": map[string]string{"X-Token": "secret://token", "User-Agent": "secret://token"},
		"tls": map[string]any{"skip_verify": true},
	}
	first := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusTemporaryRedirect) })
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusPermanentRedirect) }))
	t.Cleanup(secure.Close)
	for _, from := range []string{first, secure.URL} {
		r := execute(t, from+"/?q=x", options)
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
		require.Equal(t, request{agent: "Vedette/1 (uptime monitor)"}, <-seen)
	}

	same := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/next", http.StatusTemporaryRedirect)
			return
		}
		note(w, r)
	})
	options["headers"], options["body"] = map[string]string{"X-Token": "a"}, "b"
	r := execute(t, same+"/", options)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Equal(t, request{"a", same + "/", "Vedette/1 (uptime monitor)", "b"}, <-seen)
	require.Equal(t, same+"/next", r.Observed["url"])
}

func TestProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	t.Setenv("ALL_PROXY", "http://127.0.0.1:1")
	url := executortest.ServeHTTP(t, func(http.ResponseWriter, *http.Request) {})
	require.Equal(t, monitor.OutcomeSuccess, execute(t, url, nil).Outcome)
}

func TestIPv6(t *testing.T) {
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	r := execute(t, server.URL, nil, `ip == "::1"`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
}

func TestTimingsOfAName(t *testing.T) {
	url := executortest.ServeHTTP(t, func(http.ResponseWriter, *http.Request) { time.Sleep(30 * time.Millisecond) }) // the server is slow
	r := execute(t, strings.Replace(url, "127.0.0.1", "localhost", 1), nil)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Positive(t, r.Timings.DNS)
	require.Positive(t, r.Timings.Connect)
	require.GreaterOrEqual(t, r.Timings.FirstByte, 30.0)
	require.GreaterOrEqual(t, r.DurationMS, r.Timings.DNS+r.Timings.Connect+r.Timings.FirstByte+r.Timings.Transfer)
}

// TestSecretsThatDoNotFit are the check's fault, not the target's.
func TestSecretsThatDoNotFit(t *testing.T) {
	for name, tc := range map[string]struct {
		target  string
		options map[string]any
		text    string
	}{
		"target": {"http://secret://token/", nil, "with its secrets put in, the target is no URL"},
		"header": {"http://127.0.0.1:1/", map[string]any{"headers": map[string]string{"X-A": "a secret://lines"}}, "the header X-A holds control characters"},
	} {
		t.Run(name, func(t *testing.T) {
			d := monitor.Definition{Kind: "http", Target: tc.target, Options: executortest.Options(t, tc.options)}
			engine := executortest.Engine(t, []executor.Executor{httpcheck.Executor{}}, func(env *executor.Environment) {
				env.Secrets.Env = func(name string) (string, bool) {
					if name == "VEDETTE_SECRET_LINES" {
						return "two\nlines", true
					}
					return "s3cret of spaces", true
				}
			})
			r := engine.Execute(t.Context(), executortest.Execution(d))
			require.Equal(t, monitor.OutcomeError, r.Outcome)
			require.Contains(t, r.Error, tc.text)
			require.NotContains(t, r.Error, "s3cret")
			require.NotContains(t, r.Error, "two")
		})
	}
}

func FuzzPrepare(f *testing.F) {
	f.Add("https://example.org/", `{"method":"GET","tls":{"ca":""}}`)
	f.Add("http://[::1]:80", `{"headers":{"a":"b"}}`)
	f.Add("http://secret://x/", `{"headers":{"a":"secret://b"},"max_redirects":3}`)
	f.Fuzz(func(t *testing.T, target, options string) {
		_, problems := httpcheck.Executor{}.Prepare(monitor.Definition{Target: target, Options: json.RawMessage(options)})
		for _, p := range problems {
			require.Regexp(t, `^(target|options(\.(.|\n)*)?)$`, p.Field)
			require.NotEmpty(t, p.Message)
		}
		if problems.Err() == nil && target != "" {
			_, err := http.NewRequest(http.MethodGet, target, nil)
			require.NoError(t, err, "what was taken can be sent")
		}
	})
}
