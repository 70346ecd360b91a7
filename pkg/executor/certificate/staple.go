package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"

	"golang.org/x/crypto/ocsp"
)

// Staple is the OCSP answer (RFC 6960) that a server sent along with its certificate, as assertions
// see it: status is good, revoked or unknown, or invalid with a problem that says why; empty when
// there was none. With it come produced_at, this_update, and next_update and expires_in where the
// answer has an end.
func Staple(state tls.ConnectionState, now time.Time) map[string]any {
	if len(state.OCSPResponse) == 0 || len(state.PeerCertificates) == 0 {
		return map[string]any{}
	}
	invalid := func(problem string) map[string]any { return map[string]any{"status": "invalid", "problem": problem} }
	issuer := issuerOf(state)
	if issuer == nil {
		return invalid("the certificate of the issuer, which signs it, is not there")
	}
	answer, err := ocsp.ParseResponseForCert(state.OCSPResponse, state.PeerCertificates[0], issuer)
	var refused ocsp.ResponseError
	switch {
	case errors.As(err, &refused):
		return invalid("the authority answered: " + refused.Status.String())
	case err != nil:
		return invalid("it is malformed, of another certificate, or not signed by the issuer")
	}
	staple := map[string]any{"status": statusOf(answer.Status), "produced_at": answer.ProducedAt, "this_update": answer.ThisUpdate}
	if answer.Status == ocsp.Revoked {
		staple["revoked_at"] = answer.RevokedAt
	}
	if !answer.NextUpdate.IsZero() {
		staple["next_update"], staple["expires_in"] = answer.NextUpdate, answer.NextUpdate.Sub(now)
		if now.After(answer.NextUpdate) {
			staple["status"], staple["problem"] = "invalid", "it is out of date"
		}
	}
	return staple
}

// issuerOf is the certificate that signed the server's own: as verified, else as sent.
func issuerOf(state tls.ConnectionState) *x509.Certificate {
	leaf := state.PeerCertificates[0]
	for _, chain := range append(state.VerifiedChains, state.PeerCertificates) {
		switch {
		case len(chain) > 1 && leaf.CheckSignatureFrom(chain[1]) == nil:
			return chain[1]
		case len(chain) == 1 && leaf.CheckSignatureFrom(leaf) == nil:
			return leaf
		}
	}
	return nil
}

func statusOf(code int) string {
	switch code {
	case ocsp.Good:
		return "good"
	case ocsp.Revoked:
		return "revoked"
	default:
		return "unknown"
	}
}
