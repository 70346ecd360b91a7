package httpcheck

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"

	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

// Options of an http check.
type Options struct {
	Method          string            `json:"method" default:"GET" example:"HEAD" help:"Method of the request."`
	Headers         map[string]string `json:"headers" example:"{\"Accept\": \"application/json\"}" help:"Headers of the request. They do not follow a redirect to another host."`
	Body            string            `json:"body" help:"Body of the request."`
	FollowRedirects bool              `json:"follow_redirects" default:"true" help:"Whether redirects are followed."`
	MaxRedirects    int               `json:"max_redirects" default:"5" min:"0" max:"20" help:"How many redirects are followed before that is a failure."`
	TLS             TLS               `json:"tls" help:"How the server is verified."`
}

// TLS says how the server is verified.
type TLS struct {
	SkipVerify bool   `json:"skip_verify" default:"false" help:"Take any certificate. The connection may then be anyone's."`
	ServerName string `json:"server_name" example:"example.org" help:"Name to ask for and to verify, instead of the target's host."`
	CA         string `json:"ca" help:"Certificates to trust instead of the system's, PEM."`
}

// probe is a prepared check.
type probe struct {
	options Options
	target  string
	tls     *tls.Config
}

func prepare(d monitor.Definition) (*probe, monitor.Problems) {
	var o Options
	problems := option.Decode(d.Options, &o)
	checkTarget(&problems, d.Target)
	o.Method = strings.ToUpper(o.Method)
	if o.Method != "" && !validToken(o.Method) {
		problems.Add("options.method", "%q is no method: use GET, HEAD, POST, …", o.Method)
	}
	for name, value := range o.Headers {
		if !validToken(name) || strings.ContainsAny(value, "\r\n") {
			problems.Add("options.headers", "%q cannot be sent as a header", name)
		}
	}
	config := &tls.Config{
		ServerName:         o.TLS.ServerName,
		InsecureSkipVerify: o.TLS.SkipVerify, //nolint:gosec // asked for by the definition, and shown
	}
	if o.TLS.CA != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(o.TLS.CA)) {
			problems.Add("options.tls.ca", "holds no certificate: give one or more in PEM, beginning with -----BEGIN CERTIFICATE-----")
		}
	}
	return &probe{options: o, target: d.Target, tls: config}, problems
}

func checkTarget(p *monitor.Problems, target string) {
	if target == "" {
		return // reported as missing already
	}
	u, err := url.Parse(target)
	switch {
	case err != nil:
		p.Add("target", "is no URL: use one such as https://example.org/")
	case u.Scheme != "http" && u.Scheme != "https":
		p.Add("target", "begins with %q: use a URL that begins with http:// or https://", u.Scheme+":")
	case u.Host == "":
		p.Add("target", "names no host: use a URL such as https://example.org/")
	case u.User != nil:
		p.Add("target", "holds a user or password: send them as header Authorization with a secret:// reference")
	}
}

// validToken reports whether text can be a method or the name of a header (RFC 9110, 5.6.2).
func validToken(text string) bool {
	if text == "" || len(text) > 100 {
		return false
	}
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return true
}

func (p *probe) header() http.Header {
	h := make(http.Header, len(p.options.Headers)+1)
	h.Set("User-Agent", "Vedette (+uptime monitor)")
	for name, value := range p.options.Headers {
		h.Set(name, value)
	}
	return h
}
