package httpcheck_test

import (
	"crypto/tls"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/executor/netguard"
	"github.com/vedette/vedette/pkg/monitor"
)

func nothing(net.Conn) {}

// versionServer speaks the versions given, by TLS or without.
func versionServer(t *testing.T, secure bool, http1, http2 bool) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	server.Config.Protocols = &http.Protocols{}
	server.Config.Protocols.SetHTTP1(http1)
	server.Config.Protocols.SetHTTP2(http2 && secure)
	server.Config.Protocols.SetUnencryptedHTTP2(http2 && !secure)
	if secure {
		server.EnableHTTP2 = http2
		certificate, _ := executortest.Certificate(t)
		server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL
}

func TestVersions(t *testing.T) {
	const both, only1, only2 = "both", "only 1.1", "only 2"
	for _, secure := range []bool{true, false} {
		servers := map[string]string{
			both: versionServer(t, secure, true, true), only1: versionServer(t, secure, true, false), only2: versionServer(t, secure, false, true),
		}
		auto := "HTTP/2.0"
		if !secure {
			auto = "HTTP/1.1"
		}
		for _, c := range []struct{ server, version, seen, text string }{
			{both, "auto", auto, ""}, {both, "1.1", "HTTP/1.1", ""}, {both, "2", "HTTP/2.0", ""},
			{only1, "auto", "HTTP/1.1", ""}, {only1, "2", "", "the server does not speak HTTP/2"},
			{only2, "2", "HTTP/2.0", ""},
		} {
			r := execute(t, servers[c.server], map[string]any{"http_version": c.version, "tls": map[string]any{"skip_verify": true}}, `body == http_version`)
			if c.text == "" {
				require.Equal(t, monitor.OutcomeSuccess, r.Outcome, "%v %v: %s", secure, c, r.Error)
				require.Equal(t, c.seen, r.Observed["http_version"])
			} else {
				require.Equal(t, monitor.OutcomeFailure, r.Outcome)
				require.Equal(t, c.text, r.Error)
			}
		}
	}
}

// TestAServerThatOffersNoVersion by TLS, for the client to choose from.
func TestAServerThatOffersNoVersion(t *testing.T) {
	certificate, ca := executortest.Certificate(t)
	address := executortest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}}, nil) //nolint:gosec // a test
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Listener = tls.NewListener(server.Listener, &tls.Config{Certificates: []tls.Certificate{certificate}}) //nolint:gosec // a test
	server.Start()
	t.Cleanup(server.Close)
	for version, text := range map[string]string{"auto": "", "1.1": "", "2": "the server does not speak HTTP/2"} {
		r := execute(t, "https://"+server.Listener.Addr().String(), map[string]any{"http_version": version, "tls": map[string]any{"ca": ca}})
		require.Equal(t, text, r.Error)
	}
	r := execute(t, "https://"+address, map[string]any{"http_version": "2", "tls": map[string]any{"ca": ca}})
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
}

func TestHTTP3(t *testing.T) {
	certificate, ca := executortest.Certificate(t)
	url := executortest.ServeHTTP3(t, certificate, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/plain":
			http.Redirect(w, r, "http://127.0.0.1/", http.StatusFound)
		case "/broken":
			w.WriteHeader(http.StatusBadGateway)
		case "/large":
			_, _ = w.Write(make([]byte, 3<<20))
		default:
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, r.Method+" "+r.TLS.ServerName+" "+r.Header.Get("X-A")+" "+string(body))
		}
	})
	with := func(more map[string]any) map[string]any {
		options := map[string]any{"http_version": "3", "tls": map[string]any{"ca": ca}}
		maps.Copy(options, more)
		return options
	}
	r := execute(t, url, with(map[string]any{"method": "POST", "body": "hello", "headers": map[string]string{"X-A": "b"}}),
		`body == "POST  b hello"`, `http_version == "HTTP/3.0"`, `ip == "127.0.0.1"`, `certificate.tls_version == "TLS 1.3"`, "timings.tls_ms > 0.0 && timings.first_byte_ms > 0.0")
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	r = execute(t, strings.Replace(url, "127.0.0.1", "localhost", 1), with(nil), `body.contains("localhost")`, "timings.dns_ms > 0.0")
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	r = execute(t, url+"/moved", with(nil), "redirects == 1", "status == 200")
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	r = execute(t, url+"/large", with(nil), "body.size() == 1048576")
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Equal(t, true, r.Observed["truncated"])

	tcp := versionServer(t, true, true, true)
	for target, text := range map[string]string{
		url + "/broken": "status 502 Bad Gateway",
		url + "/plain":  "it is led to an address without TLS, by which there is no HTTP/3",
		"https://" + executortest.Closed(t, "udp"): "connection refused",
		tcp: "connection refused",
		"https://" + executortest.ServePackets(t, nothing): "timed out during the TLS handshake",
		"https://no-such-host.invalid":                     "no-such-host.invalid",
	} {
		r := execute(t, target, with(nil))
		require.Equal(t, monitor.OutcomeFailure, r.Outcome, target)
		require.Contains(t, r.Error, text, target)
		require.NotContains(t, r.Error, "127.0.0.1->")
	}
	r = execute(t, url, map[string]any{"http_version": "3"})
	require.Contains(t, r.Error, "certificate: signed by an authority that is not trusted")
	r = execute(t, url, map[string]any{"http_version": "3", "tls": map[string]any{"ca": ca, "server_name": "example.com"}})
	require.Contains(t, r.Error, "certificate: x509: certificate is valid for localhost, example.org, not example.com")
}

func TestHTTP3ByIPv6(t *testing.T) {
	packets, err := net.ListenPacket("udp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	require.NoError(t, packets.Close())
	certificate, ca := executortest.Certificate(t)
	options := map[string]any{"http_version": "3", "tls": map[string]any{"ca": ca}}
	r := execute(t, executortest.ServeHTTP3At(t, "[::1]:0", certificate, func(http.ResponseWriter, *http.Request) {}), options, `ip == "::1"`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
}

// TestTheWireOfHTTP3 is told in plain text, not in packets.
func TestTheWireOfHTTP3(t *testing.T) {
	certificate, ca := executortest.Certificate(t)
	url := executortest.ServeHTTP3(t, certificate, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "plain words") })
	d := monitor.Definition{Kind: "http", Target: url + "/a", Options: executortest.Options(t, map[string]any{"http_version": "3", "tls": map[string]any{"ca": ca}})}
	execution := executortest.Execution(d)
	execution.Trigger = monitor.TriggerTest
	r := executortest.Engine(t, []executor.Executor{httpcheck.Executor{}}).Execute(t.Context(), execution)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	var told strings.Builder
	for _, entry := range r.Wire {
		told.WriteString(entry.What + " " + entry.Text + "\n")
	}
	require.Regexp(t, "(?s)connect 127.0.0.1:.*tls TLS 1.3, TLS_.*, h3\n.*GET /a HTTP.*HTTP/3.0 200 OK.*plain words", told.String())
}

// TestThePolicyAppliesToHTTP3, to the address that packets would go to.
func TestThePolicyAppliesToHTTP3(t *testing.T) {
	certificate, ca := executortest.Certificate(t)
	url := executortest.ServeHTTP3(t, certificate, func(http.ResponseWriter, *http.Request) { t.Error("it may not be asked") })
	leading := executortest.ServeHTTP3(t, certificate, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://169.254.169.254/", http.StatusFound)
	})
	options := map[string]any{"http_version": "3", "tls": map[string]any{"ca": ca}}
	deny := engineOf(t, httpcheck.Executor{}, func(env *executor.Environment) {
		env.Policy = netguard.Policy{Deny: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	})
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		r := deny(strings.Replace(url, "127.0.0.1", host, 1), options)
		require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
		require.Contains(t, r.Error, "denied by --deny")
	}
	r := execute(t, leading, options)
	require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
	require.Contains(t, r.Error, "link-local")
}
