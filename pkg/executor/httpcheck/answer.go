package httpcheck

import (
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
	"github.com/vedette/vedette/pkg/monitor"
)

// answer is what came back.
type answer struct {
	response  *http.Response
	body      body
	phases    *phases
	redirects int
}

func (a answer) observation() executor.Observation {
	latency, timings := a.phases.elapsed(), a.phases.timings()
	certificate := a.certificate()
	verdict := ""
	if a.response.StatusCode >= http.StatusBadRequest {
		verdict = strings.TrimRight(fmt.Sprintf("status %d %s", a.response.StatusCode, http.StatusText(a.response.StatusCode)), " ")
	}
	text := sync.OnceValue(a.body.text)
	return executor.Observation{
		Values: map[string]any{
			"status": a.response.StatusCode, "latency": latency, "latency_ms": float64(latency) / float64(time.Millisecond),
			"certificate": certificate, "ip": a.phases.ip, "http_version": a.response.Proto, "redirects": a.redirects,
			"body":    func() any { return text() },
			"headers": sync.OnceValue(func() any { return lowerCase(a.response.Header) }),
			"json":    sync.OnceValue(func() any { return decoded(text(), a.body.cut) }),
			"timings": func() any { return timingsMap(timings) },
		},
		Observed: a.observed(certificate), Timings: timings, Latency: latency, Verdict: verdict,
	}
}

func (a answer) observed(certificate map[string]any) map[string]any {
	observed := map[string]any{
		"status": a.response.StatusCode, "http_version": a.response.Proto, "ip": a.phases.ip, "bytes": a.body.size,
	}
	if a.body.cut {
		observed["truncated"] = true
	}
	if a.redirects > 0 {
		observed["redirects"], observed["url"] = a.redirects, withoutQuery(a.response.Request.URL)
	}
	if notAfter, ok := certificate["not_after"].(time.Time); ok {
		observed["certificate"] = map[string]any{"issuer": certificate["issuer"], "not_after": notAfter.UTC().Format(time.RFC3339)}
	}
	return observed
}

func (a answer) certificate() map[string]any {
	if a.response.TLS == nil || len(a.response.TLS.PeerCertificates) == 0 {
		return map[string]any{}
	}
	leaf := a.response.TLS.PeerCertificates[0]
	names := make([]string, 0, len(leaf.DNSNames)+len(leaf.IPAddresses))
	names = append(names, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return map[string]any{
		"subject": leaf.Subject.String(), "issuer": leaf.Issuer.String(), "names": names,
		"not_before": leaf.NotBefore, "not_after": leaf.NotAfter, "expires_in": time.Until(leaf.NotAfter),
	}
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
