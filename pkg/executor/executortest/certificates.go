package executortest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Certificate returns a self-signed certificate for 127.0.0.1, ::1, localhost and example.org, good
// for half an hour, and itself in PEM; change may make it another.
func Certificate(t testing.TB, change ...func(*x509.Certificate)) (certificate tls.Certificate, authority string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(30 * time.Minute),
		DNSNames: []string{"localhost", "example.org"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, edit := range change {
		edit(template)
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
}

// ServeTLS starts a TCP server that talks to each client with before, if it is not nil, and then
// shakes hands by TLS, and returns its address.
func ServeTLS(t testing.TB, config *tls.Config, before func(net.Conn) error) string {
	t.Helper()
	return ServeConns(t, func(c net.Conn) {
		if before != nil && before(c) != nil {
			return
		}
		secure := tls.Server(c, config)
		if secure.HandshakeContext(t.Context()) == nil {
			_, _ = secure.Read(make([]byte, 1)) // until the client goes
		}
	})
}

// TerminateTLS starts a TCP server that passes on what comes by TLS, and returns its address.
func TerminateTLS(t testing.TB, certificate tls.Certificate, to string) string {
	t.Helper()
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	return ServeConns(t, func(c net.Conn) {
		defer func() { _ = c.Close() }()
		secure := tls.Server(c, config)
		there, err := net.Dial("tcp", to)
		if err != nil || secure.HandshakeContext(t.Context()) != nil {
			return
		}
		var both sync.WaitGroup
		both.Go(func() { _, _ = io.Copy(there, secure); _ = there.Close() })
		_, _ = io.Copy(secure, there)
		_ = c.Close()
		both.Wait()
	})
}
