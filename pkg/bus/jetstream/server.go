package jetstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/vedette/vedette/pkg/monitor"
)

// Server says which NATS server to connect to, and as whom.
type Server struct {
	// URL is one or several servers, separated by commas. Default nats://127.0.0.1:4222.
	URL string
	// InProcess connects to an embedded server instead of a URL.
	InProcess nats.InProcessConnProvider
	// Creds is a credentials file; User and Password, or Token, the alternatives.
	Creds, User, Password, Token string
	// CA, Cert and Key are PEM files for TLS.
	CA, Cert, Key string
	// Name is shown by the server: "vedette decider".
	Name string
}

// Validate reports everything wrong with s that shows before connecting.
func (s Server) Validate() error {
	var p monitor.Problems
	for text := range strings.SplitSeq(s.URL, ",") {
		if s.URL == "" {
			break
		}
		u, err := url.Parse(strings.TrimSpace(text))
		if err == nil && !strings.Contains(text, "://") {
			u, err = url.Parse("nats://" + strings.TrimSpace(text))
		}
		switch {
		case err != nil:
			p.Add("nats-url", "%q is no URL: use one such as nats://127.0.0.1:4222", text)
		case u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme):
			p.Add("nats-url", "%q: use one such as nats://127.0.0.1:4222 or tls://host:4222", u.Redacted())
		}
	}
	s.validateFiles(&p)
	ways := 0
	for _, way := range []string{s.Creds, s.User, s.Token} {
		if way != "" {
			ways++
		}
	}
	if ways > 1 {
		p.Add("creds", "creds, user and token are alternatives: give one of them")
	}
	return p.Err()
}

// validateFiles reads them, so that one that is of no use is named before a server is waited for.
func (s Server) validateFiles(p *monitor.Problems) {
	if s.Creds != "" {
		held, err := os.ReadFile(s.Creds)
		if err == nil {
			_, err = nkeys.ParseDecoratedJWT(held)
		}
		if err == nil {
			_, err = nkeys.ParseDecoratedUserNKey(held)
		}
		if err != nil {
			p.Add("creds", "%s is no credentials file that can be read: %v", s.Creds, err)
		}
	}
	if s.CA != "" {
		held, err := os.ReadFile(s.CA)
		if err == nil && !x509.NewCertPool().AppendCertsFromPEM(held) {
			err = errors.New("it holds no certificate in PEM form")
		}
		if err != nil {
			p.Add("ca", "%s cannot be used: %v", s.CA, err)
		}
	}
	if (s.Cert == "") != (s.Key == "") {
		p.Add("cert", "and key belong together: give both, or neither")
		return
	}
	if s.Cert != "" {
		if _, err := tls.LoadX509KeyPair(s.Cert, s.Key); err != nil {
			p.Add("cert", "%s and key %s cannot be used: %v", s.Cert, s.Key, err)
		}
	}
}

func (s Server) options(log *slog.Logger) []nats.Option {
	options := []nats.Option{
		nats.Name(s.Name), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond), nats.Timeout(5 * time.Second),
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			if errors.Is(err, nats.ErrSlowConsumer) && sub != nil && sub.Type() == nats.ChanSubscription {
				// A pull has room for what it asked for, but not for a sign of life as well. A gap is read again.
				log.Debug("a pull is full", "subject", subject)
				return
			}
			log.Error("NATS reports an error", "subject", subject, "error", err)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("connection to NATS lost; trying again", "error", err)
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) { log.Info("connected to NATS again", "server", c.ConnectedUrlRedacted()) }),
	}
	if s.InProcess != nil {
		options = append(options, nats.InProcessServer(s.InProcess))
	}
	if s.Creds != "" {
		options = append(options, nats.UserCredentials(s.Creds))
	}
	if s.User != "" {
		options = append(options, nats.UserInfo(s.User, s.Password))
	}
	if s.Token != "" {
		options = append(options, nats.Token(s.Token))
	}
	if s.CA != "" {
		options = append(options, nats.RootCAs(s.CA))
	}
	if s.Cert != "" {
		options = append(options, nats.ClientCert(s.Cert, s.Key))
	}
	return options
}

// dial connects, waiting for a server that is not there yet until ctx ends.
func dial(ctx context.Context, s Server, log *slog.Logger, more ...nats.Option) (*nats.Conn, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	address := s.URL
	if address == "" {
		address = nats.DefaultURL
	}
	for warned := false; ; warned = true {
		conn, err := nats.Connect(address, append(s.options(log), more...)...)
		if err == nil {
			return conn, nil
		}
		if !errors.Is(err, nats.ErrNoServers) && !errors.Is(err, nats.ErrTimeout) {
			return nil, fmt.Errorf("connect to NATS at %s: %w", redacted(address), err)
		}
		if !warned {
			log.Warn("NATS is not there yet; waiting for it", "url", redacted(address), "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connect to NATS at %s: %w", redacted(address), err)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// redacted hides the passwords in URLs.
func redacted(addresses string) string {
	all := strings.Split(addresses, ",")
	for i, text := range all {
		if u, err := url.Parse(strings.TrimSpace(text)); err == nil && u.User != nil {
			all[i] = u.Redacted()
		}
	}
	return strings.Join(all, ",")
}
