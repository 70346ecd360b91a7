package httpcheck

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/monitor"
)

// phases notes when the steps of a request began and ended; of several requests, the last one's
// steps, and the time from the first one's beginning.
type phases struct {
	mu    sync.Mutex
	begun time.Time
	ended time.Time
	ip    string

	dnsStart, dnsDone, connectStart, connectDone, tlsStart, tlsDone, wrote, firstByte time.Time
}

// trace returns ctx with the notes being taken.
func (p *phases) trace(ctx context.Context) context.Context {
	note := func(at *time.Time) {
		p.mu.Lock()
		defer p.mu.Unlock()
		*at = time.Now()
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.restart()
		},
		DNSStart: func(httptrace.DNSStartInfo) { note(&p.dnsStart) },
		DNSDone:  func(httptrace.DNSDoneInfo) { note(&p.dnsDone) },
		// Of several addresses tried side by side, the first try and what came of it count.
		ConnectStart: func(string, string) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.connectStart.IsZero() {
				p.connectStart = time.Now()
			}
		},
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				note(&p.connectDone)
			}
		},
		TLSHandshakeStart: func() { note(&p.tlsStart) },
		TLSHandshakeDone:  func(tls.ConnectionState, error) { note(&p.tlsDone) },
		GotConn: func(info httptrace.GotConnInfo) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.ip = hostOf(info.Conn.RemoteAddr())
		},
		WroteRequest:         func(httptrace.WroteRequestInfo) { note(&p.wrote) },
		GotFirstResponseByte: func() { note(&p.firstByte) },
	})
}

// begin notes that another request begins, which no transport of net/http tells of.
func (p *phases) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restart()
}

// connected notes the address that a socket is for.
func (p *phases) connected(socket net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ip = hostOf(socket.RemoteAddr())
	p.connectDone = time.Now()
	p.tlsStart = p.connectDone
}

// secured notes the end of a handshake.
func (p *phases) secured() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tlsDone = time.Now()
}

func (p *phases) restart() {
	p.dnsStart, p.dnsDone, p.connectStart, p.connectDone = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	p.tlsStart, p.tlsDone, p.wrote, p.firstByte = time.Time{}, time.Time{}, time.Time{}, time.Time{}
}

// finish notes the end of the body.
func (p *phases) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = time.Now()
}

func (p *phases) elapsed() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended.IsZero() {
		return time.Since(p.begun)
	}
	return p.ended.Sub(p.begun)
}

// failed is the observation of an attempt without an answer.
func (p *phases) failed(err error) executor.Observation {
	seen := executor.Observation{Err: err, Timings: p.timings(), Latency: p.elapsed()}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ip != "" {
		seen.Observed = map[string]any{"ip": p.ip}
	}
	return seen
}

func (p *phases) timings() *monitor.Timings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &monitor.Timings{
		DNS: between(p.dnsStart, p.dnsDone), Connect: between(p.connectStart, p.connectDone), TLS: between(p.tlsStart, p.tlsDone),
		FirstByte: between(p.wrote, p.firstByte), Transfer: between(p.firstByte, p.ended),
	}
}

// current names the step that is not done yet.
func (p *phases) current() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.dnsStart.IsZero() && p.dnsDone.IsZero():
		return "while looking up the host"
	case p.connectDone.IsZero():
		return "while connecting"
	case !p.tlsStart.IsZero() && p.tlsDone.IsZero():
		return "during the TLS handshake"
	case p.wrote.IsZero():
		return "while sending the request"
	case p.firstByte.IsZero():
		return "while waiting for the first byte"
	default:
		return "while reading the answer"
	}
}

// between is in milliseconds; 0 for a step that did not happen or did not end.
func between(from, to time.Time) float64 {
	if from.IsZero() || to.IsZero() || to.Before(from) {
		return 0
	}
	return float64(to.Sub(from)) / float64(time.Millisecond)
}
