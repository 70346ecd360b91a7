// Package secure secures connections by TLS: the options that kinds share, the configuration made of
// them, and what is told of a certificate.
package secure

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/certificate"
	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/monitor"
)

// Options say how a server is verified, and who the client is.
type Options struct {
	SkipVerify  bool   `json:"skip_verify" default:"false" help:"Take any certificate. The connection may then be anyone's."`
	ServerName  string `json:"server_name" example:"example.org" help:"Name to ask for and to verify, instead of the target's host."`
	CA          string `json:"ca" title:"CA certificates" lines:"true" help:"Certificates to trust instead of the system's, PEM."`
	Certificate string `json:"certificate" title:"Client certificate" lines:"true" help:"Certificate to show to the server, and those between it and the server's authority, PEM."`
	Key         string `json:"key" title:"Client key" help:"Key of that certificate, PEM, as a reference to a secret: secret://client-key."`
	MinVersion  string `json:"min_version" default:"1.2" enum:"1.0,1.1,1.2,1.3" help:"Least version of TLS to offer."`
	MaxVersion  string `json:"max_version" default:"1.3" enum:"1.0,1.1,1.2,1.3" help:"Greatest version of TLS to offer."`
}

// Client is prepared to secure connections. It is safe for concurrent use.
type Client struct {
	config           *tls.Config
	certificate, key string
	pair             keyPair
}

// Prepare makes a client of decoded options, and adds what is wrong with them, as fields under path:
// "options.tls".
func Prepare(problems *monitor.Problems, path string, o Options) *Client {
	config := &tls.Config{
		ServerName: o.ServerName, MinVersion: versionOf(o.MinVersion), MaxVersion: versionOf(o.MaxVersion),
		InsecureSkipVerify: o.SkipVerify, //nolint:gosec // asked for by the definition
	}
	if o.ServerName != "" && endpoint.Problem(o.ServerName+":1") != "" {
		problems.Add(path+".server_name", "is no name of a host: use one such as example.org, without a port")
	}
	if least, most := config.MinVersion, config.MaxVersion; least > most && most != 0 {
		problems.Add(path+".max_version", "%s is less than min_version, which is %s: use a greater one, or set both", o.MaxVersion, o.MinVersion)
	}
	if o.CA != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(o.CA)) {
			problems.Add(path+".ca", "holds no certificate: give one or more in PEM, beginning with -----BEGIN CERTIFICATE-----")
		}
	}
	Secret(problems, path+".key", o.Key)
	switch {
	case o.Certificate != "" && o.Key == "":
		problems.Add(path+".key", "is missing for the certificate: give a reference to a secret that holds it, such as secret://client-key")
	case o.Key != "" && o.Certificate == "":
		problems.Add(path+".certificate", "is missing for the key: give it in PEM, beginning with -----BEGIN CERTIFICATE-----")
	case o.Certificate != "" && !strings.Contains(o.Certificate, "secret://") && !x509.NewCertPool().AppendCertsFromPEM([]byte(o.Certificate)):
		problems.Add(path+".certificate", "holds no certificate: give it in PEM, beginning with -----BEGIN CERTIFICATE-----")
	}
	return &Client{config: config, certificate: o.Certificate, key: o.Key}
}

// Secret adds a problem when a text that must stay secret stands in the definition itself, which is
// kept for ever.
func Secret(problems *monitor.Problems, field, text string) {
	if text != "" && !strings.Contains(text, "secret://") {
		problems.Add(field, "would be kept for ever with the definition: use a reference to a secret, such as secret://name")
	}
}

// Config is the configuration for a connection to a host, with the client's certificate. Its error
// wraps executor.ErrSecret.
func (c *Client) Config(tools executor.Tools, host string) (*tls.Config, error) {
	config := c.config.Clone()
	if config.ServerName == "" {
		config.ServerName = host
	}
	if c.certificate == "" {
		return config, nil
	}
	certificate, err := tools.Secret(c.certificate)
	if err != nil {
		return nil, err
	}
	key, err := tools.Secret(c.key)
	if err != nil {
		return nil, err
	}
	pair, ok := c.pair.load(certificate, key)
	if !ok {
		return nil, fmt.Errorf("%w: with its secrets put in, certificate and key of tls are no pair in PEM", executor.ErrSecret)
	}
	// Shown whatever authorities the server names, so that it is the server that says what is wrong.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }
	return config, nil
}

// Stranger is the configuration for a connection to another host than the options are for, to which
// it is led: it neither asks for their server name nor shows the client's certificate.
func (c *Client) Stranger(host string) *tls.Config {
	config := c.config.Clone()
	config.ServerName = host
	return config
}

// Problems says all that is wrong with a chain that a host sent, as far as these options trust it. A
// host that they name otherwise goes by that name.
func (c *Client) Problems(chain []*x509.Certificate, host string, now time.Time) []error {
	if c.config.ServerName != "" {
		host = c.config.ServerName
	}
	return certificate.Problems(chain, c.config.RootCAs, host, now)
}

// versionOf is 0, which crypto/tls takes for its own choice, where the text is none that was decoded.
func versionOf(text string) uint16 {
	switch text {
	case "1.0":
		return tls.VersionTLS10
	case "1.1":
		return tls.VersionTLS11
	case "1.2":
		return tls.VersionTLS12
	case "1.3":
		return tls.VersionTLS13
	}
	return 0
}
