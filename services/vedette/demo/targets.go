package demo

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Targets are servers on this machine for the demo's checks to look at. Close them.
type Targets struct {
	// HTTP and TLS are addresses, host:port; CA is the certificate of TLS, in PEM.
	HTTP, TLS, Mail string
	CA              string

	servers   []io.Closer
	listeners sync.WaitGroup
}

// certificateDays is how long the certificate of the demo is good for: not much longer.
const certificateDays = 9

// StartTargets starts them on free ports of 127.0.0.1; now is the clock by which the flapping ones flap.
func StartTargets(ctx context.Context, now func() time.Time) (*Targets, error) {
	t := &Targets{}
	config, ca, err := expiring(now())
	if err != nil {
		return nil, err
	}
	t.CA = ca
	var errs []error
	for _, start := range []func(context.Context) error{
		func(ctx context.Context) error { return t.serveHTTP(ctx, &t.HTTP, nil, now) },
		func(ctx context.Context) error { return t.serveHTTP(ctx, &t.TLS, config, now) },
		t.serveMail,
	} {
		errs = append(errs, start(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// Close stops them.
func (t *Targets) Close() error {
	var errs []error
	for _, s := range t.servers {
		errs = append(errs, s.Close())
	}
	t.listeners.Wait()
	return errors.Join(errs...)
}

func (t *Targets) listen(ctx context.Context, address *string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the demo's targets: %w", err)
	}
	*address = l.Addr().String()
	return l, nil
}

func (t *Targets) serveHTTP(ctx context.Context, address *string, config *tls.Config, now func() time.Time) error {
	l, err := t.listen(ctx, address)
	if err != nil {
		return err
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	server := &http.Server{Handler: handler(now), ReadHeaderTimeout: 5 * time.Second, ErrorLog: nil}
	t.servers = append(t.servers, server)
	t.listeners.Go(func() { _ = server.Serve(l) }) // ends with Close
	return nil
}

// handler answers as the last part of the path says.
func handler(now func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		b := behaviour(name)
		outcome := b(now())
		select {
		case <-time.After(outcome.latency):
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(outcome.status)
		_, _ = fmt.Fprintf(w, `{"status":%q,"queue":%d}`, http.StatusText(outcome.status), outcome.queue)
	})
}

// serveMail greets as a mail server does.
func (t *Targets) serveMail(ctx context.Context) error {
	l, err := t.listen(ctx, &t.Mail)
	if err != nil {
		return err
	}
	t.servers = append(t.servers, l)
	t.listeners.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(time.Second))
			_, _ = io.WriteString(c, "220 mail.example ready\r\n")
			_ = c.Close()
		}
	})
	return nil
}

// expiring makes a certificate that signs itself and is soon over.
func expiring(now time.Time) (*tls.Config, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.Unix()), Subject: pkix.Name{CommonName: "vedette demo"}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.AddDate(0, 0, certificateDays), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, "", fmt.Errorf("make a certificate: %w", err)
	}
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, ca, nil
}
