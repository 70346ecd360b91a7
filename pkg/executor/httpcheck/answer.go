package httpcheck

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/certificate"
	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/monitor"
)

// answer is what came back.
type answer struct {
	probe     *probe
	response  *http.Response
	body      body
	phases    *phases
	redirects int
	// made are the values that were asked for once.
	made map[string]any
}

func (a *answer) observation() executor.Observation {
	latency, timings := a.phases.elapsed(), a.phases.timings()
	seen := executor.Observation{
		Values: func(name string) (any, bool) { return a.value(name, latency, timings) },
		Body:   a.body.reader, Observed: a.observed(), Timings: timings, Latency: latency, Verdict: a.verdict(),
	}
	if a.probe.options.KeepResponse {
		seen.OnFailure = func(clean func(string) string) map[string]any {
			return map[string]any{"response": a.kept(clean)}
		}
	}
	return seen
}

// value is that of a variable of assertions.
func (a *answer) value(name string, latency time.Duration, timings *monitor.Timings) (any, bool) {
	switch name {
	case "status":
		return a.response.StatusCode, true
	case "latency":
		return latency, true
	case "latency_ms":
		return endpoint.Milliseconds(latency), true
	case "timings":
		return endpoint.TimingsMap(timings), true
	case "ip":
		return a.phases.ip, true
	case "http_version":
		return a.response.Proto, true
	case "redirects":
		return a.redirects, true
	case "url":
		return withoutQuery(a.response.Request.URL), true
	case "body", "json", "headers", "certificate":
		return a.once(name), true
	}
	return nil, false
}

// once is a value that takes work, made for all assertions that need it.
func (a *answer) once(name string) any {
	if value, ok := a.made[name]; ok {
		return value
	}
	var value any
	switch name {
	case "body":
		value = a.body.text()
	case "json":
		value = decoded(a.body.bytes(), a.body.cut)
	case "headers":
		value = lowerCase(a.response.Header)
	default:
		value = a.certificate()
	}
	if a.made == nil {
		a.made = make(map[string]any, 2)
	}
	a.made[name] = value
	return value
}

// verdict judges without assertions.
func (a *answer) verdict() string {
	if a.response.StatusCode >= http.StatusBadRequest {
		return strings.TrimRight(fmt.Sprintf("status %d %s", a.response.StatusCode, http.StatusText(a.response.StatusCode)), " ")
	}
	if a.probe.content.kind == asQuery {
		text, cut := a.body.beginning(maxQueryAnswer)
		return wrongOfQuery(text, cut)
	}
	return ""
}

func (a *answer) observed() map[string]any {
	observed := map[string]any{
		"status": a.response.StatusCode, "http_version": a.response.Proto, "ip": a.phases.ip, "bytes": a.body.size,
	}
	if a.body.cut {
		observed["truncated"] = true
	}
	if a.redirects > 0 {
		observed["redirects"], observed["url"] = a.redirects, withoutQuery(a.response.Request.URL)
	}
	if state := a.response.TLS; state != nil && len(state.PeerCertificates) > 0 {
		leaf := state.PeerCertificates[0]
		observed["tls_version"] = tls.VersionName(state.Version)
		observed["certificate"] = map[string]any{
			"issuer": strings.ToValidUTF8(leaf.Issuer.String(), "�"), "not_after": leaf.NotAfter.UTC().Format(time.RFC3339),
		}
		if a.probe.options.TLS.SkipVerify {
			observed["warning"] = "the certificate is not verified (options.tls.skip_verify): the connection may be anyone's"
		}
	}
	return observed
}

// certificate is what assertions see of the server's.
func (a *answer) certificate() map[string]any {
	state := a.response.TLS
	if state == nil || len(state.PeerCertificates) == 0 {
		return map[string]any{}
	}
	now := time.Now()
	seen := certificate.Describe(state.PeerCertificates[0], now)
	seen["tls_version"], seen["cipher"] = tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)
	seen["ocsp"] = certificate.Staple(*state, now)
	seen["problems"] = []string{}
	if a.probe.options.TLS.SkipVerify { // else it has been verified
		seen["problems"] = certificate.Texts(a.probe.tls.Problems(state.PeerCertificates, a.response.Request.URL.Hostname(), now))
	}
	return seen
}

func lowerCase(header http.Header) map[string]string {
	lower := make(map[string]string, len(header))
	for name, values := range header {
		lower[strings.ToLower(name)] = strings.ToValidUTF8(strings.Join(values, ", "), "�")
	}
	return lower
}

// decoded is the body as JSON, or the reason why it is none.
func decoded(body []byte, cut bool) any {
	var value any
	err := json.Unmarshal(body, &value)
	switch {
	case err == nil:
		return value
	case cut:
		return assertion.Missing("the body is longer than 1 MiB, too long to be read as JSON")
	case len(bytes.TrimSpace(body)) == 0:
		return assertion.Missing("the body is empty, not JSON")
	default:
		return assertion.Missing("the body is not JSON: " + err.Error())
	}
}

// withoutQuery is a URL without what may hold secrets, and with the root for no path.
func withoutQuery(u *url.URL) string {
	clean := *u
	if clean.Path == "" {
		clean.Path = "/"
	}
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
