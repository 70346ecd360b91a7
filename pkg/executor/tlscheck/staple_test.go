package tlscheck_test

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestTheAnswerThatAServerStaples(t *testing.T) {
	certificate, ca := executortest.Certificate(t)
	own, err := x509.ParseCertificate(certificate.Certificate[0])
	require.NoError(t, err)
	key, ok := certificate.PrivateKey.(crypto.Signer)
	require.True(t, ok)
	serve := func(answer ocsp.Response) string {
		answer.SerialNumber, answer.ThisUpdate, answer.NextUpdate = own.SerialNumber, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		raw, err := ocsp.CreateResponse(own, own, answer, key)
		require.NoError(t, err)
		stapled := certificate
		stapled.OCSPStaple = raw
		return executortest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{stapled}}, nil) //nolint:gosec // a server of the test
	}
	good := serve(ocsp.Response{Status: ocsp.Good})
	r := execute(t, good, map[string]any{"ca": ca}, "stapled", `ocsp.status == "good"`, `ocsp.expires_in > duration("30m")`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	revoked := serve(ocsp.Response{Status: ocsp.Revoked, RevokedAt: time.Now().Add(-2 * time.Hour)})
	r = execute(t, revoked, map[string]any{"ca": ca})
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Equal(t, "certificate: revoked, says the OCSP answer that the server sent along", r.Error)
	r = execute(t, revoked, map[string]any{"ca": ca, "skip_verify": true}, `ocsp.status == "revoked"`, `problems.exists(p, p.contains("revoked"))`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	plain := executortest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}}, nil) //nolint:gosec // a server of the test
	r = execute(t, plain, map[string]any{"ca": ca}, "!stapled", "ocsp == {}")
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
}
