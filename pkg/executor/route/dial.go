package route

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vedette/vedette/pkg/executor"
)

// stagger is after how long the next address is tried beside those before (RFC 8305, 5).
const stagger = 250 * time.Millisecond

// Dial connects to host:port by network "tcp" or "udp", through the proxy where there is one. Of
// several addresses the next is tried when one fails, by TCP also beside it when it takes long; the
// first that answers is taken. Hooks of net/http/httptrace in ctx hear of the lookup and of each
// address tried. The error is as net.Dialer's, or in plain words; ErrForbidden when the policy
// refuses all addresses, or those of the resolver or the proxy; ErrSetup when this machine has not
// the source address, or the proxy does not serve.
func (r Route) Dial(ctx context.Context, tools executor.Tools, network, address string) (net.Conn, error) {
	conn, err := r.dial(ctx, tools, network, address)
	if err != nil {
		return nil, err
	}
	return tools.Wire.Conn(conn), nil
}

func (r Route) dial(ctx context.Context, tools executor.Tools, network, address string) (net.Conn, error) {
	if r.proxy != nil {
		return r.dialThrough(ctx, tools, address)
	}
	host, port, err := split(address)
	if err != nil {
		return nil, err
	}
	found, err := r.Resolve(ctx, tools, host)
	if err != nil {
		return nil, err
	}
	way := hop{tools: tools, source: r.source, network: network}
	if len(found) == 1 {
		return way.one(ctx, netip.AddrPortFrom(found[0], port).String())
	}
	targets := make([]string, len(found))
	for i, ip := range found {
		targets[i] = netip.AddrPortFrom(ip, port).String()
	}
	if strings.HasPrefix(network, "udp") {
		return way.inTurn(ctx, targets)
	}
	return way.race(ctx, targets)
}

// Dialer is Dial with its tools, as net/http wants it. What goes over these connections is not taken
// down: that is for wire.Log.RoundTripper, or whoever else knows what it means.
func (r Route) Dialer(tools executor.Tools) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return r.dial(ctx, tools, network, address)
	}
}

func split(address string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("address: %w", err)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, errors.New("the port is no number of 0 to 65535")
	}
	if host == "" || strings.ContainsFunc(host, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return "", 0, errors.New("the host is none")
	}
	return host, uint16(n), nil
}

// hop connects to addresses.
type hop struct {
	tools   executor.Tools
	source  netip.Addr
	network string
}

func (h hop) one(ctx context.Context, address string) (net.Conn, error) {
	conn, err := h.tools.Policy.DialFrom(ctx, h.source, h.network, address)
	if h.tools.Wire != nil {
		h.tools.Wire.Note("connect", result{err: err}.text(address))
	}
	if errors.Is(err, syscall.EADDRNOTAVAIL) && h.source.IsValid() {
		return nil, fmt.Errorf("%w: %s is no address of its machine: set options.source_address to one that is, or leave it out", executor.ErrSetup, h.source)
	}
	return conn, err
}

func (h hop) inTurn(ctx context.Context, addresses []string) (conn net.Conn, err error) {
	var first error
	for _, address := range addresses {
		if conn, err = h.one(ctx, address); err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

type dialled struct {
	conn net.Conn
	err  error
}

// race tries address after address, and returns when all tries have ended: with the connection that
// was made first, or the error of the first try that failed.
func (h hop) race(ctx context.Context, addresses []string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	results := make(chan dialled, len(addresses))
	var trying sync.WaitGroup
	late := time.NewTimer(stagger)
	defer late.Stop()
	begun, ended := 0, 0
	begin := func() {
		if begun < len(addresses) {
			address := addresses[begun]
			begun++
			trying.Go(func() {
				conn, err := h.one(ctx, address)
				results <- dialled{conn, err}
			})
			late.Reset(stagger)
		}
	}
	begin()
	var won, first dialled
	for won.conn == nil && ended < len(addresses) {
		select {
		case <-late.C:
			begin()
		case won = <-results:
			ended++
			if won.err != nil && first.err == nil {
				first = won
			}
			if won.err != nil {
				begin()
			}
		}
	}
	cancel()
	trying.Wait()
	close(results)
	for other := range results {
		if other.conn != nil {
			_ = other.conn.Close()
		}
	}
	if won.conn != nil {
		return won.conn, nil
	}
	return nil, first.err
}
