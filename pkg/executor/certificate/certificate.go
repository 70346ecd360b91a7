// Package certificate says of the certificates that a server sent what checks want to know: whom they
// are for, what is wrong with them, and what the OCSP answer sent along says.
package certificate

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/executor"
)

// Describe is a certificate as assertions see it: subject, issuer, names, serial, key, signature,
// sha256, not_before, not_after, and expires_in, a duration from now.
func Describe(c *x509.Certificate, now time.Time) map[string]any {
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

// Problems says all that is wrong with a chain, the server's own certificate first, in plain words:
// what a client would refuse it for is first. Of no roots, the system's count.
func Problems(chain []*x509.Certificate, roots *x509.CertPool, name string, now time.Time) (wrong []error) {
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

// Texts are errors as assertions see them.
func Texts(problems []error) []string {
	texts := make([]string, len(problems))
	for i, err := range problems {
		texts[i] = strings.ToValidUTF8(err.Error(), "�")
	}
	return texts
}
