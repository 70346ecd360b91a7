package httpcheck

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/vedette/vedette/pkg/executor"
)

// What a server may send ahead of being read, in bytes, bounds the memory of an attempt by HTTP/2 or 3.
const streamWindow, connWindow = 256 << 10, 384 << 10

// writeBuffer, in bytes, holds most requests; net/http's own is four times that for each connection.
const writeBuffer = 1 << 10

// transport makes connections by HTTP/1.1 or 2, each for one request.
func (p *probe) transport(tools executor.Tools, version string, secure bool, config *tls.Config) (*http.Transport, error) {
	transport := &http.Transport{
		DialContext: politely(p.route.Dialer(tools)), DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeaders, WriteBufferSize: writeBuffer,
		TLSClientConfig: config, Protocols: protocols(version, secure),
	}
	if secure || version == "2" {
		transport.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: streamWindow, MaxReceiveBufferPerConnection: connWindow}
	}
	switch {
	case version == "2" && !secure:
		transport.DialContext = p.route.Dialer(tools) // by HTTP/2 a server may well speak first
		return transport, nil
	case secure:
		return transport, nil
	}
	// What is neither secret nor HTTP/2 an HTTP proxy forwards itself: many make tunnels to the port
	// of HTTPS only.
	proxy, err := p.route.Proxy(tools)
	if err != nil {
		return nil, err
	}
	if proxy != nil && proxy.Scheme == "http" {
		transport.Proxy = func(r *http.Request) (*url.URL, error) {
			return proxy, p.permitted(r.Context(), tools, r.URL.Hostname())
		}
		transport.DialContext = politely(func(ctx context.Context, _, _ string) (net.Conn, error) { return p.route.DialProxy(ctx, tools) })
	}
	return transport, nil
}

// toolsKey is under what a context has the tools of the attempt, a *executor.Tools.
type toolsKey struct{}

// transportOfAll is one for all attempts, which find their tools in the context: a transport takes
// more to make than the rest of a plain request. By HTTP/1.1 no connection is for two.
func (p *probe) transportOfAll(o Options) *http.Transport {
	if o.Proxy != "" || (o.HTTPVersion != "auto" && o.HTTPVersion != "1.1") || !strings.HasPrefix(p.target, "http://") {
		return nil
	}
	return &http.Transport{
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeaders, WriteBufferSize: writeBuffer,
		Protocols: protocols("1.1", false),
		DialContext: politely(func(ctx context.Context, network, address string) (net.Conn, error) {
			tools, _ := ctx.Value(toolsKey{}).(*executor.Tools)
			return p.route.Dialer(*tools)(ctx, network, address)
		}),
	}
}

// protocols are those to offer: of auto, HTTP/2 by TLS only.
func protocols(version string, secure bool) *http.Protocols {
	offered := &http.Protocols{}
	switch version {
	case "1.1":
		offered.SetHTTP1(true)
	case "2":
		offered.SetHTTP2(secure)
		offered.SetUnencryptedHTTP2(!secure)
	default:
		offered.SetHTTP1(true)
		offered.SetHTTP2(secure)
	}
	return offered
}

// permitted applies the policy to a host that a proxy connects to, where it is an address: names are
// the proxy's to look up.
func (p *probe) permitted(ctx context.Context, tools executor.Tools, host string) error {
	if _, err := netip.ParseAddr(host); err != nil {
		return nil //nolint:nilerr // it is a name
	}
	_, err := p.route.Resolve(ctx, tools, host)
	return err
}
