package wire

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
)

// RoundTripper returns one by which requests and answers are taken down as they are before
// encryption, compression and framing; of a nil log the one given. What it adds on its own, such as
// the length of a body, is not seen.
func (l *Log) RoundTripper(next http.RoundTripper) http.RoundTripper {
	if l == nil {
		return next
	}
	return &tripper{next, l}
}

type tripper struct {
	next http.RoundTripper
	log  *Log
}

// RoundTrip implements http.RoundTripper.
func (t *tripper) RoundTrip(request *http.Request) (*http.Response, error) {
	out, in := &stream{}, &stream{}
	host := request.Host
	if host == "" {
		host = request.URL.Host
	}
	first := head(fmt.Sprintf("%s %s HTTP\r\nHost: %s", request.Method, request.URL.RequestURI(), host), request.Header)
	begin := sync.OnceFunc(func() { t.log.data(out, sent, first) })
	// Not before there is a connection; by HTTP/3 nobody says when that is.
	request = request.Clone(httptrace.WithClientTrace(request.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { begin() }}))
	if request.Body != nil && request.Body != http.NoBody {
		request.Body = &body{request.Body, t.log, out, sent}
	}
	response, err := t.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	begin()
	t.log.data(in, received, head(response.Proto+" "+response.Status, response.Header))
	response.Body = &body{response.Body, t.log, in, received}
	return response, nil
}

// head writes a first line and headers.
func head(first string, headers http.Header) []byte {
	var out strings.Builder
	out.WriteString(first + "\r\n")
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		for _, value := range headers[name] {
			out.WriteString(name + ": " + value + "\r\n")
		}
	}
	out.WriteString("\r\n")
	return []byte(out.String())
}

type body struct {
	io.ReadCloser
	log  *Log
	of   *stream
	what string
}

func (b *body) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if n > 0 {
		b.log.data(b.of, b.what, into[:n])
	}
	return n, err
}
