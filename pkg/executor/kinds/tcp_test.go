package kinds_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/executor/tcpcheck"
	"github.com/vedette/vedette/pkg/monitor"
)

func tcpSubject() executortest.Subject {
	steps := func(texts ...string) map[string]any { return map[string]any{"steps": texts} }
	return executortest.Subject{
		Network: "tcp",
		Serve: func(t *testing.T) monitor.Definition {
			address := executortest.ServeConns(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-x\r\n") })
			return monitor.Definition{Kind: "tcp", Target: address, Options: executortest.Options(t, steps(`expect ^SSH-(?P<version>[\d.]+)`))}
		},
		At: func(address string) monitor.Definition {
			return monitor.Definition{Kind: "tcp", Target: address, Options: []byte(`{"steps":["expect ^ready"]}`)}
		},
		Echo: func(t *testing.T) (monitor.Definition, string) {
			address := executortest.ServeConns(t, func(c net.Conn) { _, _ = io.Copy(c, c) })
			return monitor.Definition{
				Kind: "tcp", Target: address, Options: executortest.Options(t, steps(`send secret://token\n`, `expect (?P<line>.*)\n`)),
				Assertions: []string{`received == "x"`, `captured.line == "x"`, `captured == {}`},
			}, executortest.Secret
		},
		Hostile: map[string]func(*testing.T) executortest.Attack{
			"endless lines": func(t *testing.T) executortest.Attack {
				address := executortest.ServeConns(t, func(c net.Conn) {
					for line := bytes.Repeat([]byte("220-a\r\n"), 100); ; {
						if _, err := c.Write(line); err != nil {
							return
						}
					}
				})
				return executortest.Attack{
					Definition: monitor.Definition{Kind: "tcp", Target: address, Options: executortest.Options(t, steps(`expect ^([a-z0-9\r\n -]*x){40}$`))},
					Outcome:    monitor.OutcomeFailure, Text: "16 KiB came",
				}
			},
			"closing after the first": func(t *testing.T) executortest.Attack {
				address := executortest.ServeConns(t, func(c net.Conn) {
					_, _ = io.WriteString(c, "ready")
					_ = c.Close()
				})
				return executortest.Attack{
					Definition: monitor.Definition{Kind: "tcp", Target: address, Options: executortest.Options(t, steps("expect ready", "expect more"))},
					Outcome:    monitor.OutcomeFailure, Text: "connection closed while waiting for more",
				}
			},
		},
		BadTargets: []string{"https://example.org", "example.org", "example.org:0", "example.org:65536", ":22", "a b:22", "example.org:22/x", "::1"},
		BadOptions: map[string]string{
			`{"steps":["starttls","starttls"]}`:                           "options.steps",
			`{"steps":["starttls x"]}`:                                    "options.steps[0]",
			`{"tls":{"min_version":"1.3","max_version":"1.2"}}`:           "options.tls.max_version",
			`{"steps":["wait x"]}`:                                        "options.steps[0]",
			`{"steps":["expect x","send"]}`:                               "options.steps[1]",
			`{"steps":["expect ("]}`:                                      "options.steps[0]",
			`{"steps":["expect .*"]}`:                                     "options.steps[0]",
			`{"steps":["expect (a{1,900}){1,9}"]}`:                        "options.steps[0]",
			`{"steps":["expect x{900}"]}`:                                 "options.steps[0]",
			`{"steps":["expect secret://x"]}`:                             "options.steps[0]",
			`{"steps":["send \\q"]}`:                                      "options.steps[0]",
			`{"steps":["send \\x4"]}`:                                     "options.steps[0]",
			`{"steps":["send \\xzz"]}`:                                    "options.steps[0]",
			`{"steps":["send a\\"]}`:                                      "options.steps[0]",
			`{"steps":["send ` + strings.Repeat("a", 9000) + `"]}`:        "options.steps[0]",
			`{"steps":[` + strings.Repeat(`"send a",`, 50) + `"send a"]}`: "options.steps",
		},
	}
}

// serveMail speaks as much SMTP as it takes to agree on TLS and offer a login.
func serveMail(t *testing.T, config *tls.Config) string {
	t.Helper()
	return executortest.ServeConns(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "220 mail\r\n")
		lines := bufio.NewReader(c)
		for {
			line, err := lines.ReadString('\n')
			_, secured := c.(*tls.Conn)
			switch {
			case err != nil:
				return
			case strings.HasPrefix(line, "EHLO") && secured:
				_, _ = io.WriteString(c, "250-mail\r\n250-AUTH PLAIN\r\n250 HELP\r\n")
			case strings.HasPrefix(line, "EHLO"):
				_, _ = io.WriteString(c, "250-mail\r\n250-STARTTLS\r\n250 HELP\r\n")
			case strings.HasPrefix(line, "STARTTLS"):
				_, _ = io.WriteString(c, "220 go ahead\r\n")
				c = tls.Server(c, config)
				lines = bufio.NewReader(c)
			default:
				_, _ = io.WriteString(c, "221 bye\r\n")
			}
		}
	})
}

func TestPageOfTCP(t *testing.T) {
	t.Parallel()
	banner := executortest.ServeConns(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.7\r\n") })
	redis := executortest.ServeConns(t, func(c net.Conn) {
		line := make([]byte, 100)
		if n, _ := c.Read(line); string(line[:n]) == "AUTH t0ken\r\n" {
			_, _ = io.WriteString(c, "+OK\r\n")
		}
		if n, _ := c.Read(line); string(line[:n]) == "PING\r\n" {
			_, _ = io.WriteString(c, "+PONG\r\n")
		}
	})
	certificate, ca := executortest.Certificate(t, func(c *x509.Certificate) {
		c.DNSNames, c.NotAfter = []string{"mail.example.org"}, time.Now().AddDate(1, 0, 0)
	})
	mail := serveMail(t, &tls.Config{Certificates: []tls.Certificate{certificate}}) //nolint:gosec // a server of the test
	text := page(t, "tcp.md")
	requireNames(t, text, tcpcheck.Executor{}.Kind())
	found := examples(t, text, "db.example.org:5432", banner, "shell.example.org:22", banner, "cache.example.org:6379", redis, "mail.example.org:587", mail, `"server_name"`, `"ca": `+strconv.Quote(ca)+`, "server_name"`)
	require.Len(t, found, 4)
	requireExamples(t, found, "VEDETTE_SECRET_CACHE_PASSWORD")

	silent := executortest.ServeConns(t, func(net.Conn) {})
	closing := executortest.ServeConns(t, executortest.HangUp)
	flood := executortest.ServeConns(t, func(c net.Conn) { _, _ = c.Write(make([]byte, 20<<10)) })
	at := func(target, step string, assertions ...string) monitor.Definition {
		return monitor.Definition{Kind: "tcp", Target: target, Options: executortest.Options(t, map[string]any{"steps": []string{step}}), Assertions: assertions}
	}
	tcp := tcpcheck.Executor{}
	fails, errs := monitor.OutcomeFailure, monitor.OutcomeError
	requireTexts(t, text, []failure{
		{tcp, at(executortest.Closed(t, "tcp"), "expect x"), fails, "connection refused: 127.0.0.1:"},
		{tcp, at("no-such-host.invalid:22", "expect x"), fails, "no-such-host.invalid"},
		{tcp, at(silent, "expect ^SSH-"), fails, "timed out while waiting for the banner"},
		{tcp, at(banner, "expect ^220 "), fails, `timed out while waiting for ^220 : received "SSH-2.0-OpenSSH_9.7\r\n"`},
		{tcp, at(closing, "expect ^220 "), fails, "connection closed while waiting for the banner"},
		{tcp, at(flood, "expect ^220 "), fails, "16 KiB came, and ^220  is not in them"},
		{tcp, monitor.Definition{Kind: "tcp", Target: mail, Options: executortest.Options(t, map[string]any{"steps": []string{`expect (?s).*\n`, `send STARTTLS\r\n`, `expect (?s).*\n`, "starttls"}})}, fails, "certificate: signed by an authority that is not trusted"},
		{tcp, at(banner, "starttls"), fails, "the server does not speak TLS"},
		{tcp, at(banner, `expect OpenSSH_(?P<version>\d+)`, "int(captured.version) > 10"), fails, `int(captured.version) > 10 · actual 9`},
		{tcp, at(banner, "send secret://nope"), errs, "secret is not known to this runner: nope: set VEDETTE_SECRET_NOPE"},
		{tcp, at("169.254.169.254:80", "expect x"), errs, "169.254.169.254 is link-local, which is never probed"},
		{tcp, at(banner, "expect x"), errs, "127.0.0.1 is in 127.0.0.0/8, denied by --deny"},
	})
}

// requireExamples executes the definitions of a page; a secret of the name given is known.
func requireExamples(t *testing.T, found map[string]monitor.Definition, secret string) {
	t.Helper()
	for id, d := range found {
		d.Timeout = monitor.Duration(5 * time.Second)
		r := executortest.Engine(t, kinds.All(), func(env *executor.Environment) {
			env.Secrets.Env = func(name string) (string, bool) { return "t0ken", name == secret }
		}).Execute(t.Context(), executortest.Execution(d))
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, "%s: %s", id, r.Error)
	}
}
