package tlscheck

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/monitor"
)

func (p *probe) observe(conn *endpoint.Conn, state tls.ConnectionState, name string, timings *monitor.Timings, latency time.Duration) executor.Observation {
	now := time.Now()
	wrong := problemsOf(state.PeerCertificates, p.config.RootCAs, name, now)
	texts := make([]string, len(wrong))
	for i, err := range wrong {
		texts[i] = strings.ToValidUTF8(err.Error(), "�")
	}
	chain := make([]map[string]any, len(state.PeerCertificates))
	for i, certificate := range state.PeerCertificates {
		chain[i] = describe(certificate, now)
	}
	own := map[string]any{}
	if len(chain) > 0 {
		own = chain[0]
	}
	version, cipher := tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)
	group := ""
	if state.CurveID != 0 {
		group = state.CurveID.String()
	}
	seen := executor.Observation{
		Values: map[string]any{
			"version": version, "cipher": cipher, "key_exchange": group, "alpn": state.NegotiatedProtocol, "stapled": len(state.OCSPResponse) > 0,
			"certificate": own, "chain": chain, "problems": texts, "ip": conn.IP(),
			"latency": latency, "latency_ms": endpoint.Milliseconds(latency), "timings": endpoint.TimingsMap(timings),
		},
		Observed: map[string]any{"version": version, "cipher": cipher, "key_exchange": group, "alpn": state.NegotiatedProtocol, "ip": conn.IP()},
		Timings:  timings, Latency: latency,
	}
	if len(chain) > 0 {
		seen.Observed["certificate"] = map[string]any{
			"subject": own["subject"], "issuer": own["issuer"], "not_after": state.PeerCertificates[0].NotAfter.UTC().Format(time.RFC3339),
		}
	}
	if len(wrong) > 0 {
		seen.Observed["problems"] = texts
		if !p.options.SkipVerify {
			seen.Err = wrong[0]
		}
	}
	return seen
}

// problemsOf says all that is wrong with a chain, in plain words: what a client would refuse it for
// is first.
func problemsOf(chain []*x509.Certificate, roots *x509.CertPool, name string, now time.Time) (wrong []error) {
	if len(chain) == 0 {
		return []error{errors.New("certificate: the server sent none")}
	}
	leaf := chain[0]
	add := func(err error) {
		err = executor.Explain(err, "while verifying")
		if !slices.ContainsFunc(wrong, func(other error) bool { return other.Error() == err.Error() }) {
			wrong = append(wrong, err)
		}
	}
	between := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		between.AddCert(certificate)
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now}
	_, err := leaf.Verify(options)
	if err != nil {
		add(err)
	}
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		// The time hides whether the chain is trusted otherwise.
		options.CurrentTime = leaf.NotAfter
		if _, err := leaf.Verify(options); err != nil {
			add(err)
		}
	}
	if err := leaf.VerifyHostname(name); err != nil {
		add(err)
	}
	return wrong
}

func describe(c *x509.Certificate, now time.Time) map[string]any {
	names := make([]string, 0, len(c.DNSNames)+len(c.IPAddresses))
	for _, name := range c.DNSNames {
		names = append(names, strings.ToValidUTF8(name, "�"))
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	print256 := sha256.Sum256(c.Raw)
	return map[string]any{
		"subject": strings.ToValidUTF8(c.Subject.String(), "�"), "issuer": strings.ToValidUTF8(c.Issuer.String(), "�"), "names": names,
		"serial": c.SerialNumber.Text(16), "key": keyOf(c), "signature": c.SignatureAlgorithm.String(), "sha256": hex.EncodeToString(print256[:]),
		"not_before": c.NotBefore, "not_after": c.NotAfter, "expires_in": c.NotAfter.Sub(now),
	}
}

func keyOf(c *x509.Certificate) string {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return c.PublicKeyAlgorithm.String()
}
