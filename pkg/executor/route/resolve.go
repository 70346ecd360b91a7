package route

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vedette/vedette/pkg/executor"
)

// maxAddresses bounds how many addresses of one name are tried.
const maxAddresses = 16

// Resolve returns the addresses of a host, a name or an address itself, that the options and the
// runner's policy allow, in the order in which to try them: at least one, or an error. It is
// ErrForbidden when the policy refuses all of them, and a *net.DNSError where there are none.
func (r Route) Resolve(ctx context.Context, tools executor.Tools, host string) ([]netip.Addr, error) {
	if address, err := netip.ParseAddr(host); err == nil {
		address = address.Unmap()
		if !r.wants(address) {
			return nil, r.unwanted(host, address)
		}
		if err := tools.Policy.Check(address); err != nil {
			return nil, err
		}
		return []netip.Addr{address}, nil
	}
	found, err := r.lookup(ctx, tools, host)
	if tools.Wire != nil {
		tools.Wire.Note("lookup", result{found, err}.text(host))
	}
	if err != nil {
		return nil, err
	}
	wanted := slices.DeleteFunc(slices.Clone(found), func(a netip.Addr) bool { return !r.wants(a) })
	if len(wanted) == 0 {
		return nil, r.unwanted(host, found[0])
	}
	var forbidden error
	permitted := slices.DeleteFunc(wanted, func(a netip.Addr) bool {
		err := tools.Policy.Check(a)
		if err != nil && forbidden == nil {
			forbidden = err
		}
		return err != nil
	})
	if len(permitted) == 0 {
		return nil, forbidden
	}
	if r.resolver != "" && r.mayChoose() {
		permitted = routedFirst(ctx, tools, permitted)
	}
	permitted = r.inOrder(permitted)
	return permitted[:min(len(permitted), maxAddresses)], nil
}

// lookup returns at least one address of a name, or an error.
func (r Route) lookup(ctx context.Context, tools executor.Tools, host string) ([]netip.Addr, error) {
	if r.resolver != "" {
		return r.ask(ctx, tools, host)
	}
	network := "ip"
	if r.version == only4 || r.version == only6 {
		network += r.version
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, network, host)
	var lookup *net.DNSError
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, errors.Join(ctx.Err(), err)
	case errors.As(err, &lookup):
		return nil, err
	case err != nil: // the name has addresses, and none of the version
		return nil, fmt.Errorf("%s has no IPv%s address, as options.ip_version asks for", host, r.version)
	}
	for i, address := range found {
		found[i] = address.Unmap()
	}
	return found, nil
}

// unwanted says why none of the addresses of a host can be used.
func (r Route) unwanted(host string, other netip.Addr) error {
	version := "IPv4"
	if other.Is4() {
		version = "IPv6"
	}
	because := "options.ip_version asks for"
	if r.version != only4 && r.version != only6 {
		because = "options.source_address is"
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return fmt.Errorf("%s is no %s address, as %s", host, version, because)
	}
	return fmt.Errorf("%s has no %s address, as %s", host, version, because)
}

// mayChoose reports whether addresses of both versions can be used.
func (r Route) mayChoose() bool {
	return r.version != only4 && r.version != only6 && !r.source.IsValid()
}

// inOrder puts the preferred version first; without a preference the versions take turns, beginning
// with that of the first address (RFC 8305, 4).
func (r Route) inOrder(addresses []netip.Addr) []netip.Addr {
	if !r.mayChoose() || len(addresses) == 1 {
		return addresses
	}
	first4 := addresses[0].Is4()
	switch r.version {
	case prefer4:
		first4 = true
	case prefer6:
		first4 = false
	}
	var first, second []netip.Addr
	for _, address := range addresses {
		if address.Is4() == first4 {
			first = append(first, address)
		} else {
			second = append(second, address)
		}
	}
	if r.version == prefer4 || r.version == prefer6 {
		return append(first, second...)
	}
	ordered := make([]netip.Addr, 0, len(addresses))
	for i := range max(len(first), len(second)) {
		if i < len(first) {
			ordered = append(ordered, first[i])
		}
		if i < len(second) {
			ordered = append(ordered, second[i])
		}
	}
	return ordered
}

// routedFirst puts addresses of a version to which this machine has no route last, as the system's
// resolver does (RFC 6724, rule 1). Nothing is sent for that.
func routedFirst(ctx context.Context, tools executor.Tools, addresses []netip.Addr) []netip.Addr {
	ctx = untraced(ctx)
	routed := map[bool]bool{}
	for _, address := range addresses {
		if _, known := routed[address.Is4()]; known {
			continue
		}
		conn, err := tools.Policy.Dial(ctx, "udp", netip.AddrPortFrom(address, 9).String())
		if err == nil {
			_ = conn.Close()
		}
		routed[address.Is4()] = err == nil
	}
	slices.SortStableFunc(addresses, func(a, b netip.Addr) int {
		switch {
		case routed[a.Is4()] == routed[b.Is4()]:
			return 0
		case routed[a.Is4()]:
			return -1
		default:
			return 1
		}
	})
	return addresses
}

// withoutTrace hides from a context what is noted about the connections to the target.
type withoutTrace struct{ context.Context } //nolint:containedctx // it is one

func untraced(ctx context.Context) context.Context { return withoutTrace{ctx} }

// Value implements context.Context.
func (withoutTrace) Value(any) any { return nil }
