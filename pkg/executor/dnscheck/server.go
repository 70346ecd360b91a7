package dnscheck

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette/vedette/pkg/executor/secure"
	"github.com/vedette/vedette/pkg/monitor"
)

// maxServers bounds how many servers are compared.
const maxServers = 16

// prepareServers reads which servers to ask and how they are verified.
func (p *probe) prepareServers(problems *monitor.Problems) {
	o := &p.options
	const several = "options.servers"
	one := o.Server != "" && !reported(*problems, "options.server")
	many := len(o.Servers) > 0 && !reported(*problems, several)
	switch {
	case one && many:
		problems.Add(several, "stands beside server: use one of the two")
	case one:
		p.servers = []string{p.prepareServer(problems, "options.server", o.Server)}
	case many && len(o.Servers) > maxServers:
		problems.Add(several, "has %d servers: use at most %d", len(o.Servers), maxServers)
	case many:
		for i, text := range o.Servers {
			field := fmt.Sprintf("%s[%d]", several, i)
			server := p.prepareServer(problems, field, text)
			if slices.Contains(p.servers, server) && server != "" {
				problems.Add(field, "is there twice: leave it out")
			}
			p.servers = append(p.servers, server)
		}
		if o.SerialConsistency {
			problems.Add("options.serial_consistency", "is for one server: use options.server, as the name servers of the zone are compared anyway")
		}
	}
	if overTLS := o.Transport == byDoT || o.Transport == byDoH; overTLS && o.Server == "" && len(o.Servers) == 0 {
		problems.Add("options.transport", "%s needs a server that is known to speak it: set options.server", o.Transport)
	}
	p.secure = secure.Prepare(problems, "options.tls", o.TLS)
	o.TLS.CA, o.TLS.Certificate = "", "" // the client holds them
}

func (p *probe) prepareServer(problems *monitor.Problems, field, text string) string {
	server, problem := serverOf(text, p.options.Transport)
	if problem != "" {
		problems.Add(field, "%s", problem)
	}
	return server
}

// serverOf completes a server with the usual port of a transport. One that refers to secrets is
// judged once they are put in.
func serverOf(text, transport string) (server, problem string) {
	if strings.Contains(text, "secret://") {
		return text, ""
	}
	if transport == byDoH {
		return urlOf(text)
	}
	const cure = "use host:port, such as 192.0.2.53:53 or [2001:db8::53]:53"
	usual := "53"
	if transport == byDoT {
		usual = "853"
	}
	if strings.HasPrefix(text, "https://") {
		return "", fmt.Sprintf("%q is a URL: set options.transport to doh, or %s", clip(text), cure)
	}
	if address, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return net.JoinHostPort(address.String(), usual), ""
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = text, usual
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Sprintf("%q has a port that is none: %s", clip(text), cure)
	}
	if _, err := netip.ParseAddr(host); err != nil && (host == "" || strings.ContainsAny(host, " /:@?#\t\n")) {
		return "", fmt.Sprintf("%q is no server: %s", clip(text), cure)
	}
	return net.JoinHostPort(host, port), ""
}

// urlOf completes the URL of a server by HTTPS with the usual path (RFC 8484).
func urlOf(text string) (server, problem string) {
	const cure = "use one such as https://dns.example.org/dns-query"
	if !strings.Contains(text, "://") {
		text = "https://" + text + "/dns-query"
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return "", fmt.Sprintf("%q is no URL of a server by HTTPS: %s", clip(text), cure)
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", fmt.Sprintf("%q has a port that is none: %s", clip(text), cure)
		}
	}
	return u.String(), ""
}
