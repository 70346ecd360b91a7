// Package httpcheck executes checks of kind http.
package httpcheck

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// maxBody bounds what is read of a body, after decompression; more is left unread.
	maxBody = 1 << 20
	// maxHeaders bounds the headers of an answer; more is a failure.
	maxHeaders = 64 << 10
)

// Executor implements executor.Executor.
type Executor struct{}

// Kind implements executor.Executor.
func (Executor) Kind() executor.Kind {
	return executor.Kind{
		Name: "http", Title: "HTTP", Summary: "Asks a web server and looks at the answer.",
		Target: "URL to ask", Example: "https://example.org/",
		Variables: []assertion.Variable{
			{Name: "status", Type: "int", Help: "Status code of the last answer."},
			{Name: "headers", Type: "map(string, string)", Help: "Headers of the answer, names in lower case."},
			{Name: "body", Type: "string", Help: "Body, the first MiB of it."},
			{Name: "json", Type: "dyn", Help: "Body read as JSON."},
			{Name: "latency", Type: "duration", Help: "Time from the first step to the end of the body."},
			{Name: "latency_ms", Type: "double", Help: "The same in milliseconds."},
			{Name: "timings", Type: "map(string, double)", Help: "Phases in milliseconds: dns_ms, connect_ms, tls_ms, first_byte_ms, transfer_ms."},
			{Name: "certificate", Type: "map(string, dyn)", Help: "Of the server: subject, issuer, names, not_after, expires_in. Empty without TLS."},
			{Name: "ip", Type: "string", Help: "Address that answered."},
			{Name: "http_version", Type: "string", Help: "HTTP/1.1 or HTTP/2.0."},
			{Name: "redirects", Type: "int", Help: "How many redirects were followed."},
		},
		Options: option.Schema(Options{}),
	}
}

// Prepare implements executor.Executor.
func (Executor) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) { return prepare(d) }

// Attempt implements executor.Probe.
func (p *probe) Attempt(ctx context.Context, tools executor.Tools) executor.Observation {
	request, err := p.request(ctx, tools)
	if err != nil {
		return executor.Observation{Err: err}
	}
	transport := &http.Transport{
		DialContext: tools.Dial, TLSClientConfig: p.tls.Clone(), DisableKeepAlives: true, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: maxHeaders,
	}
	defer transport.CloseIdleConnections()
	trail := &redirects{probe: p, host: request.URL.Host}
	client := &http.Client{Transport: transport, CheckRedirect: trail.check}
	var phases phases
	response, err := client.Do(request.WithContext(phases.trace(ctx)))
	if err != nil {
		return executor.Observation{Err: explain(err, &phases), Timings: phases.timings(), Latency: phases.elapsed()}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	phases.finish()
	_ = response.Body.Close() // what is left of the body is not wanted
	if err != nil {
		return executor.Observation{Err: explain(fmt.Errorf("while reading the body: %w", err), &phases), Timings: phases.timings(), Latency: phases.elapsed()}
	}
	return p.observe(response, body, &phases, trail.followed)
}

func (p *probe) request(ctx context.Context, tools executor.Tools) (*http.Request, error) {
	target, err := tools.Secret(p.target)
	if err != nil {
		return nil, err
	}
	body, err := tools.Secret(p.options.Body)
	if err != nil {
		return nil, err
	}
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, p.options.Method, target, reader)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", executor.ErrSetup, err)
	}
	request.Header = p.header()
	for name, values := range request.Header {
		value, err := tools.Secret(values[0])
		if err != nil {
			return nil, err
		}
		request.Header.Set(name, value)
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	return request, nil
}

// redirects follows or refuses redirects.
type redirects struct {
	probe    *probe
	host     string
	followed int
}

func (r *redirects) check(next *http.Request, via []*http.Request) error {
	if !r.probe.options.FollowRedirects {
		return http.ErrUseLastResponse
	}
	if len(via) > r.probe.options.MaxRedirects {
		return errTooManyRedirects(r.probe.options.MaxRedirects)
	}
	r.followed = len(via)
	if next.URL.Host != r.host {
		// What was given for one host is not another's to know.
		for name := range r.probe.options.Headers {
			next.Header.Del(name)
		}
	}
	return nil
}

type errTooManyRedirects int

func (e errTooManyRedirects) Error() string {
	return fmt.Sprintf("more than %d redirects", int(e))
}

func (p *probe) observe(response *http.Response, body []byte, phases *phases, followed int) executor.Observation {
	latency := phases.elapsed()
	timings := phases.timings()
	certificate := map[string]any{}
	if response.TLS != nil && len(response.TLS.PeerCertificates) > 0 {
		leaf := response.TLS.PeerCertificates[0]
		certificate = map[string]any{
			"subject": leaf.Subject.String(), "issuer": leaf.Issuer.String(), "names": leaf.DNSNames,
			"not_after": leaf.NotAfter, "expires_in": time.Until(leaf.NotAfter),
		}
	}
	observed := map[string]any{"status": response.StatusCode, "http_version": response.Proto, "ip": phases.ip, "bytes": len(body)}
	if followed > 0 {
		observed["redirects"], observed["url"] = followed, withoutQuery(response.Request.URL)
	}
	if notAfter, ok := certificate["not_after"].(time.Time); ok {
		observed["certificate"] = map[string]any{"issuer": certificate["issuer"], "not_after": notAfter.UTC().Format(time.RFC3339)}
	}
	verdict := ""
	if response.StatusCode >= http.StatusBadRequest {
		verdict = fmt.Sprintf("status %d %s", response.StatusCode, http.StatusText(response.StatusCode))
	}
	return executor.Observation{
		Values: map[string]any{
			"status": response.StatusCode, "latency": latency, "latency_ms": float64(latency) / float64(time.Millisecond),
			"certificate": certificate, "ip": phases.ip, "http_version": response.Proto, "redirects": followed,
			"body":    func() any { return strings.ToValidUTF8(string(body), "�") },
			"headers": func() any { return lowerCase(response.Header) },
			"json":    func() any { return decoded(body) },
			"timings": func() any { return timingsMap(timings) },
		},
		Observed: observed, Timings: timings, Latency: latency, Verdict: verdict,
	}
}

func lowerCase(header http.Header) map[string]string {
	lower := make(map[string]string, len(header))
	for name, values := range header {
		lower[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return lower
}

// decoded is the body as JSON, or null, on which every question fails.
func decoded(body []byte) any {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return nil
	}
	return value
}

func timingsMap(t *monitor.Timings) map[string]float64 {
	return map[string]float64{
		"dns_ms": t.DNS, "connect_ms": t.Connect, "tls_ms": t.TLS, "first_byte_ms": t.FirstByte, "transfer_ms": t.Transfer,
	}
}

// withoutQuery is a URL without what may hold secrets.
func withoutQuery(u *url.URL) string {
	clean := *u
	clean.RawQuery, clean.User, clean.Fragment = "", nil, ""
	return clean.String()
}

// hostOf returns the address without the port.
func hostOf(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return host
}
