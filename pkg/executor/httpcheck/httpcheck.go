// Package httpcheck executes checks of kind http.
package httpcheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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
	userAgent  = "Vedette/1 (uptime monitor)"
)

// Executor implements executor.Executor.
type Executor struct {
	// Tokens are those to share with other executors; nil for each check to keep its own.
	Tokens *Tokens
}

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
			{Name: "certificate", Type: "map(string, dyn)", Help: "Of the server: subject, issuer, names, serial, key, signature, sha256, not_before, not_after, expires_in; tls_version, cipher, problems, ocsp. Empty without TLS."},
			{Name: "ip", Type: "string", Help: "Address that answered; of the proxy where there is one."},
			{Name: "http_version", Type: "string", Help: "HTTP/1.1, HTTP/2.0 or HTTP/3.0."},
			{Name: "redirects", Type: "int", Help: "How many redirects were followed."},
			{Name: "url", Type: "string", Help: "URL of the last answer, without its query."},
		},
		Options: option.Schema(Options{}),
	}
}

// Prepare implements executor.Executor.
func (e Executor) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) {
	return e.prepare(d)
}

// Attempt implements executor.Probe. Each attempt has connections of its own, so that it finds out
// what a new visitor would.
func (p *probe) Attempt(ctx context.Context, tools executor.Tools) executor.Observation {
	for {
		phases := &phases{}
		request, err := p.request(phases.trace(context.WithValue(ctx, toolsKey{}, &tools)), tools)
		if err != nil {
			return executor.Observation{Err: err}
		}
		shown, err := p.authorize(ctx, tools, request)
		if err != nil {
			return executor.Observation{Err: err}
		}
		seen, refused := p.ask(request, tools, phases)
		if !refused || shown.fresh || shown.value == "" {
			return seen
		}
		// The server may have given the token up before its end: that says nothing about the target.
		p.tokens.forget(ctx, shown)
	}
}

// ask sends the request and follows where it is led. refused is whether it is not authorized.
func (p *probe) ask(request *http.Request, tools executor.Tools, phases *phases) (seen executor.Observation, refused bool) {
	session, err := p.open(tools, request.URL, phases)
	if err != nil {
		return executor.Observation{Err: err}, false
	}
	defer session.close()
	trail := &redirects{session: session, options: &p.options}
	client := &http.Client{Transport: session, CheckRedirect: trail.check}
	if p.options.Auth.Type == digest {
		answering := &digesting{RoundTripper: session, isTarget: session.isTarget}
		if answering.username, answering.password, err = p.userAndPassword(tools); err != nil {
			return executor.Observation{Err: err}, false
		}
		client.Transport = answering
	}
	phases.begun = time.Now()
	response, err := client.Do(request)
	if err != nil {
		return phases.failed(session.explain(ended(request, err))), false
	}
	a := &answer{probe: p, response: response, phases: phases, redirects: trail.followed}
	a.body, err = readBody(response)
	phases.finish()
	_ = response.Body.Close() // what is left of the body is not wanted
	if err != nil {
		return phases.failed(session.explain(ended(request, err))), false
	}
	seen = a.observation()
	switch {
	case response.StatusCode == http.StatusProxyAuthRequired && p.options.Proxy != "":
		seen.Err = errProxyWants
	case a.body.cut && session.packed.expands(a.body.size):
		seen.Err = errBomb
	case !p.asked(response):
		seen.Err = p.otherVersion()
	default:
		seen.Err = p.misled(tools, response)
	}
	return seen, response.StatusCode == http.StatusUnauthorized
}

// ended has an error tell that the time was over, which HTTP/3 does not.
func ended(request *http.Request, err error) error {
	if over := request.Context().Err(); over != nil && !errors.Is(err, over) {
		return errors.Join(over, err)
	}
	return err
}

func (p *probe) request(ctx context.Context, tools executor.Tools) (*http.Request, error) {
	target, err := tools.Secret(p.target)
	if err != nil {
		return nil, err
	}
	body, err := p.content.render(tools)
	if err != nil {
		return nil, err
	}
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	if err := usable("the target", p.target, target, tools); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, p.options.Method, target, reader)
	if err != nil {
		return nil, fmt.Errorf("%w: the target is no URL", executor.ErrSetup)
	}
	return request, p.setHeaders(request, tools)
}

func (p *probe) setHeaders(request *http.Request, tools executor.Tools) error {
	const least = 4
	request.Header = make(http.Header, len(p.options.Headers)+least)
	request.Header.Set("User-Agent", userAgent)
	if p.compress {
		request.Header.Set("Accept-Encoding", "gzip")
	}
	if mediaType := p.content.mediaType(); mediaType != "" {
		request.Header.Set("Content-Type", mediaType)
	}
	if p.content.kind == asQuery {
		request.Header.Set("Accept", "application/graphql-response+json, application/json")
	}
	for name, text := range p.options.Headers {
		value, err := tools.Secret(text)
		if err != nil {
			return err
		}
		if !validValue(value) {
			return fmt.Errorf("%w: with its secrets put in, the header %s holds control characters", executor.ErrSecret, name)
		}
		request.Header.Set(name, value)
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	return nil
}
