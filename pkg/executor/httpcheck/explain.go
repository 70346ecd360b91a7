package httpcheck

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vedette/vedette/pkg/executor"
)

var errProxyWants = fmt.Errorf("%w: the proxy wants another user and password: give them as user:secret://name@ before its host", executor.ErrSetup)

// explain says in plain words why there is no answer.
func (s *session) explain(err error) error {
	var tooMany errTooManyRedirects
	if errors.As(err, &tooMany) {
		return tooMany
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the URL, which may hold a secret
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return errors.New("the server speaks HTTP, not HTTPS, at this port")
	}
	for _, plain := range []error{errSpeaksFirst, errWithoutTLS, errNoDigest} {
		if errors.Is(err, plain) {
			return plain
		}
	}
	if errors.Is(err, executor.ErrSetup) || errors.Is(err, executor.ErrSecret) {
		return innermost(err)
	}
	switch text := err.Error(); {
	case s.wanted.Load() && unwelcome(text):
		return errors.New("the server wants a certificate of the client: give options.tls.certificate and key")
	case s.probe.options.HTTPVersion != "auto" && noSuchVersion(text):
		return s.probe.otherVersion()
	case strings.Contains(text, notEstablished):
		return errors.New("connection closed " + s.phases.current())
	case strings.Contains(text, "connection error: PROTOCOL_ERROR"):
		return errors.New("the server breaks the rules of HTTP/2, or the bounds of its headers")
	}
	plain := executor.Explain(err, s.phases.current())
	if s.wanted.Load() && strings.HasPrefix(plain.Error(), "connection ") {
		return fmt.Errorf("%w, after the server asked for a certificate of the client, which is options.tls.certificate and key", plain)
	}
	return plain
}

// noSuchVersion reports whether an error says that the server speaks another version of HTTP than was asked for.
func noSuchVersion(text string) bool {
	return holds(text, "tls: no application protocol", "looked like an HTTP/1.1 header", notEstablished)
}

// notEstablished is all that net/http tells of a connection that ends before it says anything.
const notEstablished = "http2: client conn could not be established"

// unwelcome reports whether an error may be for want of a client's certificate: what a server says then
// depends on the version of TLS, and is not always read before the connection ends.
func unwelcome(text string) bool {
	return holds(text, "tls: certificate required", "tls: bad certificate", "tls: handshake failure", notEstablished)
}

func holds(text string, signs ...string) bool {
	return slices.ContainsFunc(signs, func(sign string) bool { return strings.Contains(text, sign) })
}

func (p *probe) otherVersion() error {
	return fmt.Errorf("the server does not speak HTTP/%s", p.options.HTTPVersion)
}

// asked reports whether an answer is by the version of HTTP that was asked for.
func (p *probe) asked(response *http.Response) bool {
	switch p.options.HTTPVersion {
	case "1.1":
		return response.ProtoMajor == 1
	case "2":
		return response.ProtoMajor == 2
	default:
		return true
	}
}

// innermost is an error of ours below what net/http puts around it.
func innermost(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
