package dnscheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/monitor"
)

// system knows how the machine resolves names: its own names first, then its resolvers. The files
// are read again when they have changed. Safe for concurrent use.
type system struct {
	mu         sync.Mutex
	resolvConf file
	hosts      file
	servers    []string
	names      map[string][]netip.Addr
}

// file is one as it was last read.
type file struct {
	path     string
	modified time.Time
	size     int64
}

// changed reports whether the file is not as it was last time.
func (f *file) changed() bool {
	info, err := os.Stat(f.path)
	if err != nil {
		info = nil
	}
	var modified time.Time
	size := int64(-1)
	if info != nil {
		modified, size = info.ModTime(), info.Size()
	}
	changed := !modified.Equal(f.modified) || size != f.size
	f.modified, f.size = modified, size
	return changed
}

func (s *system) resolvers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resolvConf.changed() {
		s.servers = nil
		if config, err := dns.ClientConfigFromFile(s.resolvConf.path); err == nil {
			for _, server := range config.Servers {
				s.servers = append(s.servers, net.JoinHostPort(server, config.Port))
			}
		}
	}
	return s.servers
}

// addresses returns what the system itself knows of a name. localhost is this machine, whatever the
// file says or leaves out (RFC 6761, 6.3).
func (s *system) addresses(name string) []netip.Addr {
	name = strings.ToLower(name)
	if name == "localhost." || strings.HasSuffix(name, ".localhost.") {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hosts.changed() {
		raw, err := os.ReadFile(s.hosts.path)
		s.names = nil
		if err == nil {
			s.names = parseHosts(string(raw))
		}
	}
	return s.names[name]
}

// parseHosts reads lines of an address and names, hosts(5).
func parseHosts(text string) map[string][]netip.Addr {
	names := make(map[string][]netip.Addr)
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		address, err := netip.ParseAddr(fields[0])
		if err != nil {
			continue
		}
		for _, name := range fields[1:] {
			if strings.Contains(name, `\`) {
				continue // no name of a host
			}
			name = strings.ToLower(dns.Fqdn(name))
			names[name] = append(names[name], address.WithZone(""))
		}
	}
	return names
}

// local answers from what the system itself knows, when it knows something of the type. That is not
// signed.
func (p *probe) local() (answer, bool) {
	if (p.qtype != dns.TypeA && p.qtype != dns.TypeAAAA) || p.qclass != dns.ClassINET || p.options.DNSSEC.Validate {
		return answer{}, false
	}
	reply := new(dns.Msg).SetQuestion(p.name, p.qtype)
	header := dns.RR_Header{Name: p.name, Rrtype: p.qtype, Class: dns.ClassINET}
	for _, address := range p.system.addresses(p.name) {
		switch {
		case p.qtype == dns.TypeA && address.Is4():
			reply.Answer = append(reply.Answer, &dns.A{Hdr: header, A: address.AsSlice()})
		case p.qtype == dns.TypeAAAA && address.Is6():
			reply.Answer = append(reply.Answer, &dns.AAAA{Hdr: header, AAAA: address.AsSlice()})
		}
	}
	return answer{Msg: reply, server: p.system.hosts.path, timings: &monitor.Timings{}}, len(reply.Answer) > 0
}

// askSystem asks as a program on this machine would. Its resolvers are asked in turn, each within
// its share of the time that is left; they are the operator's choice, not the definition's, so that
// the network policy does not apply to them. When none answers at all the check could not run.
func (p *probe) askSystem(ctx context.Context, tools executor.Tools) executor.Observation {
	begun := time.Now()
	if a, ok := p.local(); ok {
		return p.observe(ctx, a, time.Since(begun))
	}
	servers := p.system.resolvers()
	if len(servers) == 0 {
		return executor.Observation{Err: fmt.Errorf("%w: %s names no resolver: name one there, or set options.server", executor.ErrSetup, p.system.resolvConf.path)}
	}
	if servers = p.reachable(servers); len(servers) == 0 {
		return executor.Observation{Err: fmt.Errorf("%w: %s names no resolver of the IP version of options.ip_version or source_address: leave them out, or set options.server", executor.ErrSetup, p.system.resolvConf.path)}
	}
	var failed error
	var refusal func() executor.Observation
	var spending budget
	for i, server := range servers {
		c := p.client(tools, p.direct(), server, &spending)
		defer c.Close()
		a, err := c.within(ctx, p.own(), len(servers)-i)
		a.latency = time.Since(begun)
		switch {
		case err != nil:
			failed = errors.Join(failed, err)
		case a.Rcode == dns.RcodeServerFailure || a.Rcode == dns.RcodeRefused || a.Rcode == dns.RcodeNotImplemented || a.Rcode == dns.RcodeFormatError:
			refusal = func() executor.Observation { return p.further(ctx, tools, c, a) }
		default:
			return p.further(ctx, tools, c, a)
		}
	}
	if refusal != nil {
		return refusal()
	}
	return executor.Observation{Latency: time.Since(begun), Err: fmt.Errorf(
		"%w: no resolver of %s answers (%w): repair it, or set options.server", executor.ErrSetup, p.system.resolvConf.path, oneLine{failed})}
}

// reachable are the resolvers that the options allow.
func (p *probe) reachable(servers []string) (allowed []string) {
	for _, server := range servers {
		address, err := netip.ParseAddrPort(server)
		if err != nil || p.goesBy(address.Addr().Unmap().Is4()) {
			allowed = append(allowed, server)
		}
	}
	return allowed
}

// direct connects to what the operator of the machine chose.
func (p *probe) direct() dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var direct net.Dialer
		switch source := p.way.Source(); {
		case source.IsValid() && network == "udp":
			direct.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
		case source.IsValid():
			direct.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
		}
		return direct.DialContext(ctx, network, address)
	}
}
