package httpcheck

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/vedette/vedette/pkg/executor"
)

// redirects follows or refuses redirects.
type redirects struct {
	session  *session
	options  *Options
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
	if r.session.isTarget(next.URL) {
		return nil
	}
	// What was given for one host is not another's to know, nor the network's: neither headers nor
	// body, nor the query in the Referer.
	clear(next.Header)
	next.Header.Set("User-Agent", userAgent)
	if r.session.probe.compress {
		next.Header.Set("Accept-Encoding", "gzip")
	}
	next.Body, next.GetBody, next.ContentLength = http.NoBody, nil, 0
	return nil
}

type errTooManyRedirects int

func (e errTooManyRedirects) Error() string {
	if e == 1 {
		return "more than 1 redirect"
	}
	return fmt.Sprintf("more than %d redirects", int(e))
}

// misled says that redirects do not lead to where they should; nil when they do.
func (p *probe) misled(tools executor.Tools, response *http.Response) error {
	if p.options.ExpectedLocation == "" {
		return nil
	}
	text, err := tools.Secret(p.options.ExpectedLocation)
	if err != nil {
		return err
	}
	if err := usable("options.expected_location", p.options.ExpectedLocation, text, tools); err != nil {
		return err
	}
	expected, _ := url.Parse(text) // looked at just now
	led := response.Request.URL
	if !p.options.FollowRedirects {
		if led, err = response.Location(); err != nil {
			return fmt.Errorf("it is not led to %s: status %d without a location", withoutQuery(expected), response.StatusCode)
		}
	}
	switch {
	case sameURL(led, expected):
		return nil
	case withoutQuery(led) == withoutQuery(expected):
		return fmt.Errorf("it is led to %s as expected, but with another query", withoutQuery(led))
	default:
		return fmt.Errorf("it is led to %s, expected %s", withoutQuery(led), withoutQuery(expected))
	}
}

// sameURL leaves the fragment out, which is not asked for, and takes no path for the root.
func sameURL(a, b *url.URL) bool {
	path := func(u *url.URL) string {
		if u.EscapedPath() == "" {
			return "/"
		}
		return u.EscapedPath()
	}
	return a.Scheme == b.Scheme && a.Host == b.Host && path(a) == path(b) && a.RawQuery == b.RawQuery
}
