package kinds_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/executor/tlscheck"
	"github.com/vedette/vedette/pkg/monitor"
)

func tlsSubject() executortest.Subject {
	good := func(t *testing.T) (address, authority string) {
		certificate, authority := executortest.Certificate(t)
		return executortest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2"}}, nil), authority
	}
	hostile := func(options string, text string, meet func(net.Conn)) func(*testing.T) executortest.Attack {
		return func(t *testing.T) executortest.Attack {
			return executortest.Attack{
				Definition: monitor.Definition{Kind: "tls", Target: executortest.ServeConns(t, meet), Options: []byte(options)},
				Outcome:    monitor.OutcomeFailure, Text: text,
			}
		}
	}
	forever := func(line string) func(net.Conn) {
		return func(c net.Conn) {
			for raw := bytes.Repeat([]byte(line), 100); ; {
				if _, err := c.Write(raw); err != nil {
					return
				}
			}
		}
	}
	return executortest.Subject{
		Network: "tcp",
		Serve: func(t *testing.T) monitor.Definition {
			address, authority := good(t)
			return monitor.Definition{Kind: "tls", Target: address, Options: executortest.Options(t, map[string]any{"ca": authority, "alpn": []string{"h2"}})}
		},
		At: func(address string) monitor.Definition { return monitor.Definition{Kind: "tls", Target: address} },
		Echo: func(t *testing.T) (monitor.Definition, string) {
			address, authority := good(t)
			host, port, err := net.SplitHostPort(address)
			require.NoError(t, err)
			return monitor.Definition{
				Kind: "tls", Target: "secret://token:" + port, Options: executortest.Options(t, map[string]any{"ca": authority}),
				Assertions: []string{`ip == "x"`, `certificate == {}`, `[ip] == []`},
			}, host
		},
		Hostile: map[string]func(*testing.T) executortest.Attack{
			"noisy":           hostile(`{}`, "", func(c net.Conn) { _, _ = c.Write(bytes.Repeat([]byte{0x16, 0x03, 0xff}, 1000)) }),
			"huge hello":      hostile(`{}`, "", func(c net.Conn) { _, _ = c.Write([]byte{0x16, 0x03, 0x03, 0x40, 0x00, 0x02, 0xff, 0xff, 0xff}) }),
			"endless smtp":    hostile(`{"starttls":"smtp"}`, "more than 8 KiB", forever("220-a\r\n")),
			"endless line":    hostile(`{"starttls":"imap"}`, "more than 8 KiB", forever("* OK a")),
			"endless ldap":    hostile(`{"starttls":"ldap"}`, "no LDAP", forever("\x30\x84\xff\xff\xff\xff")),
			"silent mail":     hostile(`{"starttls":"smtp"}`, "timed out while waiting for the banner", func(net.Conn) {}),
			"silent postgres": hostile(`{"starttls":"postgres"}`, "timed out while asking for STARTTLS", func(net.Conn) {}),
		},
		BadTargets: []string{"https://example.org", "example.org", "example.org:0", ":443", "a b:443"},
		BadOptions: map[string]string{
			`{"server_name":"a b"}`:                     "options.server_name",
			`{"server_name":"example.org:443"}`:         "options.server_name",
			`{"ca":"secret://ca"}`:                      "options.ca",
			`{"min_version":"1.3","max_version":"1.2"}`: "options.max_version",
			`{"max_version":"1.1"}`:                     "options.max_version",
			`{"alpn":["h2",""]}`:                        "options.alpn[1]",
			`{"alpn":["secret://x"]}`:                   "options.alpn[0]",
		},
	}
}

func TestPageOfTLS(t *testing.T) {
	t.Parallel()
	certificate, authority := executortest.Certificate(t, func(c *x509.Certificate) {
		c.NotAfter = time.Now().Add(60 * 24 * time.Hour)
		c.DNSNames = []string{"www.example.org", "mail.example.org", "old.example.org"}
	})
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	web := executortest.ServeTLS(t, config, nil)
	mail := executortest.ServeTLS(t, config, func(c net.Conn) error {
		heard := make([]byte, 100)
		for _, answer := range []string{"220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n"} {
			_, _ = io.WriteString(c, answer)
			_, _ = c.Read(heard)
		}
		_, err := io.WriteString(c, "220 go\r\n")
		return err
	})
	text := page(t, "tls.md")
	requireNames(t, text, tlscheck.Executor{}.Kind())
	found := examples(t, text, "www.example.org:443", web, "mail.example.org:587", mail, "old.example.org:443", web)
	require.Len(t, found, 3)
	for id, d := range found {
		options := map[string]any{}
		if len(d.Options) > 0 {
			require.NoError(t, json.Unmarshal(d.Options, &options))
		}
		options["ca"] = authority
		d.Options = executortest.Options(t, options)
		r := executortest.Engine(t, kinds.All()).Execute(t.Context(), executortest.Execution(d))
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, "%s: %s", id, r.Error)
	}

	expired, expiredAuthority := executortest.Certificate(t, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	})
	over := executortest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{expired}}, nil)
	old := executortest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, nil)
	silent := executortest.ServeConns(t, func(net.Conn) {})
	plain := executortest.ServeConns(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 mx\r\n") })
	closing := executortest.ServeConns(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4<<10))
		_ = c.Close()
	})
	unable := executortest.ServeConns(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "220 mx\r\n")
		_, _ = c.Read(make([]byte, 100))
		_, _ = io.WriteString(c, "250 mx\r\n")
	})
	at := func(target string, options map[string]any, assertions ...string) monitor.Definition {
		return monitor.Definition{Kind: "tls", Target: target, Options: executortest.Options(t, options), Assertions: assertions}
	}
	shake := tlscheck.Executor{}
	fails, errs := monitor.OutcomeFailure, monitor.OutcomeError
	requireTexts(t, text, []failure{
		{shake, at(web, map[string]any{}), fails, "certificate: signed by an authority that is not trusted"},
		{shake, at(web, map[string]any{"ca": authority, "server_name": "shop.example.org"}), fails, "certificate: x509: certificate is valid for www.example.org, mail.example.org, old.example.org, not shop.example.org"},
		{shake, at(over, map[string]any{"ca": expiredAuthority}), fails, "certificate: x509: certificate has expired or is not yet valid"},
		{shake, at(web, map[string]any{"ca": authority, "server_name": "www.example.org"}, "certificate.expires_in > duration('2160h')"), fails, "certificate.expires_in > duration('2160h') · actual 14"},
		{shake, at(old, map[string]any{}), fails, "remote error: tls: protocol version not supported"},
		{shake, at(plain, map[string]any{}), fails, "the server does not speak TLS"},
		{shake, at(silent, map[string]any{}), fails, "timed out during the TLS handshake"},
		{shake, at(closing, map[string]any{}), fails, "connection closed during the TLS handshake"},
		{shake, at(silent, map[string]any{"starttls": "smtp"}), fails, "timed out while waiting for the banner"},
		{shake, at(plain, map[string]any{"starttls": "imap"}), fails, `the server refused with "220 mx"`},
		{shake, at(unable, map[string]any{"starttls": "smtp"}), fails, "the server does not offer STARTTLS"},
		{shake, at(executortest.Closed(t, "tcp"), map[string]any{}), fails, "connection refused: 127.0.0.1:"},
		{shake, at("secret://nope", map[string]any{}), errs, "secret is not known to this runner: nope: set VEDETTE_SECRET_NOPE"},
		{shake, at("169.254.169.254:443", map[string]any{}), errs, "169.254.169.254 is link-local, which is never probed"},
		{shake, at(web, map[string]any{}), errs, "127.0.0.1 is in 127.0.0.0/8, denied by --deny"},
	})
}
