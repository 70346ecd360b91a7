package tcpcheck

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/executor/secure"
)

// talk is one conversation.
type talk struct {
	conn *endpoint.Conn
	// stream is what is talked by: conn, or what TLS makes of it.
	stream    net.Conn
	state     *tls.ConnectionState
	handshake float64 // in milliseconds
	// inBetween says that the handshake was after the first byte.
	inBetween bool
	connected time.Time
	// firstByte is when the first bytes came; ended is when the last step was done.
	firstByte, ended time.Time
	received         []byte
	// matched is how much of received was matched by steps before.
	matched  int
	sent     bool
	captured map[string]string
}

func newTalk(conn *endpoint.Conn) *talk {
	now := time.Now()
	return &talk{conn: conn, stream: conn, connected: now, ended: now, captured: map[string]string{}}
}

func (t *talk) step(ctx context.Context, s step, secret func(string) (string, error)) error {
	defer func() { t.ended = time.Now() }()
	if s.expect != nil {
		return t.expect(ctx, s.expect)
	}
	text, err := secret(s.send)
	if err != nil {
		return err
	}
	t.sent = true
	if _, err := io.WriteString(t.stream, text); err != nil {
		return executor.Explain(err, "while sending")
	}
	return nil
}

// secure goes on by TLS.
func (t *talk) secure(ctx context.Context, client *secure.Client, tools executor.Tools) error {
	begun := time.Now()
	defer func() { t.ended = time.Now() }()
	if t.matched < len(t.received) {
		return errors.New("the server sent more, not protected, before the handshake")
	}
	config, err := client.Config(tools, t.conn.Host())
	if err != nil {
		return err
	}
	t.sent, t.inBetween = true, !t.firstByte.IsZero()
	secured := tls.Client(t.conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return executor.Explain(err, "during the TLS handshake")
	}
	state := secured.ConnectionState()
	t.stream, t.state, t.handshake = t.conn.Inside(secured), &state, endpoint.Between(begun, time.Now())
	return nil
}

// expect reads until the pattern matches.
func (t *talk) expect(ctx context.Context, pattern *regexp.Regexp) error {
	for {
		rest := t.received[t.matched:]
		if found := pattern.FindSubmatchIndex(rest); found != nil {
			for i, name := range pattern.SubexpNames() {
				if name != "" && found[2*i] >= 0 {
					t.captured[name] = strings.ToValidUTF8(string(rest[found[2*i]:found[2*i+1]]), "�")
				}
			}
			t.matched += found[1]
			return nil
		}
		if len(t.received) == endpoint.MaxReceived {
			return fmt.Errorf("%d KiB came, and %s is not in them", endpoint.MaxReceived>>10, pattern)
		}
		if ctx.Err() != nil {
			return t.failed(ctx.Err(), pattern)
		}
		if err := t.read(); err != nil {
			return t.failed(err, pattern)
		}
	}
}

func (t *talk) read() error {
	const piece = 4 << 10
	buffer := make([]byte, min(piece, endpoint.MaxReceived-len(t.received)))
	n, err := t.stream.Read(buffer)
	if n == 0 {
		return err
	}
	if t.firstByte.IsZero() {
		t.firstByte = time.Now()
	}
	t.received = append(t.received, buffer[:n]...)
	return nil // an error comes again
}

// failed says why a pattern was not matched, and what came instead. That is not shortened here: a
// part of a secret could not be told from other text.
func (t *talk) failed(err error, pattern *regexp.Regexp) error {
	during := "while waiting for " + pattern.String()
	if !t.sent && len(t.received) == 0 {
		during = "while waiting for the banner"
	}
	err = executor.Explain(err, during)
	rest := t.received[t.matched:]
	if len(rest) == 0 {
		return err
	}
	return &mismatch{fmt.Sprintf("%s: received %q", err, strings.ToValidUTF8(string(rest), "�")), err}
}

// mismatch is an error with what came instead of what was expected.
type mismatch struct {
	text string
	err  error
}

func (m *mismatch) Error() string { return m.text }

func (m *mismatch) Unwrap() error { return m.err }

func (t *talk) observation(latency time.Duration) executor.Observation {
	timings := t.conn.Timings()
	timings.FirstByte = endpoint.Between(t.connected, t.firstByte)
	timings.Transfer = endpoint.Between(t.firstByte, t.ended)
	timings.TLS = t.handshake
	if t.inBetween {
		timings.Transfer -= t.handshake
	} else if timings.FirstByte > 0 {
		timings.FirstByte -= t.handshake
	}
	observed := map[string]any{"ip": t.conn.IP(), "bytes": len(t.received)}
	if len(t.captured) > 0 {
		observed["captured"] = maps.Clone(t.captured)
	}
	values := map[string]any{
		"received": strings.ToValidUTF8(string(t.received), "�"), "captured": t.captured, "ip": t.conn.IP(),
		"latency": latency, "latency_ms": endpoint.Milliseconds(latency), "timings": endpoint.TimingsMap(timings),
	}
	secure.Observe(t.state, values, observed)
	return executor.Observation{Values: assertion.Known(values), Observed: observed, Timings: timings, Latency: latency}
}
