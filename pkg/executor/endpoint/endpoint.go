// Package endpoint connects to the host:port that the target of a check is, and notes how long each
// step took. Kinds that speak a protocol of their own over a connection build on it.
package endpoint

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http/httptrace"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/route"
	"github.com/vedette/vedette/pkg/executor/wire"
	"github.com/vedette/vedette/pkg/monitor"
)

// Problem says what is wrong with a target, or nothing. It does not quote it, as it may hold
// secrets by then. A target that refers to secrets is judged once they are put in.
func Problem(target string) string {
	const cure = "use host:port, such as example.org:22 or [2001:db8::1]:22"
	if strings.Contains(target, "secret://") {
		return ""
	}
	if strings.Contains(target, "://") {
		return "is a URL: " + cure
	}
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return "is not host:port: " + cure
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "has a port that is none: use 1 to 65535"
	}
	if _, err := netip.ParseAddr(host); err != nil && !plausible(host) {
		return "has a host that is none: " + cure
	}
	return ""
}

// plausible reports whether a text may be the name of a host; the resolver knows the rest.
func plausible(host string) bool {
	const most = 253
	return host != "" && len(host) <= most && !strings.HasPrefix(host, ".") && !strings.ContainsFunc(host, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`/:@?#\%[]"<>`, r)
	})
}

// Conn is a connection that ends with the context it was made with. Close it.
type Conn struct {
	net.Conn
	host    string
	steps   monitor.Timings
	log     *wire.Log
	unwatch func() bool
}

// Dial connects to a target, its secrets put in, by a route and network "tcp" or "udp". The error is
// in plain words.
func Dial(ctx context.Context, tools executor.Tools, way route.Route, network, target string) (*Conn, error) {
	host, address, err := Fill(tools, target)
	if err != nil {
		return nil, err
	}
	var phases phases
	raw, err := way.Dial(phases.trace(ctx), tools, network, address)
	if err != nil {
		return nil, executor.Explain(err, phases.current())
	}
	phases.connected()
	c := Over(ctx, raw, host)
	c.steps, c.log = phases.timings(), tools.Wire
	return c, nil
}

// Fill puts the secrets of a target in and returns its host and the whole.
func Fill(tools executor.Tools, target string) (host, address string, err error) {
	address, err = tools.Secret(target)
	if err != nil {
		return "", "", err
	}
	if problem := Problem(address); problem != "" || strings.Contains(address, "secret://") {
		return "", "", fmt.Errorf("%w: with its secrets put in, the target is not host:port", executor.ErrSecret)
	}
	host, _, _ = net.SplitHostPort(address) // looked at already
	return host, address, nil
}

// Over makes a Conn of a connection to a host.
func Over(ctx context.Context, raw net.Conn, host string) *Conn {
	return &Conn{Conn: raw, host: host, unwatch: context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })}
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	c.unwatch()
	return c.Conn.Close()
}

// Inside is a connection made of this one, by TLS, as it is to be used: what goes over it is taken
// down where that is wanted.
func (c *Conn) Inside(secured *tls.Conn) net.Conn {
	state := secured.ConnectionState()
	c.log.Note("tls", strings.TrimRight(tls.VersionName(state.Version)+", "+tls.CipherSuiteName(state.CipherSuite)+", "+state.NegotiatedProtocol, ", "))
	return c.log.Conn(secured)
}

// Unlogged has what goes over the connection not be taken down: where it is compressed, secrets could
// not be found in it, so that the kind tells itself what it sends.
func (c *Conn) Unlogged() { c.Conn = wire.Bare(c.Conn) }

// IP is the address connected to, without the port: the proxy's where there is one.
func (c *Conn) IP() string {
	host, _, err := net.SplitHostPort(c.RemoteAddr().String())
	if err != nil {
		return c.RemoteAddr().String()
	}
	return host
}

// Host is the target's host, its secrets put in.
func (c *Conn) Host() string { return c.host }

// Timings are the steps so far: looking up and connecting.
func (c *Conn) Timings() *monitor.Timings {
	steps := c.steps
	return &steps
}

// phases notes when the steps of connecting began and ended.
type phases struct {
	mu                                           sync.Mutex
	dnsStart, dnsDone, connectStart, connectDone time.Time
}

func (p *phases) trace(ctx context.Context) context.Context {
	note := func(at *time.Time, first bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !first || at.IsZero() {
			*at = time.Now()
		}
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:     func(httptrace.DNSStartInfo) { note(&p.dnsStart, true) },
		DNSDone:      func(httptrace.DNSDoneInfo) { note(&p.dnsDone, false) },
		ConnectStart: func(string, string) { note(&p.connectStart, true) },
	})
}

func (p *phases) connected() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.connectDone = time.Now()
}

func (p *phases) timings() monitor.Timings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return monitor.Timings{DNS: Between(p.dnsStart, p.dnsDone), Connect: Between(p.connectStart, p.connectDone)}
}

// current names the step that is not done yet.
func (p *phases) current() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.dnsStart.IsZero() && p.dnsDone.IsZero() {
		return "while looking up the host"
	}
	return "while connecting"
}

// Between is in milliseconds; 0 for a step that did not happen or did not end.
func Between(from, to time.Time) float64 {
	if from.IsZero() || to.IsZero() || to.Before(from) {
		return 0
	}
	return Milliseconds(to.Sub(from))
}

// Milliseconds of a duration.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// TimingsMap is the value of the variable timings.
func TimingsMap(t *monitor.Timings) map[string]float64 {
	return map[string]float64{
		"dns_ms": t.DNS, "connect_ms": t.Connect, "tls_ms": t.TLS, "first_byte_ms": t.FirstByte, "transfer_ms": t.Transfer,
	}
}
