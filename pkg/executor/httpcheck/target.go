package httpcheck

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/monitor"
)

const secretPrefix = "secret://"

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
		return "holds a user or password: use options.auth instead, with a secret:// reference"
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "has a port that is none: use 1 to 65535, or leave it out"
		}
	}
	return ""
}

// usable wants a URL that its secrets have been put into to be one, and has a host that comes of them
// kept secret as they are.
func usable(what, template, filled string, tools executor.Tools) error {
	if template == filled {
		return nil
	}
	if problem := targetProblem(filled); problem != "" {
		return fmt.Errorf("%w: with its secrets put in, %s %s", executor.ErrSecret, what, problem)
	}
	if u, err := url.Parse(filled); err == nil && !strings.Contains(template, u.Hostname()) {
		tools.Hide(u.Hostname())
	}
	return nil
}

// checkRequest looks at what the request is made of, and settles its method.
func checkRequest(problems *monitor.Problems, o *Options, c content) {
	o.Method = strings.ToUpper(o.Method)
	switch {
	case o.Method == "" && c.kind != raw:
		o.Method = http.MethodPost
	case o.Method == "":
		o.Method = http.MethodGet
	case !validToken(o.Method):
		problems.Add("options.method", "%q is no method: use GET, HEAD, POST, …", o.Method)
	case o.Method == http.MethodConnect:
		problems.Add("options.method", "CONNECT is for proxies: use GET, HEAD, POST, …")
	}
	checkHeaders(problems, o.Headers)
	if o.Auth.Type != noAuth && o.Auth.Type != "" {
		for name := range o.Headers {
			if http.CanonicalHeaderKey(name) == "Authorization" {
				problems.Add("options.headers."+name, "is what options.auth sets: leave one of them out")
			}
		}
	}
	if location := o.ExpectedLocation; location != "" && !strings.Contains(location, secretPrefix) && targetProblem(location) != "" {
		problems.Add("options.expected_location", "%s", targetProblem(location))
	}
}

// checkVersion wants a version of HTTP that the target can be asked by.
func checkVersion(problems *monitor.Problems, target string, o Options) {
	if o.HTTPVersion != "3" {
		return
	}
	if strings.HasPrefix(target, "http://") && targetProblem(target) == "" {
		problems.Add("options.http_version", "3 goes by TLS only: use a target that begins with https://, or another version")
	}
	if o.Proxy != "" {
		problems.Add("options.proxy", "makes no connections for HTTP/3, which goes by UDP: leave it out, or use another http_version")
	}
	if o.TLS.MaxVersion != "" && o.TLS.MaxVersion < "1.3" {
		problems.Add("options.tls.max_version", "is less than 1.3, which HTTP/3 needs: use 1.3, or another http_version")
	}
}

// has reports whether headers hold one by its canonical name.
func has(headers map[string]string, canonical string) bool {
	for name := range headers {
		if http.CanonicalHeaderKey(name) == canonical {
			return true
		}
	}
	return false
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

func clip(text string) string { return clipTo(text, 80) }

// clipTo shortens a text to valid UTF-8 of at most so many bytes, and a mark that it was.
func clipTo(text string, most int) string {
	if len(text) <= most {
		return strings.ToValidUTF8(text, "�")
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
