package tlscheck_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/tlscheck"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func execute(t *testing.T, target string, options map[string]any, assertions ...string) monitor.Result {
	t.Helper()
	d := monitor.Definition{Kind: "tls", Target: target, Options: executortest.Options(t, options), Assertions: assertions, Timeout: monitor.Duration(2 * time.Second)}
	return executortest.Engine(t, []executor.Executor{tlscheck.Executor{}}).Execute(t.Context(), executortest.Execution(d))
}

func TestHandshakes(t *testing.T) {
	certificate, ca := executortest.Certificate(t)
	expired, expiredCA := executortest.Certificate(t, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	})
	newest := executortest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2"}}, nil)
	older := executortest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}, MaxVersion: tls.VersionTLS12}, nil)
	oldest := executortest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, nil)
	over := executortest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{expired}}, nil)
	for name, tc := range map[string]struct {
		target     string
		options    map[string]any
		assertions []string
		outcome    monitor.Outcome
		text       string
	}{
		"trusted": {target: newest, options: map[string]any{"ca": ca}, outcome: monitor.OutcomeSuccess},
		"cel": {target: newest, options: map[string]any{"ca": ca, "alpn": []string{"h2", "http/1.1"}}, assertions: []string{
			`version == "TLS 1.3"`, `cipher.startsWith("TLS_")`, `key_exchange == "X25519MLKEM768"`, `alpn == "h2"`, "!stapled", "problems == []", "chain.size() == 1 && chain[0] == certificate",
			`certificate.expires_in > duration("20m") && certificate.expires_in < duration("31m")`, `certificate.subject == "CN=test"`, `"example.org" in certificate.names && "127.0.0.1" in certificate.names`,
			`certificate.key == "ECDSA P-256" && certificate.signature == "ECDSA-SHA256" && certificate.serial == "7" && certificate.sha256.size() == 64`,
			`certificate.not_after > certificate.not_before`, `ip == "127.0.0.1"`, `timings.tls_ms > 0.0 && latency_ms > 0.0 && latency < duration("1s")`,
		}, outcome: monitor.OutcomeSuccess},
		"older":             {target: older, options: map[string]any{"ca": ca}, assertions: []string{`version == "TLS 1.2"`}, outcome: monitor.OutcomeSuccess},
		"too old":           {target: oldest, options: map[string]any{"ca": ca}, outcome: monitor.OutcomeFailure, text: "protocol version"},
		"old, asked for":    {target: oldest, options: map[string]any{"ca": ca, "min_version": "1.0"}, assertions: []string{`version == "TLS 1.0"`}, outcome: monitor.OutcomeSuccess},
		"too new":           {target: older, options: map[string]any{"ca": ca, "min_version": "1.3"}, outcome: monitor.OutcomeFailure, text: "protocol version"},
		"other name":        {target: newest, options: map[string]any{"ca": ca, "server_name": "other.test"}, outcome: monitor.OutcomeFailure, text: "certificate: x509: certificate is valid for localhost, example.org, not other.test"},
		"given name":        {target: newest, options: map[string]any{"ca": ca, "server_name": "example.org"}, outcome: monitor.OutcomeSuccess},
		"not trusted":       {target: newest, outcome: monitor.OutcomeFailure, text: "certificate: signed by an authority that is not trusted"},
		"rules not reached": {target: newest, assertions: []string{"true"}, outcome: monitor.OutcomeFailure, text: "not trusted"},
		"taken anyway": {target: newest, options: map[string]any{"skip_verify": true, "server_name": "other.test"}, assertions: []string{
			`problems == ["certificate: signed by an authority that is not trusted", "certificate: x509: certificate is valid for localhost, example.org, not other.test"]`,
		}, outcome: monitor.OutcomeSuccess},
		"expired":     {target: over, options: map[string]any{"ca": expiredCA}, outcome: monitor.OutcomeFailure, text: "certificate has expired"},
		"all of that": {target: over, options: map[string]any{"skip_verify": true}, assertions: []string{`problems.size() == 2 && problems[0].contains("expired") && problems[1].contains("not trusted")`, `certificate.expires_in < duration("0s")`}, outcome: monitor.OutcomeSuccess},
		"no tls":      {target: executortest.ServeConns(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 x\r\n") }), outcome: monitor.OutcomeFailure, text: "the server does not speak TLS"},
		"silent":      {target: executortest.ServeConns(t, func(net.Conn) {}), outcome: monitor.OutcomeFailure, text: "timed out during the TLS handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, tc.target, tc.options, tc.assertions...)
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
			require.Equal(t, "127.0.0.1", r.Observed["ip"])
		})
	}
}

func TestAProblemIsKeptWithItsCertificate(t *testing.T) {
	certificate, _ := executortest.Certificate(t)
	r := execute(t, executortest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}}, nil), nil)
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Equal(t, []string{r.Error}, r.Observed["problems"])
	require.Subset(t, r.Observed["certificate"], map[string]any{"subject": "CN=test", "issuer": "CN=test"})
}

// says has a server say a text, then, for each pair of texts, wait for the one and say the other.
func says(greeting string, pairs ...string) func(net.Conn) error {
	return func(c net.Conn) error {
		if _, err := io.WriteString(c, greeting); err != nil {
			return err
		}
		for i := 0; i < len(pairs); i += 2 {
			heard := make([]byte, len(pairs[i]))
			if _, err := io.ReadFull(c, heard); err != nil {
				return err
			}
			if string(heard) != pairs[i] {
				_, _ = io.WriteString(c, "this is not what was expected\r\n")
				return errors.New("other words")
			}
			if _, err := io.WriteString(c, pairs[i+1]); err != nil {
				return err
			}
		}
		return nil
	}
}

const (
	ldapAsk    = "\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
	ldapYes    = "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
	ldapLong   = "\x30\x84\x00\x00\x00\x10\x02\x01\x01\x78\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00"
	ldapNo     = "\x30\x0f\x02\x01\x01\x78\x0a\x0a\x01\x34\x04\x00\x04\x03off"
	pgAsk      = "\x00\x00\x00\x08\x04\xd2\x16\x2f"
	mailOffers = "250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n"
)

func TestSTARTTLS(t *testing.T) {
	certificate, ca := executortest.Certificate(t)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	for name, tc := range map[string]struct {
		protocol string
		before   func(net.Conn) error
		outcome  monitor.Outcome
		text     string
	}{
		"smtp":             {"smtp", says("220-mx\r\n220 mx ESMTP\r\n", "EHLO localhost\r\n", mailOffers, "STARTTLS\r\n", "220 go\r\n"), monitor.OutcomeSuccess, ""},
		"smtp, not":        {"smtp", says("220 mx\r\n", "EHLO localhost\r\n", "250-mx\r\n250 PIPELINING\r\n"), monitor.OutcomeFailure, "the server does not offer STARTTLS"},
		"smtp, refusing":   {"smtp", says("220 mx\r\n", "EHLO localhost\r\n", mailOffers, "STARTTLS\r\n", "454 not now\r\n"), monitor.OutcomeFailure, `the server refused with "454 not now"`},
		"smtp, busy":       {"smtp", says("421-too many\r\n421 later\r\n"), monitor.OutcomeFailure, `the server refused with "421-too many\n421 later"`},
		"smtp, none":       {"smtp", says("SSH-2.0-x\r\n"), monitor.OutcomeFailure, `the server refused with "SSH-2.0-x"`},
		"smtp, silent":     {"smtp", says(""), monitor.OutcomeFailure, "timed out while waiting for the banner"},
		"smtp, deaf":       {"smtp", says("220 mx\r\n"), monitor.OutcomeFailure, "timed out while asking for STARTTLS"},
		"smtp, injecting":  {"smtp", says("220 mx\r\n", "EHLO localhost\r\n", mailOffers, "STARTTLS\r\n", "220 go\r\n250 I am in\r\n"), monitor.OutcomeFailure, "the server sent more, not protected, before the handshake"},
		"imap":             {"imap", says("* OK [CAPABILITY] x\r\n", "a STARTTLS\r\n", "* CAPABILITY x\r\na OK go\r\n"), monitor.OutcomeSuccess, ""},
		"imap, refusing":   {"imap", says("* OK x\r\n", "a STARTTLS\r\n", "a BAD no\r\n"), monitor.OutcomeFailure, `the server refused with "a BAD no"`},
		"imap, leaving":    {"imap", says("* BYE full\r\n"), monitor.OutcomeFailure, `the server refused with "* BYE full"`},
		"pop3":             {"pop3", says("+OK x\r\n", "STLS\r\n", "+OK go\r\n"), monitor.OutcomeSuccess, ""},
		"pop3, refusing":   {"pop3", says("+OK x\r\n", "STLS\r\n", "-ERR no\r\n"), monitor.OutcomeFailure, `the server refused with "-ERR no"`},
		"ftp":              {"ftp", says("220-x\r\n anything\r\n220 y\r\n", "AUTH TLS\r\n", "234 go\r\n"), monitor.OutcomeSuccess, ""},
		"ftp, refusing":    {"ftp", says("220 x\r\n", "AUTH TLS\r\n", "502 no\r\n"), monitor.OutcomeFailure, `the server refused with "502 no"`},
		"postgres":         {"postgres", says("", pgAsk, "S"), monitor.OutcomeSuccess, ""},
		"postgres, not":    {"postgres", says("", pgAsk, "N"), monitor.OutcomeFailure, "the server does not offer STARTTLS"},
		"postgres, other":  {"postgres", says("", pgAsk, "E"), monitor.OutcomeFailure, "it is no PostgreSQL"},
		"ldap":             {"ldap", says("", ldapAsk, ldapYes), monitor.OutcomeSuccess, ""},
		"ldap, long forms": {"ldap", says("", ldapAsk, ldapLong), monitor.OutcomeSuccess, ""},
		"ldap, refusing":   {"ldap", says("", ldapAsk, ldapNo), monitor.OutcomeFailure, `the server refused with LDAP result 52 "off"`},
		"ldap, other":      {"ldap", says("", ldapAsk, "HTTP/1.1 400"), monitor.OutcomeFailure, "no LDAP"},
	} {
		t.Run(name, func(t *testing.T) {
			address := executortest.ServeTLS(t, config, tc.before)
			r := execute(t, address, map[string]any{"starttls": tc.protocol, "ca": ca})
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
			require.Equal(t, r.Outcome == monitor.OutcomeSuccess, r.Timings.FirstByte > 0, "asking takes time")
		})
	}
}

func TestWhatIsReadBeforeTheHandshakeIsBounded(t *testing.T) {
	address := executortest.ServeConns(t, func(c net.Conn) {
		w := bufio.NewWriter(c)
		for range 4000 {
			_, _ = w.WriteString("220-" + strings.Repeat("a", 10) + "\r\n")
		}
		_ = w.Flush()
	})
	r := execute(t, address, map[string]any{"starttls": "smtp"})
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Equal(t, "the server sent more than 8 KiB before the handshake", r.Error)
}

func TestIPv6(t *testing.T) {
	certificate, ca := executortest.Certificate(t)
	listener, err := tls.Listen("tcp", "[::1]:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := listener.Accept(); err == nil {
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.Close()
		}
	}()
	options := map[string]any{"ca": ca}
	maps.Copy(options, map[string]any{"ip_version": "6"})
	r := execute(t, listener.Addr().String(), options, `ip == "::1"`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.NoError(t, listener.Close())
	<-done
}

func FuzzPrepare(f *testing.F) {
	f.Add("example.org:443", `{"starttls":"smtp","ca":"x"}`)
	f.Add("[::1]:443", `{"min_version":"1.3","max_version":"1.0","alpn":["h2",""]}`)
	f.Add("secret://x", `{"server_name":"a b"}`)
	f.Fuzz(func(t *testing.T, target, options string) {
		_, problems := tlscheck.Executor{}.Prepare(monitor.Definition{Target: target, Options: json.RawMessage(options)})
		for _, p := range problems {
			require.Regexp(t, `^(target|options(\.(.|\n)*)?)$`, p.Field)
			require.NotEmpty(t, p.Message)
		}
	})
}
