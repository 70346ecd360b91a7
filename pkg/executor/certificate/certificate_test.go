package certificate_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"

	"github.com/vedette/vedette/pkg/executor/certificate"
	"github.com/vedette/vedette/pkg/executor/executortest"
)

// selfSigned returns a certificate that is its own authority, and its key.
func selfSigned(t *testing.T, change ...func(*x509.Certificate)) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	pair, _ := executortest.Certificate(t, change...)
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	require.NoError(t, err)
	key, ok := pair.PrivateKey.(crypto.Signer)
	require.True(t, ok)
	return leaf, key
}

func TestDescribe(t *testing.T) {
	leaf, _ := selfSigned(t)
	seen := certificate.Describe(leaf, leaf.NotAfter.Add(-time.Hour))
	require.Equal(t, time.Hour, seen["expires_in"])
	require.Equal(t, []string{"localhost", "example.org", "127.0.0.1", "::1"}, seen["names"])
	require.Equal(t, "ECDSA P-256", seen["key"])
	require.Equal(t, "CN=test", seen["issuer"])
	require.Len(t, seen["sha256"], 64)
}

func TestProblems(t *testing.T) {
	leaf, _ := selfSigned(t)
	trusting := x509.NewCertPool()
	trusting.AddCert(leaf)
	chain := []*x509.Certificate{leaf}
	require.Empty(t, certificate.Problems(chain, trusting, "example.org", time.Now()))
	texts := certificate.Texts(certificate.Problems(chain, x509.NewCertPool(), "example.com", leaf.NotAfter.Add(time.Hour)))
	require.Len(t, texts, 3)
	require.Contains(t, texts[0], "expired")
	require.Contains(t, texts[1], "not trusted")
	require.Contains(t, texts[2], "not example.com")
	require.ErrorContains(t, certificate.Problems(nil, nil, "x", time.Now())[0], "sent none")
}

func TestStaple(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	leaf, key := selfSigned(t)
	other, otherKey := selfSigned(t, func(c *x509.Certificate) { c.Subject.CommonName = "other" })
	answer := func(template ocsp.Response, issuer *x509.Certificate, key crypto.Signer) []byte {
		if template.SerialNumber == nil {
			template.SerialNumber = leaf.SerialNumber
		}
		template.ThisUpdate = now.Add(-2 * time.Hour)
		raw, err := ocsp.CreateResponse(issuer, issuer, template, key)
		require.NoError(t, err)
		return raw
	}
	for name, c := range map[string]struct {
		raw             []byte
		status, problem any
	}{
		"none":          {nil, nil, nil},
		"good":          {answer(ocsp.Response{NextUpdate: now.Add(time.Hour)}, leaf, key), "good", nil},
		"without end":   {answer(ocsp.Response{}, leaf, key), "good", nil},
		"revoked":       {answer(ocsp.Response{Status: ocsp.Revoked, RevokedAt: now, NextUpdate: now.Add(time.Hour)}, leaf, key), "revoked", nil},
		"unknown":       {answer(ocsp.Response{Status: ocsp.Unknown, NextUpdate: now.Add(time.Hour)}, leaf, key), "unknown", nil},
		"out of date":   {answer(ocsp.Response{NextUpdate: now.Add(-time.Hour)}, leaf, key), "invalid", "it is out of date"},
		"of another":    {answer(ocsp.Response{SerialNumber: big.NewInt(8)}, leaf, key), "invalid", "it is malformed, of another certificate, or not signed by the issuer"},
		"by another":    {answer(ocsp.Response{}, other, otherKey), "invalid", "it is malformed, of another certificate, or not signed by the issuer"},
		"garbage":       {[]byte("garbage"), "invalid", "it is malformed, of another certificate, or not signed by the issuer"},
		"try it later":  {ocsp.TryLaterErrorResponse, "invalid", "the authority answered: try later"},
		"not permitted": {ocsp.UnauthorizedErrorResponse, "invalid", "the authority answered: unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			staple := certificate.Staple(tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, OCSPResponse: c.raw}, now)
			require.Equal(t, c.status, staple["status"])
			require.Equal(t, c.problem, staple["problem"])
		})
	}
	good := answer(ocsp.Response{NextUpdate: now.Add(time.Hour)}, leaf, key)
	require.Equal(t, time.Hour, certificate.Staple(tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, OCSPResponse: good}, now)["expires_in"])
}

// TestStapleWithoutTheIssuer: nobody can tell who signed it.
func TestStapleWithoutTheIssuer(t *testing.T) {
	authority, authorityKey := selfSigned(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	raw, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(9), NotAfter: time.Now().Add(time.Hour)}, authority, key.Public(), authorityKey)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(raw)
	require.NoError(t, err)
	answer, err := ocsp.CreateResponse(authority, authority, ocsp.Response{SerialNumber: leaf.SerialNumber, ThisUpdate: time.Now()}, authorityKey)
	require.NoError(t, err)
	state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, OCSPResponse: answer}
	require.Equal(t, "the certificate of the issuer, which signs it, is not there", certificate.Staple(state, time.Now())["problem"])
	state.VerifiedChains = [][]*x509.Certificate{{leaf, authority}}
	require.Equal(t, "good", certificate.Staple(state, time.Now())["status"])
}

func FuzzStaple(f *testing.F) {
	pair, _ := executortest.Certificate(f)
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	require.NoError(f, err)
	key, ok := pair.PrivateKey.(crypto.Signer)
	require.True(f, ok)
	good, err := ocsp.CreateResponse(leaf, leaf, ocsp.Response{SerialNumber: leaf.SerialNumber, ThisUpdate: time.Now()}, key)
	require.NoError(f, err)
	f.Add(good)
	f.Add(ocsp.TryLaterErrorResponse)
	f.Fuzz(func(t *testing.T, raw []byte) {
		staple := certificate.Staple(tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, OCSPResponse: raw}, time.Now())
		if len(raw) > 0 {
			require.Contains(t, []any{"good", "revoked", "unknown", "invalid"}, staple["status"])
		}
	})
}
