package httpcheck

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

// mostExpansion is how many times what came of it a body may be that is longer than maxBody. What is
// honest, such as repetitive JSON, comes to some tens; zeros come to a thousand.
const mostExpansion = 100

var errBomb = errors.New("the body is hostile: with Content-Encoding gzip it expands to more than 1 MiB, over 100 times what came")

// unpacking undoes gzip, as net/http would, and counts what came.
type unpacking struct {
	http.RoundTripper
	session *session
}

// RoundTrip implements http.RoundTripper.
func (u unpacking) RoundTrip(request *http.Request) (*http.Response, error) {
	u.session.packed = nil
	response, err := u.RoundTripper.RoundTrip(request)
	if err != nil || response.ContentLength == 0 || !strings.EqualFold(response.Header.Get("Content-Encoding"), "gzip") {
		return response, err
	}
	u.session.packed = &packed{came: response.Body}
	response.Body = u.session.packed
	response.Header.Del("Content-Encoding")
	response.Header.Del("Content-Length")
	response.ContentLength, response.Uncompressed = -1, true
	return response, nil
}

// packed is a compressed body.
type packed struct {
	came   io.ReadCloser
	size   int
	reader *gzip.Reader
	failed error
}

// Read implements io.Reader.
func (p *packed) Read(into []byte) (int, error) {
	if p.reader == nil && p.failed == nil {
		p.reader, p.failed = gzip.NewReader(counting{p})
	}
	if p.failed != nil {
		return 0, p.failed
	}
	return p.reader.Read(into)
}

// Close implements io.Closer.
func (p *packed) Close() error { return p.came.Close() }

// expands reports whether so many bytes are out of proportion to what was read for them.
func (p *packed) expands(to int) bool { return p != nil && to > mostExpansion*p.size }

type counting struct{ *packed }

func (c counting) Read(into []byte) (int, error) {
	n, err := c.came.Read(into)
	c.size += n
	return n, err
}
