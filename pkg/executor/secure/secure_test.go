package secure_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/secure"
	"github.com/vedette/vedette/pkg/monitor"
)

// pair is a certificate and its key in PEM.
func pair(t *testing.T) (certificate, key string) {
	t.Helper()
	made, certificate := executortest.Certificate(t)
	raw, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	require.NoError(t, err)
	return certificate, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

func knowing(key string) executor.Tools {
	return executor.Tools{Secret: func(text string) (string, error) { return strings.ReplaceAll(text, "secret://key", key), nil }}
}

func TestWhatIsWrong(t *testing.T) {
	certificate, _ := pair(t)
	for field, o := range map[string]secure.Options{
		"tls.server_name": {ServerName: "example.org:443"},
		"tls.ca":          {CA: "secret://ca"},
		"tls.max_version": {MinVersion: "1.3", MaxVersion: "1.2"},
		"tls.key":         {Certificate: certificate},
		"tls.certificate": {Key: "secret://key"},
	} {
		var problems monitor.Problems
		secure.Prepare(&problems, "tls", o)
		require.Len(t, problems, 1, field)
		require.Equal(t, field, problems[0].Field)
		require.Contains(t, problems[0].Message, ": ")
	}
	var problems monitor.Problems
	secure.Prepare(&problems, "tls", secure.Options{Certificate: certificate, Key: "-----BEGIN PRIVATE KEY-----"})
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].Message, "kept for ever")
	require.NotContains(t, problems[0].Message, "BEGIN")
	problems = nil
	secure.Prepare(&problems, "tls", secure.Options{Certificate: "no certificate", Key: "secret://key"})
	require.Len(t, problems, 1)
	require.Equal(t, "tls.certificate", problems[0].Field)
}

func TestConfig(t *testing.T) {
	certificate, key := pair(t)
	var problems monitor.Problems
	client := secure.Prepare(&problems, "tls", secure.Options{CA: certificate, Certificate: certificate, Key: "secret://key", MinVersion: "1.3"})
	require.Empty(t, problems)
	config, err := client.Config(knowing(key), "example.org")
	require.NoError(t, err)
	require.Equal(t, "example.org", config.ServerName)
	shown, err := config.GetClientCertificate(nil)
	require.NoError(t, err)
	require.Len(t, shown.Certificate, 1)
	again, err := client.Config(knowing(key), "example.org")
	require.NoError(t, err)
	same, err := again.GetClientCertificate(nil)
	require.NoError(t, err)
	require.Same(t, shown, same, "it is read once")
	stranger := client.Stranger("example.com")
	require.Nil(t, stranger.GetClientCertificate)
	require.Equal(t, "example.com", stranger.ServerName)
	require.NotNil(t, stranger.RootCAs)
	require.EqualValues(t, tls.VersionTLS13, config.MinVersion)
	require.NotNil(t, config.RootCAs)
	require.False(t, config.InsecureSkipVerify)

	_, err = client.Config(knowing("no key"), "example.org")
	require.ErrorIs(t, err, executor.ErrSecret)
	require.NotContains(t, err.Error(), "no key")

	named := secure.Prepare(&problems, "tls", secure.Options{ServerName: "other.test", SkipVerify: true})
	config, err = named.Config(knowing(""), "example.org")
	require.NoError(t, err)
	require.Equal(t, "other.test", config.ServerName)
	require.Equal(t, "example.com", named.Stranger("example.com").ServerName)
	require.True(t, config.InsecureSkipVerify)
}

func TestObserve(t *testing.T) {
	values, observed := map[string]any{}, map[string]any{}
	secure.Observe(nil, values, observed)
	require.Equal(t, map[string]any{"tls_version": "", "certificate": map[string]any{}}, values)
	require.Empty(t, observed)
	made, _ := executortest.Certificate(t)
	leaf, err := x509.ParseCertificate(made.Certificate[0])
	require.NoError(t, err)
	secure.Observe(&tls.ConnectionState{Version: tls.VersionTLS13, PeerCertificates: []*x509.Certificate{leaf}}, values, observed)
	require.Equal(t, "TLS 1.3", values["tls_version"])
	require.Equal(t, "CN=test", observed["certificate"].(map[string]any)["subject"])
	require.Equal(t, "ECDSA P-256", values["certificate"].(map[string]any)["key"])
}
