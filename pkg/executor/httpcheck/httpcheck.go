// Package httpcheck executes checks of kind http.
package httpcheck

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

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
	userAgent  = "Vedette/1 (uptime monitor)"
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
			{Name: "json", Type: "dyn", Help: "Body read as JSON; its numbers are doubles."},
			{Name: "latency", Type: "duration", Help: "Time from the first step to the end of the body."},
			{Name: "latency_ms", Type: "double", Help: "The same in milliseconds."},
			{Name: "timings", Type: "map(string, double)", Help: "Phases of the last request in milliseconds: dns_ms, connect_ms, tls_ms, first_byte_ms, transfer_ms."},
			{Name: "certificate", Type: "map(string, dyn)", Help: "Of the server: subject, issuer, names, not_before, not_after, expires_in. Empty without TLS."},
			{Name: "ip", Type: "string", Help: "Address that answered."},
			{Name: "http_version", Type: "string", Help: "HTTP/1.1 or HTTP/2.0."},
			{Name: "redirects", Type: "int", Help: "How many redirects were followed."},
		},
		Options: option.Schema(Options{}),
	}
}

// Prepare implements executor.Executor.
func (Executor) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) { return prepare(d) }

// Attempt implements executor.Probe. Each attempt has a connection of its own, through no proxy, so
// that it finds out what a new visitor would.
func (p *probe) Attempt(ctx context.Context, tools executor.Tools) executor.Observation {
	request, err := p.request(ctx, tools)
	if err != nil {
		return executor.Observation{Err: err}
	}
	transport := &http.Transport{
		DialContext: politely(tools.Dial), TLSClientConfig: p.tls.Clone(), DisableKeepAlives: true, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: maxHeaders,
	}
	defer transport.CloseIdleConnections()
	trail := &redirects{options: &p.options, first: request.URL}
	client := &http.Client{Transport: transport, CheckRedirect: trail.check}
	var phases phases
	response, err := client.Do(request.WithContext(phases.trace(ctx)))
	if err != nil {
		return phases.failed(explain(err, &phases))
	}
	a := answer{response: response, phases: &phases, redirects: trail.followed}
	a.body, err = readBody(response)
	phases.finish()
	_ = response.Body.Close() // what is left of the body is not wanted
	if err != nil {
		return phases.failed(explain(err, &phases))
	}
	return a.observation()
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
	if target != p.target && targetProblem(target) != "" {
		return nil, fmt.Errorf("%w: with its secrets put in, the target %s", executor.ErrSecret, targetProblem(target))
	}
	request, err := http.NewRequestWithContext(ctx, p.options.Method, target, reader)
	if err != nil {
		return nil, fmt.Errorf("%w: the target is no URL", executor.ErrSetup)
	}
	request.Header = make(http.Header, len(p.options.Headers)+1)
	request.Header.Set("User-Agent", userAgent)
	for name, text := range p.options.Headers {
		value, err := tools.Secret(text)
		if err != nil {
			return nil, err
		}
		if !validValue(value) {
			return nil, fmt.Errorf("%w: with its secrets put in, the header %s holds control characters", executor.ErrSecret, name)
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
	options  *Options
	first    *url.URL
	followed int
}

func (r *redirects) check(next *http.Request, via []*http.Request) error {
	if !r.options.FollowRedirects {
		return http.ErrUseLastResponse
	}
	if len(via) > r.options.MaxRedirects {
		return errTooManyRedirects(r.options.MaxRedirects)
	}
	r.followed = len(via)
	if next.URL.Host == r.first.Host && (next.URL.Scheme == "https" || r.first.Scheme == "http") {
		return nil
	}
	// What was given for one host is not another's to know, nor the network's: neither headers nor
	// body, nor the query in the Referer.
	for name := range r.options.Headers {
		next.Header.Del(name)
	}
	next.Header.Del("Referer")
	next.Header.Set("User-Agent", userAgent)
	next.Body, next.GetBody, next.ContentLength = http.NoBody, nil, 0
	return nil
}

type errTooManyRedirects int

func (e errTooManyRedirects) Error() string {
	return fmt.Sprintf("more than %d redirects", int(e))
}
