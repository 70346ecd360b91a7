package kinds_test

import (
	"crypto"
	"crypto/md5" //nolint:gosec // what RFC 7616 says
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/executortest/debian"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
)

// nginx is a running one, with the ports of its servers.
type nginx struct {
	Folder                            string
	Plain, Secure, Old, Mutual, Proxy int
	// CA is the server's certificate, Client and Key are a client's, PEM.
	CA, Client, Key string
	// Six is whether it is at ::1 as well.
	Six bool
}

func startNginx(t *testing.T) *nginx {
	t.Helper()
	program := debian.Program(t, "nginx", "nginx-light")
	n := &nginx{Folder: t.TempDir(), Plain: freePort(t), Secure: freePort(t), Old: freePort(t), Mutual: freePort(t), Proxy: freePort(t), Six: hasIPv6()}
	certificate, ca := executortest.Certificate(t)
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	require.NoError(t, err)
	key, ok := certificate.PrivateKey.(crypto.Signer)
	require.True(t, ok)
	staple, err := ocsp.CreateResponse(leaf, leaf, ocsp.Response{SerialNumber: leaf.SerialNumber, ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour)}, key)
	require.NoError(t, err)
	own, client := executortest.Certificate(t, func(c *x509.Certificate) {
		c.Subject.CommonName, c.ExtKeyUsage = "vedette", []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	n.CA, n.Client, n.Key = ca, client, keyPEM(t, own.PrivateKey)
	config := filepath.Join(n.Folder, "nginx.conf")
	for name, text := range map[string]string{
		"certificate.pem": ca, "key.pem": keyPEM(t, certificate.PrivateKey), "staple.der": string(staple), "client.pem": client,
		"users": "me:{PLAIN}t0ken\n", "plain": "private words", "large": largeText(),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(n.Folder, name), []byte(text), 0o600))
	}
	fill(t, filepath.Join("..", "http", "nginx.conf"), config, n)
	debian.Start(t, func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", n.Proxy))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, program, "-e", "stderr", "-p", n.Folder, "-c", config)
	return n
}

func keyPEM(t *testing.T, key crypto.PrivateKey) string {
	t.Helper()
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

// largeText is of 2 MiB and compresses as texts do.
func largeText() string {
	var text strings.Builder
	for i := range 64 << 10 {
		fmt.Fprintf(&text, "0123456789abcdef %014x\n", i*i)
	}
	return text.String()
}

// TestRealNginx asks what most of the web is served by.
func TestRealNginx(t *testing.T) {
	n := startNginx(t)
	engine := executortest.Engine(t, kinds.All(), func(env *executor.Environment) {
		env.Secrets.Env = func(name string) (string, bool) {
			value, ok := map[string]string{"VEDETTE_SECRET_PASSWORD": "t0ken", "VEDETTE_SECRET_CLIENT_KEY": n.Key}[name]
			return value, ok
		}
	})
	at := func(port int, path string) string { return fmt.Sprintf("https://127.0.0.1:%d%s", port, path) }
	trusting := func(more ...string) map[string]any {
		tls := map[string]any{"ca": n.CA}
		for i := 0; i < len(more); i += 2 {
			tls[more[i]] = more[i+1]
		}
		return map[string]any{"tls": tls}
	}
	with := func(options map[string]any, name string, value any) map[string]any {
		options[name] = value
		return options
	}
	plain := fmt.Sprintf("http://127.0.0.1:%d", n.Plain)
	login := map[string]any{"type": "basic", "username": "me", "password": "secret://password"}
	type question struct {
		kind, target string
		options      map[string]any
		assertions   []string
		outcome      monitor.Outcome
		text         string
	}
	questions := map[string]question{
		"HTTP/2":                        {"http", at(n.Secure, "/"), trusting(), []string{`http_version == "HTTP/2.0" && body == "HTTP/2.0 "`, `certificate.ocsp.status == "good"`, `certificate.tls_version == "TLS 1.3"`}, monitor.OutcomeSuccess, ""},
		"HTTP/1.1":                      {"http", at(n.Secure, "/"), with(trusting(), "http_version", "1.1"), []string{`body == "HTTP/1.1 "`}, monitor.OutcomeSuccess, ""},
		"no HTTP/3":                     {"http", at(n.Secure, "/"), with(trusting(), "http_version", "3"), nil, monitor.OutcomeFailure, "connection refused"},
		"no HTTP/2":                     {"http", at(n.Old, "/"), with(trusting(), "http_version", "2"), nil, monitor.OutcomeFailure, "the server does not speak HTTP/2"},
		"TLS 1.2":                       {"http", at(n.Old, "/"), trusting(), []string{`body == "TLSv1.2 HTTP/1.1"`}, monitor.OutcomeSuccess, ""},
		"no TLS 1.2":                    {"http", at(n.Old, "/"), trusting("min_version", "1.3"), nil, monitor.OutcomeFailure, "protocol version"},
		"large":                         {"http", at(n.Secure, "/large"), trusting(), []string{"body.size() == 1048576", `body.startsWith("0123456789abcdef")`}, monitor.OutcomeSuccess, ""},
		"unavailable":                   {"http", at(n.Secure, "/broken"), trusting(), nil, monitor.OutcomeFailure, "status 503 Service Unavailable"},
		"loop":                          {"http", at(n.Secure, "/loop"), trusting(), nil, monitor.OutcomeFailure, "more than 5 redirects"},
		"logged in":                     {"http", at(n.Secure, "/private"), with(trusting(), "auth", login), []string{`body == "private words"`}, monitor.OutcomeSuccess, ""},
		"not logged in":                 {"http", at(n.Secure, "/private"), trusting(), nil, monitor.OutcomeFailure, "status 401 Unauthorized"},
		"not trusted":                   {"http", at(n.Secure, "/"), nil, nil, monitor.OutcomeFailure, "certificate: signed by an authority that is not trusted"},
		"a client":                      {"http", at(n.Mutual, "/"), trusting("certificate", n.Client, "key", "secret://client-key"), []string{`body == "CN=vedette"`}, monitor.OutcomeSuccess, ""},
		"no client":                     {"http", at(n.Mutual, "/"), trusting(), []string{"status == 400", `body.contains("No required SSL certificate was sent")`}, monitor.OutcomeSuccess, ""},
		"led to TLS":                    {"http", plain + "/health", with(trusting(), "expected_location", at(n.Secure, "/health")), []string{"redirects == 1", `json.status == "ok"`}, monitor.OutcomeSuccess, ""},
		"through a proxy":               {"http", plain + "/plain", map[string]any{"proxy": fmt.Sprintf("http://127.0.0.1:%d", n.Proxy)}, []string{`body == "plain words"`}, monitor.OutcomeSuccess, ""},
		"not to be reached through one": {"http", at(n.Secure, "/"), with(trusting(), "proxy", fmt.Sprintf("http://127.0.0.1:%d", n.Proxy)), nil, monitor.OutcomeError, "does not make this connection"},
		"slow":                          {"http", plain + "/slow", nil, nil, monitor.OutcomeFailure, "timed out while reading the answer"},
		"TLS at a port without":         {"http", "https" + strings.TrimPrefix(plain, "http"), nil, nil, monitor.OutcomeFailure, "the server speaks HTTP, not HTTPS, at this port"},
		"JSON":                          {"json", at(n.Secure, "/health"), with(trusting(), "extract", map[string]string{"depth": "$.queue.depth"}), []string{"extracted.depth < 10"}, monitor.OutcomeSuccess, ""},
		"TLS":                           {"tls", fmt.Sprintf("127.0.0.1:%d", n.Secure), map[string]any{"ca": n.CA, "alpn": []string{"h2", "http/1.1"}}, []string{`alpn == "h2"`, "stapled", "problems == []"}, monitor.OutcomeSuccess, ""},
	}
	if n.Six {
		six := func(text string) string { return strings.Replace(text, "127.0.0.1", "[::1]", 1) }
		questions["HTTP/2 by IPv6"] = question{"http", six(at(n.Secure, "/")), trusting(), []string{`ip == "::1" && http_version == "HTTP/2.0"`}, monitor.OutcomeSuccess, ""}
		questions["a proxy by IPv6"] = question{"http", six(plain + "/plain"), map[string]any{"proxy": fmt.Sprintf("http://[::1]:%d", n.Proxy)}, []string{`body == "plain words" && ip == "::1"`}, monitor.OutcomeSuccess, ""}
		questions["TLS by IPv6"] = question{"tls", fmt.Sprintf("[::1]:%d", n.Secure), map[string]any{"ca": n.CA}, []string{`ip == "::1" && stapled`}, monitor.OutcomeSuccess, ""}
		questions["TCP by IPv6"] = question{"tcp", fmt.Sprintf("[::1]:%d", n.Plain), map[string]any{"steps": []string{`send GET /plain HTTP/1.0\r\n\r\n`, "expect plain words"}}, nil, monitor.OutcomeSuccess, ""}
	}
	for name, c := range questions {
		t.Run(name, func(t *testing.T) {
			d := monitor.Definition{Kind: c.kind, Target: c.target, Options: executortest.Options(t, c.options), Assertions: c.assertions, Timeout: monitor.Duration(10 * time.Second)}
			if strings.Contains(c.text, "timed out") {
				d.Timeout = monitor.Duration(time.Second)
			}
			r := engine.Execute(t.Context(), executortest.Execution(d))
			require.Equal(t, c.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, c.text)
		})
	}
}

// TestRealApache logs in by a digest that another program asks for and verifies.
func TestRealApache(t *testing.T) {
	program := debian.Program(t, "apache2", "apache2-bin")
	a := struct {
		Folder, Modules string
		Port            int
	}{t.TempDir(), "/usr/lib/apache2/modules", freePort(t)}
	const realm = "a private, place"
	answer := md5.Sum([]byte("me:" + realm + ":t0ken"))                                                                      //nolint:gosec // what RFC 7616 says
	require.NoError(t, os.Mkdir(filepath.Join(a.Folder, "site"), 0o755))                                                     //nolint:gosec // the server's workers read it
	require.NoError(t, os.WriteFile(filepath.Join(a.Folder, "site", "a"), []byte("private words"), 0o644))                   //nolint:gosec // the server's workers read it
	require.NoError(t, os.WriteFile(filepath.Join(a.Folder, "users"), fmt.Appendf(nil, "me:%s:%x\n", realm, answer), 0o644)) //nolint:gosec // the server's workers read it
	for folder := a.Folder; folder != os.TempDir() && folder != "/"; folder = filepath.Dir(folder) {
		require.NoError(t, os.Chmod(folder, 0o755)) //nolint:gosec // the server's workers read it
	}
	config := filepath.Join(a.Folder, "apache.conf")
	fill(t, filepath.Join("..", "http", "apache.conf"), config, a)
	debian.Start(t, func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", a.Port))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, program, "-D", "FOREGROUND", "-f", config)
	for password, text := range map[string]string{"t0ken": "", "other": "status 401 Unauthorized"} {
		engine := executortest.Engine(t, kinds.All(), func(env *executor.Environment) {
			env.Secrets.Env = func(string) (string, bool) { return password, true }
		})
		d := monitor.Definition{
			Kind: "http", Target: fmt.Sprintf("http://127.0.0.1:%d/a?b=c", a.Port), Timeout: monitor.Duration(10 * time.Second),
			Options: executortest.Options(t, map[string]any{"auth": map[string]any{"type": "digest", "username": "me", "password": "secret://password"}}),
		}
		if text == "" {
			d.Assertions = []string{`body == "private words"`}
		}
		r := engine.Execute(t.Context(), executortest.Execution(d))
		require.Equal(t, text, r.Error)
	}
}
