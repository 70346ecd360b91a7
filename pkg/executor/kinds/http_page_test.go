package kinds_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
)

// site is what the page of HTTP looks at.
func site(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/health":
		if r.Header.Get("Authorization") != "Bearer t0ken" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"status":"ok","queue":{"depth":7}}`)
	case "/graphql":
		var asked struct{ Variables struct{ First int } }
		if _ = json.NewDecoder(r.Body).Decode(&asked); asked.Variables.First != 1 || r.Header.Get("Authorization") != "Bearer acc3ss" {
			_, _ = io.WriteString(w, `{"errors":[{"message":"no such field"}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"data":{"accounts":[{"id":7}]}}`)
	case "/broken":
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"state":"bad"}`)
	case "/loop":
		http.Redirect(w, r, "/loop", http.StatusFound)
	case "/lead":
		http.Redirect(w, r, "https://www.example.org/", http.StatusFound)
	case "/bomb":
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb(2 << 20))
	case "/basic":
		w.Header().Set("WWW-Authenticate", `Basic realm="a"`)
		w.WriteHeader(http.StatusUnauthorized)
	default:
		_, _ = io.WriteString(w, "plain words: Welcome!")
	}
}

// issuer gives out tokens.
func issuer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch _, secret, _ := r.BasicAuth(); {
	case r.URL.Path == "/busy":
		w.WriteHeader(http.StatusServiceUnavailable)
	case secret != "t0ken":
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"invalid_client"}`)
	default:
		_, _ = io.WriteString(w, `{"access_token":"acc3ss","token_type":"Bearer","expires_in":3600}`)
	}
}

func TestPageOfHTTP(t *testing.T) {
	t.Parallel()
	plain, tokens := executortest.ServeHTTP(t, site), executortest.ServeHTTP(t, issuer)
	certificate, ca := executortest.Certificate(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(1000 * time.Hour) })
	secure := httptest.NewUnstartedServer(http.HandlerFunc(site))
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	quick := executortest.ServeHTTP3(t, certificate, site)
	old := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, secure.URL+"/", http.StatusMovedPermanently)
	})
	text := page(t, "http.md")
	requireNames(t, text, httpcheck.Executor{}.Kind())
	found := examples(t, text, "http://example.org", old, "https://www.example.org", secure.URL, "https://api.example.org", plain,
		"https://id.example.org", tokens, "https://quic.example.org", quick)
	require.Len(t, found, 5)
	for id, d := range found {
		if strings.HasPrefix(d.Target, "https") {
			options := map[string]any{}
			if len(d.Options) > 0 {
				require.NoError(t, json.Unmarshal(d.Options, &options))
			}
			options["tls"] = map[string]any{"ca": ca}
			d.Options = executortest.Options(t, options)
		}
		engine := executortest.Engine(t, kinds.All(), func(env *executor.Environment) {
			env.Secrets.Env = func(name string) (string, bool) {
				return "t0ken", slices.Contains([]string{"VEDETTE_SECRET_API_TOKEN", "VEDETTE_SECRET_API_CLIENT"}, name)
			}
		})
		r := engine.Execute(t.Context(), executortest.Execution(d))
		require.Contains(t, []monitor.Outcome{monitor.OutcomeSuccess, monitor.OutcomeDegraded}, r.Outcome, "%s: %s", id, r.Error)
	}
	requireTexts(t, text, append(failuresOfHTTP(t, plain, tokens), failuresOfTLS(t, secure.URL, ca)...))
}

// asking is a definition with options.
func asking(t *testing.T, target string, options map[string]any, assertions ...string) monitor.Definition {
	t.Helper()
	return monitor.Definition{Kind: "http", Target: target, Options: executortest.Options(t, options), Assertions: assertions}
}

func failuresOfHTTP(t *testing.T, plain, tokens string) []failure {
	t.Helper()
	silent := executortest.ServeConns(t, func(net.Conn) {})
	half := executortest.ServeConns(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1000))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
	})
	closing := executortest.ServeConns(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1000))
		_ = c.Close()
	})
	at := func(target string, assertions ...string) monitor.Definition {
		return asking(t, target, nil, assertions...)
	}
	led := func(path, expected string) monitor.Definition {
		return asking(t, plain+path, map[string]any{"follow_redirects": false, "expected_location": expected})
	}
	granted := func(path, id string) monitor.Definition {
		return asking(t, plain, map[string]any{"auth": map[string]any{"type": "oauth2", "token_url": tokens + path, "client_id": id, "client_secret": "secret://token"}})
	}
	web := httpcheck.Executor{}
	fails, errs := monitor.OutcomeFailure, monitor.OutcomeError
	return []failure{
		{web, at(plain + "/broken"), fails, "status 503 Service Unavailable"},
		{web, at(plain+"/broken", "status == 200"), fails, "status == 200 · actual 503"},
		{web, at(plain+"/broken", `status == 503 && json.state == "ok"`), fails, `status == 503 && json.state == "ok" · actual "bad"`},
		{web, at(plain+"/broken", "json.nothing == 1"), fails, "cannot be evaluated: no such key: nothing"},
		{web, at(plain, "json.state == 1"), fails, "the body is not JSON: invalid character 'p'"},
		{web, at("http://" + executortest.Closed(t, "tcp")), fails, "connection refused: 127.0.0.1:"},
		{web, at("http://no-such-host.invalid"), fails, "no-such-host.invalid"},
		{web, at("http://" + silent), fails, "timed out while waiting for the first byte"},
		{web, at("http://" + half), fails, "timed out while reading the answer"},
		{web, at("http://" + closing), fails, "connection closed while waiting for the first byte"},
		{web, at(plain+"/bomb", "status == 200"), fails, "the body is hostile: with Content-Encoding gzip it expands to more than 1 MiB"},
		{web, at(plain + "/loop"), fails, "more than 5 redirects"},
		{web, led("/lead", "https://www.example.org/home"), fails, "it is led to https://www.example.org/, expected https://www.example.org/home"},
		{web, led("/", "https://www.example.org/"), fails, "it is not led to https://www.example.org/: status 200 without a location"},
		{web, asking(t, plain+"/graphql", map[string]any{"graphql": map[string]any{"query": "{ a }"}}), fails, "the answer has GraphQL errors: no such field"},
		{web, asking(t, plain, map[string]any{"http_version": "2"}), fails, "the server does not speak HTTP/2"},
		{web, granted("/busy", "vedette"), fails, "no token: the token server answered 503"},
		{web, granted("/token", "vedette"), errs, "no token: the token server answered 401 invalid_client: mend options.auth"},
		{web, asking(t, plain+"/basic", map[string]any{"auth": map[string]any{"type": "digest", "username": "me", "password": "secret://token"}}), fails, "the server asks for no digest that is known: there are MD5, SHA-256"},
		{web, at(strings.Replace(plain, "http", "https", 1)), fails, "the server speaks HTTP, not HTTPS, at this port"},
		{web, asking(t, plain, map[string]any{"body": "secret://nope"}), errs, "secret is not known to this runner: nope: set VEDETTE_SECRET_NOPE"},
		{web, at("http://169.254.169.254/"), errs, "169.254.169.254 is link-local, which is never probed"},
		{web, at(plain), errs, "127.0.0.1 is in 127.0.0.0/8, denied by --deny"},
	}
}

func failuresOfTLS(t *testing.T, secure, ca string) []failure {
	t.Helper()
	certificate, own := executortest.Certificate(t)
	wanting := httptest.NewUnstartedServer(http.HandlerFunc(site))
	wanting.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	wanting.StartTLS()
	t.Cleanup(wanting.Close)
	by := func(target string, tls map[string]any) monitor.Definition {
		return asking(t, target, map[string]any{"tls": tls})
	}
	web := httpcheck.Executor{}
	fails, errs := monitor.OutcomeFailure, monitor.OutcomeError
	return []failure{
		{web, by(secure, nil), fails, "certificate: signed by an authority that is not trusted"},
		{web, by(secure, map[string]any{"ca": ca, "server_name": "example.com"}), fails, "certificate: x509: certificate is valid for localhost, example.org, not example.com"},
		{web, by(wanting.URL, map[string]any{"ca": own, "max_version": "1.2"}), fails, "the server wants a certificate of the client: give options.tls.certificate and key"},
		{web, by(secure, map[string]any{"certificate": "secret://token", "key": "secret://token"}), errs, "certificate and key of tls are no pair in PEM"},
		{web, asking(t, "https://"+executortest.ServePackets(t, func(net.Conn) {}), map[string]any{"http_version": "3"}), fails, "timed out during the TLS handshake"},
	}
}
