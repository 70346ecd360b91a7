package httpcheck_test

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/monitor"
)

// serveSecurely serves HTTP by TLS as configured.
func serveSecurely(t *testing.T, config *tls.Config, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = config
	server.EnableHTTP2 = config.MaxVersion == 0 // it needs TLS 1.2
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func tlsConfig(certificate tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
}

func TestClientCertificate(t *testing.T) {
	certificate, ca := executortest.Certificate(t)
	own, ownPEM := executortest.Certificate(t, func(c *x509.Certificate) {
		c.Subject.CommonName, c.ExtKeyUsage = "vedette", []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	raw, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	require.NoError(t, err)
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM([]byte(ownPEM)))
	who := func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) > 0 {
			_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
		}
	}
	url := serveSecurely(t, &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}, who) //nolint:gosec // a test
	other := serveSecurely(t, &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert}, who)                         //nolint:gosec // a test
	leading := serveSecurely(t, &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert},                            //nolint:gosec // a test
		func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusFound) })
	run := engineOf(t, httpcheck.Executor{}, func(env *executor.Environment) {
		env.Secrets.Env = func(name string) (string, bool) {
			value, ok := map[string]string{"VEDETTE_SECRET_KEY": key, "VEDETTE_SECRET_CERT": ownPEM, "VEDETTE_SECRET_OTHER": ca}[name]
			return value, ok
		}
	})
	with := func(certificate, key string) map[string]any {
		return map[string]any{"tls": map[string]any{"ca": ca, "certificate": certificate, "key": key}}
	}
	for _, given := range []string{ownPEM, "secret://cert"} {
		r := run(url, with(given, "secret://key"), `body == "vedette"`)
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	}
	for _, version := range []string{"1.2", "1.3"} {
		for _, http := range []string{"auto", "1.1", "2"} {
			r := run(url, map[string]any{"http_version": http, "tls": map[string]any{"ca": ca, "max_version": version}})
			require.Equal(t, monitor.OutcomeFailure, r.Outcome)
			require.Contains(t, r.Error, "a certificate of the client", "HTTP %s by TLS %s", http, version)
		}
	}
	r := run(url, with("secret://other", "secret://key"))
	require.Equal(t, monitor.OutcomeError, r.Outcome)
	require.Contains(t, r.Error, "certificate and key of tls are no pair in PEM")
	r = run(leading, with(ownPEM, "secret://key"), `body == ""`, "redirects == 1")
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error, "the other host does not get to see it")
}

func TestVersionsOfTLS(t *testing.T) {
	certificate, _ := executortest.Certificate(t)
	old := serveSecurely(t, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, func(http.ResponseWriter, *http.Request) {}) //nolint:gosec // that is the test
	wide := serveSecurely(t, &tls.Config{Certificates: []tls.Certificate{certificate}}, func(http.ResponseWriter, *http.Request) {})                                                            //nolint:gosec // a test
	with := func(least, most string) map[string]any {
		return map[string]any{"tls": map[string]any{"skip_verify": true, "min_version": least, "max_version": most}}
	}
	r := execute(t, old, with("1.0", "1.3"), `certificate.tls_version == "TLS 1.0"`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	r = execute(t, old, with("1.2", "1.3"))
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Contains(t, r.Error, "protocol version")
	r = execute(t, wide, with("1.2", "1.2"), `certificate.tls_version == "TLS 1.2"`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Equal(t, "TLS 1.2", r.Observed["tls_version"])
	require.Equal(t, "options.tls.max_version", problem(t, wide, with("1.3", "1.2")).Field)
	require.Equal(t, "options.tls.max_version", problem(t, wide, map[string]any{"http_version": "3", "tls": map[string]any{"max_version": "1.2"}}).Field)
}

func TestWhatIsToldOfACertificate(t *testing.T) {
	certificate, ca := executortest.Certificate(t)
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	require.NoError(t, err)
	key, ok := certificate.PrivateKey.(crypto.Signer)
	require.True(t, ok)
	certificate.OCSPStaple, err = ocsp.CreateResponse(leaf, leaf, ocsp.Response{SerialNumber: leaf.SerialNumber, ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}, key)
	require.NoError(t, err)
	url := serveSecurely(t, &tls.Config{Certificates: []tls.Certificate{certificate}}, func(http.ResponseWriter, *http.Request) {}) //nolint:gosec // a test
	r := execute(t, url, map[string]any{"tls": map[string]any{"ca": ca}},
		`certificate.ocsp.status == "good" && certificate.ocsp.expires_in > duration("50m")`, `certificate.key == "ECDSA P-256" && certificate.sha256.size() == 64`,
		`certificate.problems == []`, `certificate.cipher.startsWith("TLS_")`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.NotContains(t, r.Observed, "warning")
	r = execute(t, strings.Replace(url, "127.0.0.1", "localhost", 1), map[string]any{"tls": map[string]any{"skip_verify": true, "server_name": "example.com"}},
		`certificate.problems.size() == 2`, `certificate.problems[0].contains("not trusted")`, `certificate.problems[1].contains("not example.com")`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Contains(t, r.Observed["warning"], "the connection may be anyone's")
}

func TestExpectedLocation(t *testing.T) {
	other := executortest.ServeHTTP(t, func(http.ResponseWriter, *http.Request) {})
	url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.Redirect(w, r, "/login?next=%2F", http.StatusFound)
		case "/away":
			http.Redirect(w, r, other, http.StatusMovedPermanently)
		}
	})
	for _, c := range []struct {
		path, expected string
		follow         bool
		text           string
	}{
		{"/", url + "/login?next=%2F", true, ""},
		{"/", url + "/login?next=%2F", false, ""},
		{"/", url + "/login", true, "it is led to " + url + "/login as expected, but with another query"},
		{"/", url + "/home", false, "it is led to " + url + "/login, expected " + url + "/home"},
		{"/away", other + "/", true, ""},
		{"/away", other, false, ""},
		{"/away", "http://x:secret://token", true, "with its secrets put in, options.expected_location is no URL"},
		{"/login", url + "/login", true, ""},
		{"/login", url + "/", false, "it is not led to " + url + "/: status 200 without a location"},
	} {
		r := execute(t, url+c.path, map[string]any{"expected_location": c.expected, "follow_redirects": c.follow}, "true")
		require.Equal(t, c.text == "", r.Outcome == monitor.OutcomeSuccess, "%v: %s", c, r.Error)
		require.Contains(t, r.Error, c.text)
	}
}
