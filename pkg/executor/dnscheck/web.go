package dnscheck

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// mediaType is that of a message by HTTPS (RFC 8484, 6).
	mediaType = "application/dns-message"
	// maxHeaders bounds the headers of an answer by HTTPS, in bytes.
	maxHeaders = 16 << 10
)

// web asks by HTTPS, keeping its connection.
type web struct {
	transport *http.Transport
	phases    phases
}

// close returns when the connection is closed, or about to be.
func (w *web) close() { w.transport.CloseIdleConnections() }

func (c *client) prepareWeb() error {
	if c.web != nil {
		return nil
	}
	u, err := url.Parse(c.server)
	if err != nil {
		return fmt.Errorf("the server is no URL: %w", err)
	}
	config, err := c.p.secure.Config(c.tools, u.Hostname())
	if err != nil {
		return err
	}
	c.web = &web{transport: &http.Transport{
		DialContext: c.dial, TLSClientConfig: config, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxHeaders,
		DisableCompression: true, MaxConnsPerHost: 1,
	}}
	return nil
}

// byWeb asks by HTTPS (RFC 8484). A redirect is no answer.
func (c *client) byWeb(ctx context.Context, query *dns.Msg) ([]byte, answer, error) {
	if err := c.prepareWeb(); err != nil {
		return nil, answer{}, err
	}
	query.Id = 0 // so that answers can be kept on the way (RFC 8484, 4.1)
	raw, err := query.Pack()
	if err != nil {
		return nil, answer{}, fmt.Errorf("the question cannot be put: %w", err)
	}
	phases := &c.web.phases
	request, err := c.request(phases.trace(ctx), raw)
	if err != nil {
		return nil, answer{}, fmt.Errorf("the question cannot be put: %w", err)
	}
	response, err := c.web.transport.RoundTrip(request)
	if err != nil {
		return nil, answer{}, c.failed(ctx, err, phases.current())
	}
	defer func() { _ = response.Body.Close() }()
	body, err := c.body(response)
	if err != nil {
		return nil, answer{}, c.failed(ctx, err, waiting)
	}
	return body, answer{timings: phases.timings(), tls: response.TLS}, nil
}

func (c *client) request(ctx context.Context, raw []byte) (*http.Request, error) {
	address, method, body := c.server, c.p.options.DoHMethod, io.Reader(nil)
	if method == http.MethodGet {
		u, err := url.Parse(address)
		if err != nil {
			return nil, err
		}
		values := u.Query()
		values.Set("dns", base64.RawURLEncoding.EncodeToString(raw))
		u.RawQuery = values.Encode()
		address = u.String()
	} else {
		body = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", mediaType)
	request.Header.Set("User-Agent", "Vedette/1 (uptime monitor)")
	if body != nil {
		request.Header.Set("Content-Type", mediaType)
	}
	return request, nil
}

// body reads a message, of 64 KiB at most.
func (c *client) body(response *http.Response) ([]byte, error) {
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d %s, and 200 is wanted", c.server, response.StatusCode, http.StatusText(response.StatusCode))
	}
	if kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || kind != mediaType {
		return nil, fmt.Errorf("what %s sent is no answer: its Content-Type is not %s", c.server, mediaType)
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, dns.MaxMsgSize+1))
	switch {
	case err != nil:
		return nil, err
	case len(raw) > dns.MaxMsgSize:
		return nil, fmt.Errorf("the answer of %s cannot be read: it is longer than a message may be", c.server)
	case len(raw) < headerSize:
		return nil, fmt.Errorf("the answer of %s cannot be read: %w", c.server, errors.New("it is too short"))
	}
	return raw, nil
}

// phases notes when the steps of a question by HTTPS began and ended.
type phases struct {
	mu                                                             sync.Mutex
	connectStart, connectDone, tlsStart, tlsDone, asked, firstByte time.Time
}

// trace returns ctx with the notes being taken, for one more question.
func (p *phases) trace(ctx context.Context) context.Context {
	p.mu.Lock()
	p.connectStart, p.connectDone, p.tlsStart, p.tlsDone, p.asked, p.firstByte = time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
	p.mu.Unlock()
	note := func(at *time.Time) {
		p.mu.Lock()
		defer p.mu.Unlock()
		*at = time.Now()
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:              func(string) { note(&p.connectStart) },
		TLSHandshakeStart:    func() { note(&p.connectDone); note(&p.tlsStart) },
		TLSHandshakeDone:     func(tls.ConnectionState, error) { note(&p.tlsDone) },
		GotConn:              func(httptrace.GotConnInfo) { note(&p.asked) },
		GotFirstResponseByte: func() { note(&p.firstByte) },
	})
}

func (p *phases) timings() *monitor.Timings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &monitor.Timings{Connect: between(p.connectStart, p.connectDone), TLS: between(p.tlsStart, p.tlsDone), FirstByte: between(p.asked, p.firstByte)}
}

// current names the step that is not done yet.
func (p *phases) current() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.tlsStart.IsZero() && p.tlsDone.IsZero():
		return "during the TLS handshake with "
	case p.asked.IsZero():
		return connecting
	}
	return waiting
}

// between is in milliseconds; 0 for a step that did not happen or did not end.
func between(from, to time.Time) float64 {
	if from.IsZero() || to.Before(from) {
		return 0
	}
	return milliseconds(to.Sub(from))
}
