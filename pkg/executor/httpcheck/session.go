package httpcheck

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/vedette/vedette/pkg/executor"
)

// session makes the connections of one attempt. It is not safe for concurrent use.
type session struct {
	probe  *probe
	tools  executor.Tools
	first  *url.URL
	phases *phases
	// own is the configuration for the target; other hosts get one that tells nothing of it.
	own *tls.Config
	// wanted is whether a server asked for a certificate of the client that there is not.
	wanted atomic.Bool
	// packed is the compressed body of the last answer; nil of another.
	packed *packed
	// made are what was made for ways.
	made    [ways]http.RoundTripper
	closers []func()
}

type way struct{ away, secure bool }

const ways = 4

func (w way) index() (i int) {
	if w.away {
		i += 2
	}
	if w.secure {
		i++
	}
	return i
}

// open prepares the connections of one attempt, first to a target. Close it.
func (p *probe) open(tools executor.Tools, first *url.URL, phases *phases) (*session, error) {
	s := &session{probe: p, tools: tools, first: first, phases: phases}
	var err error
	if first.Scheme == "https" {
		s.own, err = p.tls.Config(tools, first.Hostname())
	}
	return s, err
}

func (s *session) close() {
	for _, end := range s.closers {
		end()
	}
}

// isTarget reports whether a request goes to where what was given for the target may go: to its host,
// and not without TLS where that was asked for.
func (s *session) isTarget(u *url.URL) bool {
	return u.Host == s.first.Host && (u.Scheme == "https" || s.first.Scheme == "http")
}

// RoundTrip implements http.RoundTripper.
func (s *session) RoundTrip(request *http.Request) (*http.Response, error) {
	to := way{away: !s.isTarget(request.URL), secure: request.URL.Scheme == "https"}
	found := s.made[to.index()]
	if found == nil {
		made, err := s.make(to)
		if err != nil {
			return nil, err
		}
		if s.probe.compress {
			made = unpacking{made, s}
		}
		found = s.tools.Wire.RoundTripper(made)
		s.made[to.index()] = found
	}
	return found.RoundTrip(request)
}

func (s *session) make(to way) (http.RoundTripper, error) {
	var config *tls.Config
	if to.secure {
		var err error
		if config, err = s.security(to); err != nil {
			return nil, err
		}
		s.watch(config)
	}
	if s.probe.plain != nil && !to.secure {
		// It has no idle connections; this ends dialling that was given up.
		s.closers = append(s.closers, s.probe.plain.CloseIdleConnections)
		return s.probe.plain, nil
	}
	if s.probe.options.HTTPVersion == "3" {
		return &overQUIC{session: s, config: config}, nil
	}
	transport, err := s.probe.transport(s.tools, s.probe.options.HTTPVersion, to.secure, config)
	if err != nil {
		return nil, err
	}
	transport.DisableCompression = true // see unpacking
	s.closers = append(s.closers, transport.CloseIdleConnections)
	return transport, nil
}

// watch has handshakes tell what they came to, and whether a certificate was wanted.
func (s *session) watch(config *tls.Config) {
	if config.GetClientCertificate == nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			s.wanted.Store(true)
			return &tls.Certificate{}, nil // none, as without this function
		}
	}
	if s.tools.Wire != nil {
		config.VerifyConnection = func(state tls.ConnectionState) error {
			s.tools.Wire.Note("tls", strings.TrimRight(tls.VersionName(state.Version)+", "+tls.CipherSuiteName(state.CipherSuite)+", "+state.NegotiatedProtocol, ", "))
			return nil
		}
	}
}

func (s *session) security(to way) (*tls.Config, error) {
	switch {
	case to.away:
		return s.probe.tls.Stranger(""), nil
	case s.own != nil:
		return s.own, nil
	default: // led from the target to itself by TLS
		return s.probe.tls.Config(s.tools, s.first.Hostname())
	}
}
