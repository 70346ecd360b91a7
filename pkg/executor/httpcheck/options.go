package httpcheck

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

// Options of an http check.
type Options struct {
	Method          string            `json:"method" default:"GET" example:"HEAD" help:"Method of the request."`
	Headers         map[string]string `json:"headers" example:"{\"Accept\": \"application/json\"}" help:"Headers of the request. They do not follow a redirect to another host."`
	Body            string            `json:"body" help:"Body of the request. It does not follow a redirect to another host."`
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

func prepare(d monitor.Definition) (executor.Probe, monitor.Problems) {
	var o Options
	problems := option.Decode(d.Options, &o)
	p, more := Prepare(d.Target, o)
	return p, append(problems, more...)
}

// Prepare prepares to ask a target, for another kind too whose options embed those of this one. The
// options have been decoded.
func Prepare(target string, o Options) (executor.Probe, monitor.Problems) {
	var problems monitor.Problems
	if target != "" { // reported as missing already
		if problem := targetProblem(target); problem != "" {
			problems.Add("target", "%s", problem)
		}
	}
	o.Method = strings.ToUpper(o.Method)
	switch {
	case o.Method == "": // reported already
	case !validToken(o.Method):
		problems.Add("options.method", "%q is no method: use GET, HEAD, POST, …", o.Method)
	case o.Method == http.MethodConnect:
		problems.Add("options.method", "CONNECT is for proxies: use GET, HEAD, POST, …")
	}
	checkHeaders(&problems, o.Headers)
	config := &tls.Config{
		ServerName:         o.TLS.ServerName,
		InsecureSkipVerify: o.TLS.SkipVerify, //nolint:gosec // asked for by the definition, and shown
	}
	if o.TLS.CA != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(o.TLS.CA)) {
			problems.Add("options.tls.ca", "holds no certificate: give one or more in PEM, beginning with -----BEGIN CERTIFICATE-----")
		}
		o.TLS.CA = "" // the pool holds it
	}
	return &probe{options: o, target: target, tls: config}, problems
}

// targetProblem says what is wrong with a target, or nothing. It does not quote it, as it may hold
// secrets by then.
func targetProblem(target string) string {
	u, err := url.Parse(target)
	switch {
	case err != nil:
		return "is no URL: use one such as https://example.org/"
	case u.Scheme != "http" && u.Scheme != "https":
		return "does not begin with http:// or https://: use a URL that does"
	case u.Hostname() == "":
		return "names no host: use a URL such as https://example.org/"
	case u.User != nil:
		return "holds a user or password: use the header Authorization with a secret:// reference instead"
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "has a port that is none: use 1 to 65535, or leave it out"
		}
	}
	return ""
}

func checkHeaders(problems *monitor.Problems, headers map[string]string) {
	names := make([]string, 0, len(headers))
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	seen := make(map[string]string, len(names))
	for _, name := range names {
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !validToken(name):
			problems.Add("options.headers", "%q is no name of a header: use letters, digits and -", clip(name))
		case !validValue(headers[name]):
			problems.Add("options.headers."+name, "holds control characters: remove them")
		case slices.Contains([]string{"Content-Length", "Transfer-Encoding", "Trailer", "Connection"}, canonical):
			problems.Add("options.headers."+name, "is set by the runner: leave it out")
		case seen[canonical] != "":
			problems.Add("options.headers."+name, "is the same header as %s: give one of them", seen[canonical])
		}
		seen[canonical] = name
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

// validValue reports whether text can be the value of a header (RFC 9110, 5.5).
func validValue(text string) bool {
	for _, c := range []byte(text) {
		if (c < ' ' && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}

func clip(text string) string {
	if len(text) <= 80 {
		return text
	}
	return strings.ToValidUTF8(text[:80], "") + "…"
}
