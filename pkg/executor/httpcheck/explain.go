package httpcheck

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/vedette/vedette/pkg/executor"
)

var errProxyWants = fmt.Errorf("%w: the proxy wants another user and password: give them as user:secret://name@ before its host", executor.ErrSetup)

// explain says in plain words why there is no answer.
func (p *probe) explain(err error, phases *phases) error {
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
	if strings.Contains(err.Error(), "tls: certificate required") {
		return errors.New("the server wants a certificate of the client: give options.tls.certificate and key")
	}
	if errors.Is(err, executor.ErrSetup) || errors.Is(err, executor.ErrSecret) {
		return innermost(err)
	}
	switch text := err.Error(); {
	case noSuchVersion(text):
		return p.otherVersion()
	case strings.Contains(text, "connection error: PROTOCOL_ERROR"):
		return errors.New("the server breaks the rules of HTTP/2, or the bounds of its headers")
	}
	return executor.Explain(err, phases.current())
}

// noSuchVersion reports whether an error says that the server speaks another version of HTTP than was asked for.
func noSuchVersion(text string) bool {
	for _, sign := range []string{"tls: no application protocol", "looked like an HTTP/1.1 header", "http2: client conn could not be established"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

func (p *probe) otherVersion() error {
	version := p.options.HTTPVersion
	if version == "auto" {
		version = "1.1 nor HTTP/2"
	}
	return fmt.Errorf("the server does not speak HTTP/%s", version)
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
