package tlscheck

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/executor/route"
	"github.com/vedette/vedette/pkg/monitor"
)

// none is the value of starttls for a server that speaks TLS from the beginning.
const none = "none"

// Options of a tls check.
type Options struct {
	StartTLS   string   `json:"starttls" default:"none" enum:"none,smtp,imap,pop3,ftp,postgres,ldap" help:"Protocol by which to ask for TLS first."`
	ServerName string   `json:"server_name" example:"example.org" help:"Name to ask for and to verify, instead of the target's host."`
	SkipVerify bool     `json:"skip_verify" default:"false" help:"Take any certificate; the variable problems says what is wrong with it."`
	CA         string   `json:"ca" help:"Certificates to trust instead of the system's, PEM."`
	MinVersion string   `json:"min_version" default:"1.2" enum:"1.0,1.1,1.2,1.3" help:"Least version of TLS to offer."`
	MaxVersion string   `json:"max_version" default:"1.3" enum:"1.0,1.1,1.2,1.3" help:"Greatest version of TLS to offer. With invert, a check that old versions are refused."`
	ALPN       []string `json:"alpn" example:"[\"h2\", \"http/1.1\"]" help:"Protocols to offer for after the handshake."`

	route.Options
	route.ProxyOptions
}

// probe is a prepared check.
type probe struct {
	options Options
	target  endpoint.Target
	config  *tls.Config
}

func prepare(d monitor.Definition) (*probe, monitor.Problems) {
	var o Options
	problems := option.Decode(d.Options, &o)
	target := endpoint.NewTarget(&problems, "tcp", d.Target, o.Options, o.ProxyOptions)
	if o.ServerName != "" && endpoint.Problem(o.ServerName+":1") != "" {
		problems.Add("options.server_name", "is no name of a host: use one such as example.org, without a port")
	}
	if o.MinVersion > o.MaxVersion && versionOf(o.MinVersion) != 0 && versionOf(o.MaxVersion) != 0 {
		problems.Add("options.max_version", "%s is less than min_version, which is %s: use a greater one, or set both", o.MaxVersion, o.MinVersion)
	}
	const alpn = "options.alpn"
	if !slices.ContainsFunc(problems, func(p monitor.Problem) bool { return p.Field == alpn }) {
		checkProtocols(&problems, alpn, o.ALPN)
	}
	config := &tls.Config{
		ServerName: o.ServerName, MinVersion: versionOf(o.MinVersion), MaxVersion: versionOf(o.MaxVersion), NextProtos: o.ALPN,
		InsecureSkipVerify: true, //nolint:gosec // verified after the handshake, to know all that is wrong
	}
	if o.CA != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(o.CA)) {
			problems.Add("options.ca", "holds no certificate: give one or more in PEM, beginning with -----BEGIN CERTIFICATE-----")
		}
		o.CA = "" // the pool holds it
	}
	return &probe{options: o, target: target, config: config}, problems
}

func checkProtocols(problems *monitor.Problems, field string, protocols []string) {
	const most, longest = 20, 255
	if len(protocols) > most {
		problems.Add(field, "has %d protocols: use at most %d", len(protocols), most)
		return
	}
	for i, protocol := range protocols {
		if protocol == "" || len(protocol) > longest || strings.Contains(protocol, "secret://") {
			problems.Add(fmt.Sprintf("%s[%d]", field, i), "is no name of a protocol: use one such as h2")
		}
	}
}

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
