package tcpcheck_test

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestGoingOnByTLS(t *testing.T) {
	certificate, ca := executortest.Certificate(t)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}} //nolint:gosec // a server of the test
	secured := func(before string) string {
		return executortest.ServeConns(t, func(c net.Conn) {
			_, _ = io.WriteString(c, before)
			s := tls.Server(c, config)
			_, _ = io.WriteString(s, "hidden words\n")
			_, _ = io.Copy(io.Discard, s)
		})
	}
	options := func(steps ...string) map[string]any {
		return map[string]any{"steps": steps, "tls": map[string]any{"ca": ca}}
	}
	r := executeWith(t, secured("go\n"), options("expect ^go\n", "starttls", "expect ^hidden (?P<what>.*)\n"),
		`received == "go\nhidden words\n"`, `captured.what == "words"`, `tls_version == "TLS 1.3"`, `"localhost" in certificate.names`, "timings.tls_ms > 0.0")
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	r = executeWith(t, secured(""), options("starttls", "expect ^hidden"), "timings.first_byte_ms >= 0.0")
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, "from the beginning: %s", r.Error)
	r = executeWith(t, secured("go\nand more, by somebody in the middle\n"), options("expect ^go\n.*more", "starttls"))
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Contains(t, r.Error, "the server sent more, not protected, before the handshake")
	r = executeWith(t, secured(""), map[string]any{"steps": []string{"starttls"}})
	require.Equal(t, "certificate: signed by an authority that is not trusted", r.Error)
	r = executeWith(t, executortest.ServeConns(t, func(net.Conn) {}), options("starttls"))
	require.Equal(t, "timed out during the TLS handshake", r.Error)
}
