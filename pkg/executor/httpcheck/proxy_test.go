package httpcheck_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/executor/netguard"
	"github.com/vedette/vedette/pkg/monitor"
)

// serveProxy starts an HTTP proxy for user me, and returns its address and what it was asked for. It
// connects every tunnel and sends every request to one server.
func serveProxy(t *testing.T, to string) (address string, asked *sync.Map) {
	t.Helper()
	asked = &sync.Map{}
	forward := &http.Transport{DisableKeepAlives: true}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method+" "+r.RequestURI, r.Header.Get("Authorization"))
		login := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		if user, password, _ := login.BasicAuth(); user != "me" || password != executortest.Secret {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method == http.MethodConnect {
			tunnel(w, to)
			return
		}
		r.URL.Host, r.RequestURI = to, ""
		r.Header.Del("Proxy-Authorization")
		response, err := forward.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer func() { _ = response.Body.Close() }()
		w.Header().Set("Content-Type", response.Header.Get("Content-Type"))
		w.WriteHeader(response.StatusCode)
		_, _ = io.Copy(w, response.Body)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), asked
}

func tunnel(w http.ResponseWriter, to string) {
	there, err := net.Dial("tcp", to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic("no hijacker")
	}
	here, _, err := hijacker.Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(there, here); _ = there.Close() })
	_, _ = io.Copy(here, there)
	_ = here.Close()
	both.Wait()
}

func TestProxy(t *testing.T) {
	plain := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "plain "+r.Host) })
	certificate, ca := executortest.Certificate(t)
	secure := serveSecurely(t, tlsConfig(certificate), func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "secure "+r.Proto) })
	for _, c := range []struct {
		to, target, version, asked, body string
	}{
		{plain, "http://example.org/a?b=c", "auto", "GET http://example.org/a?b=c", "plain example.org"},
		{secure, "https://example.org/a", "auto", "CONNECT example.org:443", "secure HTTP/2.0"},
		{secure, "https://example.org/a", "1.1", "CONNECT example.org:443", "secure HTTP/1.1"},
	} {
		proxy, asked := serveProxy(t, strings.TrimPrefix(strings.TrimPrefix(c.to, "http://"), "https://"))
		options := map[string]any{
			"proxy": "http://me:secret://token@" + proxy, "http_version": c.version, "tls": map[string]any{"ca": ca},
			"auth": map[string]any{"type": "bearer", "token": "secret://token"},
		}
		r := execute(t, c.target, options, `body == "`+c.body+`"`)
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
		require.Equal(t, "127.0.0.1", r.Observed["ip"])
		authorization, ok := asked.Load(c.asked)
		require.True(t, ok)
		require.Equal(t, c.to == secure, authorization == "", "a tunnel is told nothing of it")

		options["proxy"] = "https://me:secret://token@" + executortest.TerminateTLS(t, certificate, proxy)
		r = execute(t, c.target, options, `body == "`+c.body+`"`)
		require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
		require.Contains(t, r.Error, "signed by an authority that is not trusted", "the authority is the target's")
		options["proxy_ca"] = ca
		r = execute(t, c.target, options, `body == "`+c.body+`"`)
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
		delete(options, "proxy_ca")

		options["proxy"] = "http://" + proxy
		r = execute(t, c.target, options)
		require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
		require.Contains(t, r.Error, "user and password: give them as user:secret://name@ before its host")
	}
}

func TestSOCKSProxy(t *testing.T) {
	proxy := executortest.ServeConns(t, func(c net.Conn) {
		buffer := make([]byte, 1000)
		for _, answer := range []string{"\x05\x00", "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"} {
			if _, err := c.Read(buffer); err != nil {
				return
			}
			_, _ = io.WriteString(c, answer)
		}
	})
	r := execute(t, "http://example.org/", map[string]any{"proxy": "socks5://" + proxy}, `body == "hi"`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
}

// TestThePolicyAppliesBehindAProxy to addresses, and to the proxy itself.
func TestThePolicyAppliesBehindAProxy(t *testing.T) {
	proxy, asked := serveProxy(t, "127.0.0.1:1")
	for _, target := range []string{"http://169.254.169.254/", "https://169.254.169.254/", "http://[::ffff:169.254.169.254]/"} {
		r := execute(t, target, map[string]any{"proxy": "http://me:secret://token@" + proxy})
		require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
		require.Contains(t, r.Error, "link-local")
	}
	deny := engineOf(t, httpcheck.Executor{}, func(env *executor.Environment) {
		env.Policy = netguard.Policy{Deny: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	})
	for _, target := range []string{"http://example.org/", "https://example.org/"} {
		r := deny(target, map[string]any{"proxy": "http://" + proxy})
		require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
		require.Contains(t, r.Error, "denied by --deny")
	}
	asked.Range(func(what, _ any) bool {
		t.Errorf("the proxy was asked for %v", what)
		return true
	})
	p := problem(t, "https://example.org/", map[string]any{"proxy": "http://" + proxy, "http_version": "3"})
	require.Equal(t, "options.proxy", p.Field)
}

func TestTokensThroughAProxy(t *testing.T) {
	tokens := serveTokens(t)
	proxy, asked := serveProxy(t, strings.TrimPrefix(tokens.url, "http://"))
	options := tokens.options("token_url", "http://id.example.org/token")
	options["proxy"] = "http://me:secret://token@" + proxy
	r := execute(t, "http://example.org/", options, "status == 401")
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	_, ok := asked.Load("POST http://id.example.org/token")
	require.True(t, ok)
}
