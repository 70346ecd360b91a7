package httpcheck

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/certificate"
	"github.com/vedette/vedette/pkg/executor/endpoint"
)

// answer is what came back.
type answer struct {
	probe     *probe
	response  *http.Response
	body      body
	phases    *phases
	redirects int
}

func (a answer) observation() executor.Observation {
	latency, timings := a.phases.elapsed(), a.phases.timings()
	text := sync.OnceValue(a.body.text)
	seen := executor.Observation{
		Values: map[string]any{
			"status": a.response.StatusCode, "latency": latency, "latency_ms": endpoint.Milliseconds(latency),
			"ip": a.phases.ip, "http_version": a.response.Proto, "redirects": a.redirects,
			"body":        func() any { return text() },
			"headers":     sync.OnceValue(func() any { return lowerCase(a.response.Header) }),
			"json":        sync.OnceValue(func() any { return decoded(text(), a.body.cut) }),
			"certificate": sync.OnceValue(func() any { return a.certificate() }),
			"timings":     func() any { return endpoint.TimingsMap(timings) },
			"url":         func() any { return withoutQuery(a.response.Request.URL) },
		},
		Body: a.body.reader, Observed: a.observed(), Timings: timings, Latency: latency, Verdict: a.verdict(),
	}
	if a.probe.options.KeepResponse {
		seen.OnFailure = func(clean func(string) string) map[string]any {
			return map[string]any{"response": a.kept(clean)}
		}
	}
	return seen
}

// verdict judges without assertions.
func (a answer) verdict() string {
	if a.response.StatusCode >= http.StatusBadRequest {
		return strings.TrimRight(fmt.Sprintf("status %d %s", a.response.StatusCode, http.StatusText(a.response.StatusCode)), " ")
	}
	if a.probe.content.kind == asQuery {
		text, cut := a.body.beginning(maxQueryAnswer)
		return wrongOfQuery(text, cut)
	}
	return ""
}

func (a answer) observed() map[string]any {
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
func (a answer) certificate() map[string]any {
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
func decoded(body string, cut bool) any {
	var value any
	err := json.Unmarshal([]byte(body), &value)
	switch {
	case err == nil:
		return value
	case cut:
		return assertion.Missing("the body is longer than 1 MiB, too long to be read as JSON")
	case strings.TrimSpace(body) == "":
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
