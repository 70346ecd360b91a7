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

// metadata are addresses of cloud metadata services outside of the link-local ranges.
func metadata() []netip.Addr {
	return []netip.Addr{
		netip.MustParseAddr("fd00:ec2::254"),
		netip.MustParseAddr("100.100.100.200"),
		netip.MustParseAddr("192.0.0.192"),
	}
}

// Check returns nil when the address may be connected to, else an error that wraps ErrForbidden.
func (p Policy) Check(address netip.Addr) error {
	address = address.Unmap().WithZone("")
	if address.IsLinkLocalUnicast() || address.IsLinkLocalMulticast() {
		return fmt.Errorf("%w: %s is link-local, which is never probed", ErrForbidden, address)
	}
	for _, m := range metadata() {
		if address == m {
			return fmt.Errorf("%w: %s serves cloud metadata, which is never probed", ErrForbidden, address)
		}
	}
	denied, allowed := narrowest(p.Deny, address), narrowest(p.Allow, address)
	if denied.IsValid() && (!allowed.IsValid() || allowed.Bits() < denied.Bits()) {
		return fmt.Errorf("%w: %s is in %s, denied by --deny", ErrForbidden, address, denied)
	}
	return nil
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
	dialer := net.Dialer{ControlContext: func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
		target, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return fmt.Errorf("%w: %s is no address", ErrForbidden, resolved)
		}
		return p.Check(target.Addr())
	}}
	return dialer.DialContext(ctx, network, address)
}
