package route

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/executor"
)

// proxy is one as the definition names it, its secrets not put in.
type proxy struct {
	scheme, address string
	// user and password may name secrets; given says whether there are any.
	user, password string
	given          bool
	// authorities are whom one by TLS is verified by; nil for the system's.
	authorities *x509.CertPool
}

const (
	socks5, connect, connectTLS = "socks5", "http", "https"

	proxyCure = "use socks5://host:port, http://host:port or https://host:port, with user:secret://name@ before the host where it wants them"
	// maxCredential bounds user and password each, in bytes (RFC 1929).
	maxCredential = 255
)

// parseProxy reads a proxy, or says what is wrong with it without quoting what may be a password.
// It is no URL in the strict sense: the credentials may hold the // of a reference to a secret.
func parseProxy(text string) (*proxy, string) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || (scheme != socks5 && scheme != connect && scheme != connectTLS) {
		return nil, "does not begin with socks5://, http:// or https://: " + proxyCure
	}
	p := &proxy{scheme: scheme, address: strings.TrimSuffix(rest, "/")}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		p.given, p.address = true, strings.TrimSuffix(rest[at+1:], "/")
		user, password, _ := strings.Cut(rest[:at], ":")
		if user == "secret" && strings.HasPrefix(password, "//") { // the user is one
			name, after, _ := strings.Cut(password, ":")
			user, password = user+":"+name, after
		}
		if password != "" && !strings.Contains(password, "secret://") {
			return nil, "holds a password in the clear: use a reference to a secret in its place, as in user:secret://name@"
		}
		var err, more error
		p.user, err = url.PathUnescape(user)
		p.password, more = url.PathUnescape(password)
		if errors.Join(err, more) != nil || p.user == "" || len(p.user) > maxCredential || len(p.password) > maxCredential {
			return nil, "has credentials that are none: " + proxyCure
		}
	}
	if !plainAddress(p.address) {
		return nil, "names no host:port: " + proxyCure
	}
	return p, ""
}

// credentials are user and password with their secrets put in.
func (p *proxy) credentials(tools executor.Tools) (user, password string, err error) {
	user, err = tools.Secret(p.user)
	if err != nil {
		return "", "", err
	}
	password, err = tools.Secret(p.password)
	if err != nil {
		return "", "", err
	}
	if len(user) > maxCredential || len(password) > maxCredential {
		return "", "", fmt.Errorf("%w: with its secrets put in, user or password of the proxy is longer than %d bytes", executor.ErrSecret, maxCredential)
	}
	return user, password, nil
}

// Proxy is the proxy as net/http takes it, its secrets put in; nil without one. What connects to it
// itself must do so by DialProxy, which is where its TLS is: to net/http it is one by http.
func (r Route) Proxy(tools executor.Tools) (*url.URL, error) {
	if r.proxy == nil {
		return nil, nil //nolint:nilnil // as http.Transport.Proxy has it
	}
	u := &url.URL{Scheme: r.proxy.scheme, Host: r.proxy.address}
	if r.proxy.scheme == connectTLS {
		u.Scheme = connect
	}
	if r.proxy.given {
		user, password, err := r.proxy.credentials(tools)
		if err != nil {
			return nil, err
		}
		u.User = url.UserPassword(user, password)
	}
	return u, nil
}

// toProxy is the way to the proxy itself: from the same source address, but looked up at the
// system's resolver and by any version of IP, as those options are about the target.
func (r Route) toProxy() Route { return Route{source: r.source} }

// dialThrough connects through the proxy. A name is left to the proxy to look up, as it may know
// others than this machine, unless options say how; then, and where the target is an address, the
// policy applies to that as well.
func (r Route) dialThrough(ctx context.Context, tools executor.Tools, address string) (net.Conn, error) {
	host, port, err := split(address)
	if err != nil {
		return nil, err
	}
	_, literal := netip.ParseAddr(host)
	if literal == nil || r.resolver != "" || r.version == only4 || r.version == only6 || r.version == prefer4 || r.version == prefer6 {
		found, err := Route{version: r.version, resolver: r.resolver}.Resolve(ctx, tools, host)
		if err != nil {
			return nil, err
		}
		host = found[0].String()
	}
	user, password, err := r.proxy.credentials(tools)
	if err != nil {
		return nil, err
	}
	conn, err := r.DialProxy(ctx, tools)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	asked := request{conn: conn, proxy: r.proxy, host: host, port: port, user: user, password: password}
	through, err := asked.made()
	if err != nil {
		_ = conn.Close()
		if ctx.Err() != nil {
			err = errors.Join(ctx.Err(), err)
		}
		return nil, err
	}
	tools.Wire.Note("connect", net.JoinHostPort(host, strconv.Itoa(int(port)))+" through the proxy")
	return through, nil
}

// DialProxy connects to the proxy itself, by TLS where it wants that. That it cannot be reached says
// nothing about the target.
func (r Route) DialProxy(ctx context.Context, tools executor.Tools) (net.Conn, error) {
	conn, err := r.toProxy().dial(ctx, tools, "tcp", r.proxy.address)
	if err != nil {
		return nil, r.proxy.unreachable(err, "while connecting to ")
	}
	if r.proxy.scheme != connectTLS {
		return conn, nil
	}
	host, _, _ := net.SplitHostPort(r.proxy.address) // looked at already
	secured := tls.Client(conn, &tls.Config{ServerName: host, RootCAs: r.proxy.authorities, MinVersion: tls.VersionTLS12})
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, r.proxy.unreachable(err, "during the TLS handshake with ")
	}
	return secured, nil
}

// unreachable says that the proxy is the trouble, which says nothing about the target.
func (p *proxy) unreachable(err error, during string) error {
	if errors.Is(err, executor.ErrForbidden) || errors.Is(err, executor.ErrSetup) {
		return err
	}
	return fmt.Errorf("%w: the proxy cannot be reached: %s", executor.ErrSetup, executor.Explain(err, during+p.address).Error())
}

// request is one to a proxy for a connection.
type request struct {
	conn           net.Conn
	proxy          *proxy
	host           string
	port           uint16
	user, password string
}

func (r request) made() (net.Conn, error) {
	if r.proxy.scheme == socks5 {
		return r.bySocks()
	}
	return r.byConnect()
}

// failed: the proxy did not reach the target.
func (r request) failed(text string) error {
	return fmt.Errorf("%s, says the proxy %s", text, r.proxy.address)
}

// refused: the proxy does not want to, which is no matter of the target.
func (r request) refused(text string) error {
	return fmt.Errorf("%w: the proxy %s %s", executor.ErrSetup, r.proxy.address, text)
}

func (r request) broken(err error) error {
	return executor.Explain(err, "while waiting for the proxy "+r.proxy.address)
}
