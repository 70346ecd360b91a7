// Package netguard decides which addresses a runner may connect to. The rule is applied to the
// address as resolved, at the moment of connecting, so that neither a redirect nor a changed DNS
// answer gets around it.
package netguard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
)

// ErrForbidden: the policy refuses the address.
var ErrForbidden = errors.New("the runner's network policy refuses the address")

// Policy says which addresses may be connected to. Link-local addresses, among them those at which
// clouds serve credentials, never may. Of the others, what Deny covers may not, unless Allow covers
// it more narrowly or equally. A zero policy denies nothing more.
type Policy struct {
	Allow, Deny []netip.Prefix
}

// Parse reads prefixes ("10.0.0.0/8"), addresses ("192.0.2.1") and "private", which stands for
// loopback, private, shared (RFC 6598) and unique local ranges. The error names the first text that
// is none of these.
func Parse(texts []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if strings.EqualFold(text, "private") {
			prefixes = append(prefixes, private()...)
			continue
		}
		if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
			address = address.Unmap()
			prefixes = append(prefixes, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil || prefix.Addr().Is4In6() {
			return nil, fmt.Errorf("%q is no range of addresses: use one such as 10.0.0.0/8, an address, or private", text)
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes, nil
}

func private() (prefixes []netip.Prefix) {
	for _, text := range []string{
		"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7",
	} {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	return prefixes
}

// metadata reports whether an address is that of a cloud's metadata service outside of the
// link-local ranges: Alibaba, Azure, Oracle; AWS and Google by IPv6.
func metadata(address netip.Addr) bool {
	if address.Is4() {
		switch address.As4() {
		case [4]byte{100, 100, 100, 200}, [4]byte{168, 63, 129, 16}, [4]byte{192, 0, 0, 192}:
			return true
		}
		return false
	}
	switch address.As16() {
	case [16]byte{0: 0xfd, 2: 0x0e, 3: 0xc2, 14: 0x02, 15: 0x54}, [16]byte{0: 0xfd, 1: 0x20, 3: 0xce, 14: 0x02, 15: 0x54}:
		return true
	}
	return false
}

// Check returns nil when the address may be connected to, else an error that wraps ErrForbidden.
func (p Policy) Check(address netip.Addr) error {
	address = address.Unmap().WithZone("")
	if err := p.checkOne(address); err != nil {
		return err
	}
	if inner, ok := embedded(address); ok {
		return p.checkOne(inner)
	}
	return nil
}

func (p Policy) checkOne(address netip.Addr) error {
	if !address.IsValid() {
		return fmt.Errorf("%w: it is not known", ErrForbidden)
	}
	if address.IsLinkLocalUnicast() || address.IsLinkLocalMulticast() || address.IsInterfaceLocalMulticast() {
		return fmt.Errorf("%w: %s is link-local, which is never probed", ErrForbidden, address)
	}
	if metadata(address) {
		return fmt.Errorf("%w: %s serves cloud metadata, which is never probed", ErrForbidden, address)
	}
	denied, allowed := narrowest(p.Deny, address), narrowest(p.Allow, address)
	if denied.IsValid() && (!allowed.IsValid() || allowed.Bits() < denied.Bits()) {
		return fmt.Errorf("%w: %s is in %s, denied by --deny", ErrForbidden, address, denied)
	}
	return nil
}

// embedded returns the address that a connection to another one really goes to: this machine for
// the unspecified address, and the IPv4 address within one of NAT64 (RFC 6052) or 6to4 (RFC 3056).
func embedded(address netip.Addr) (netip.Addr, bool) {
	if address.Is4() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), address == netip.IPv4Unspecified()
	}
	raw := address.As16()
	switch {
	case address == netip.IPv6Unspecified():
		return netip.IPv6Loopback(), true
	case [12]byte(raw[:12]) == [12]byte{0x00, 0x64, 0xff, 0x9b}:
		return netip.AddrFrom4([4]byte(raw[12:])), true
	case [2]byte(raw[:2]) == [2]byte{0x20, 0x02}:
		return netip.AddrFrom4([4]byte(raw[2:6])), true
	}
	return netip.Addr{}, false
}

// narrowest returns the narrowest prefix that covers the address, if any does.
func narrowest(prefixes []netip.Prefix, address netip.Addr) (found netip.Prefix) {
	for _, p := range prefixes {
		if p.Contains(address) && (!found.IsValid() || p.Bits() > found.Bits()) {
			found = p
		}
	}
	return found
}

// Dial connects as net.Dialer does, but not to what the policy refuses.
func (p Policy) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return p.DialFrom(ctx, netip.Addr{}, network, address)
}

// DialFrom is Dial from an address of this machine; the zero one leaves the choice to the system.
func (p Policy) DialFrom(ctx context.Context, source netip.Addr, network, address string) (net.Conn, error) {
	dialer := net.Dialer{ControlContext: func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
		target, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return fmt.Errorf("%w: %s is no address", ErrForbidden, resolved)
		}
		return p.Check(target.Addr())
	}}
	if source.IsValid() {
		if strings.HasPrefix(network, "udp") {
			dialer.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
		} else {
			dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
		}
	}
	return dialer.DialContext(ctx, network, address)
}
