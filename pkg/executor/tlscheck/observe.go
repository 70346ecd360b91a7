package tlscheck

import (
	"crypto/tls"
	"errors"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/certificate"
	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/monitor"
)

var errRevoked = errors.New("certificate: revoked, says the OCSP answer that the server sent along")

func (p *probe) observe(conn *endpoint.Conn, state tls.ConnectionState, name string, timings *monitor.Timings, latency time.Duration) executor.Observation {
	now := time.Now()
	wrong := certificate.Problems(state.PeerCertificates, p.config.RootCAs, name, now)
	ocsp := certificate.Staple(state, now)
	if ocsp["status"] == "revoked" {
		wrong = append(wrong, errRevoked)
	}
	texts := certificate.Texts(wrong)
	chain := make([]map[string]any, len(state.PeerCertificates))
	for i, sent := range state.PeerCertificates {
		chain[i] = certificate.Describe(sent, now)
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
		Values: assertion.Known(map[string]any{
			"version": version, "cipher": cipher, "key_exchange": group, "alpn": state.NegotiatedProtocol, "stapled": len(state.OCSPResponse) > 0, "ocsp": ocsp,
			"certificate": own, "chain": chain, "problems": texts, "ip": conn.IP(),
			"latency": latency, "latency_ms": endpoint.Milliseconds(latency), "timings": endpoint.TimingsMap(timings),
		}),
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
