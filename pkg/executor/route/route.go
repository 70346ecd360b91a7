// Package route is how an attempt gets to its target: by which version of IP, from which address of
// this machine, looked up at which resolver, through which proxy. A kind embeds [Options], and
// [ProxyOptions] where a proxy can make its connections, in the struct of its own options, prepares
// a [Route] with [New], and has it dial ([Route.Dial], [Route.Dialer] for net/http) or, where it
// opens no connection, only look up ([Route.Resolve]). The runner's network policy is applied to
// every address that is tried, those of the resolver and of the proxy too.
package route

import (
	"crypto/x509"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/vedette/vedette/pkg/monitor"
)

// Options are the network options that all kinds share.
type Options struct {
	IPVersion     string `json:"ip_version" group:"Network" default:"any" enum:"any,4,6,prefer4,prefer6" help:"Version of IP to go by: any, only 4 or 6, or one of them before the other."`
	SourceAddress string `json:"source_address" group:"Network" example:"192.0.2.7" help:"Address of the runner's machine to go from, instead of the one that its system chooses."`
	Resolver      string `json:"resolver" group:"Network" example:"192.0.2.53" help:"DNS server to look the target up at, instead of the system's; with :port unless that is 53."`
}

// ProxyOptions is the option of the kinds whose connections a proxy can make.
type ProxyOptions struct {
	Proxy   string `json:"proxy" group:"Network" example:"socks5://user:secret://proxy-password@proxy.example.org:1080" help:"Proxy to connect through: socks5://host:port, or http://host:port for CONNECT, https://host:port for that by TLS, with user:secret://name@ before the host where it wants them."`
	ProxyCA string `json:"proxy_ca" title:"Proxy CA" group:"Network" lines:"true" help:"Certificates of authorities that an https proxy is verified by, PEM, instead of the system's."`
}

// The values of Options.IPVersion.
const (
	anyVersion, only4, only6, prefer4, prefer6 = "any", "4", "6", "prefer4", "prefer6"
)

// Route is a prepared way to targets. The zero one is the system's own.
type Route struct {
	version string
	source  netip.Addr
	// resolver is host:port, empty for the system's.
	resolver string
	proxy    *proxy
}

// New prepares a route by options that have been decoded, and reports what is wrong with them.
func New(o Options, p ProxyOptions) (Route, monitor.Problems) {
	var problems monitor.Problems
	r := Route{version: o.IPVersion}
	if o.SourceAddress != "" {
		source, err := netip.ParseAddr(o.SourceAddress)
		r.source = source.Unmap()
		switch {
		case err != nil || source.Zone() != "" || source.IsUnspecified() || source.IsMulticast():
			problems.Add("options.source_address", "is no address to go from: use one of the runner's machine, such as 192.0.2.7 or 2001:db8::7")
		case (r.version == only4 && !r.source.Is4()) || (r.version == only6 && r.source.Is4()):
			problems.Add("options.source_address", "is not of IP version %s, which ip_version asks for: use one that is, or leave one of the two out", r.version)
		}
	}
	if o.Resolver != "" {
		resolver, ok := serverOf(o.Resolver)
		if !ok {
			problems.Add("options.resolver", "is no DNS server: use its address or name, with :port unless that is 53, such as 192.0.2.53 or [2001:db8::53]:5353")
		}
		r.resolver = resolver
	}
	if p.Proxy != "" {
		parsed, problem := parseProxy(p.Proxy)
		if problem != "" {
			problems.Add("options.proxy", "%s", problem)
		}
		r.proxy = parsed
	}
	if p.ProxyCA != "" {
		authorities := x509.NewCertPool()
		if !authorities.AppendCertsFromPEM([]byte(p.ProxyCA)) {
			problems.Add("options.proxy_ca", "holds no certificate: give one or more in PEM, beginning with -----BEGIN CERTIFICATE-----")
		}
		if r.proxy != nil {
			r.proxy.authorities = authorities
		}
	}
	return r, problems
}

// serverOf completes the address of a DNS server with its port.
func serverOf(text string) (address string, ok bool) {
	const port = "53"
	if ip, err := netip.ParseAddr(text); err == nil {
		return net.JoinHostPort(text, port), ip.Zone() == ""
	}
	if !strings.Contains(text, ":") {
		text += ":" + port
	}
	return text, plainAddress(text)
}

// plainAddress reports whether a text is host:port, with an address or a plain name as host.
func plainAddress(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return false
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Zone() == ""
	}
	return regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,252}$`).MatchString(host)
}

// Source is the address to go from; the zero one leaves the choice to the system.
func (r Route) Source() netip.Addr { return r.source }

// wants reports whether the options allow addresses of a family at all.
func (r Route) wants(address netip.Addr) bool {
	if (r.version == only4 && !address.Is4()) || (r.version == only6 && address.Is4()) {
		return false
	}
	return !r.source.IsValid() || r.source.Is4() == address.Is4()
}
