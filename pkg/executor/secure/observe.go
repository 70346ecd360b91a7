package secure

import (
	"crypto/tls"
	"time"

	"github.com/vedette/vedette/pkg/executor/certificate"
)

// Observe adds to values and observed what a handshake agreed on, as tls_version and certificate;
// without one, a nil state, they are empty and nothing is observed.
func Observe(state *tls.ConnectionState, values, observed map[string]any) {
	values["tls_version"], values["certificate"] = "", map[string]any{}
	if state == nil {
		return
	}
	version := tls.VersionName(state.Version)
	values["tls_version"], observed["tls_version"] = version, version
	if len(state.PeerCertificates) == 0 {
		return
	}
	own := certificate.Describe(state.PeerCertificates[0], time.Now())
	values["certificate"] = own
	observed["certificate"] = map[string]any{
		"subject": own["subject"], "issuer": own["issuer"], "not_after": state.PeerCertificates[0].NotAfter.UTC().Format(time.RFC3339),
	}
}
