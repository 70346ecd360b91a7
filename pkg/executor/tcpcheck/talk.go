package tcpcheck

import (
	"context"
	"fmt"
	"io"
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/endpoint"
)

// talk is one conversation.
type talk struct {
	conn      *endpoint.Conn
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
	return &talk{conn: conn, connected: now, ended: now, captured: map[string]string{}}
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
	if _, err := io.WriteString(t.conn, text); err != nil {
		return executor.Explain(err, "while sending")
	}
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
	n, err := t.conn.Read(buffer)
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
	observed := map[string]any{"ip": t.conn.IP(), "bytes": len(t.received)}
	if len(t.captured) > 0 {
		observed["captured"] = maps.Clone(t.captured)
	}
	return executor.Observation{
		Values: map[string]any{
			"received": strings.ToValidUTF8(string(t.received), "�"), "captured": t.captured, "ip": t.conn.IP(),
			"latency": latency, "latency_ms": endpoint.Milliseconds(latency), "timings": endpoint.TimingsMap(timings),
		},
		Observed: observed, Timings: timings, Latency: latency,
	}
}
