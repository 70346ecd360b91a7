package pingcheck

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/vedette/vedette/pkg/executor"
)

// socket is a Link by the system's ICMP. It sends where it was opened for, and nowhere else.
type socket struct {
	*icmp.PacketConn
	to net.Addr
	ip string
}

// ErrNotPermitted: this program may open neither kind of socket.
var ErrNotPermitted = fmt.Errorf("%w: it is not permitted to send ICMP: include its group in the sysctl net.ipv4.ping_group_range, or give it the capability CAP_NET_RAW", executor.ErrSetup)

// Open opens a link to an address, from source if that is not zero, on which messages take ttl hops
// at most: by a socket that needs no privilege where the system has that, else by a raw one. An error
// wraps executor.ErrSetup; one is ErrNotPermitted.
func Open(source, to netip.Addr, ttl int) (Link, error) {
	modest, raw, from := "udp4", "ip4:icmp", "0.0.0.0"
	if to.Is6() {
		modest, raw, from = "udp6", "ip6:ipv6-icmp", "::"
	}
	if source.IsValid() {
		from = source.String()
	}
	s := &socket{to: &net.UDPAddr{IP: to.AsSlice(), Zone: to.Zone()}, ip: to.WithZone("").String()}
	conn, first := icmp.ListenPacket(modest, from)
	if first != nil {
		var err error
		if conn, err = icmp.ListenPacket(raw, from); err != nil {
			return nil, unopened(source, errors.Join(first, err))
		}
		s.to = &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	}
	s.PacketConn = conn
	if err := s.prepare(ttl); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("%w: prepare a socket for ICMP: %w", executor.ErrSetup, err)
	}
	return s, nil
}

func unopened(source netip.Addr, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL) && source.IsValid():
		return fmt.Errorf("%w: %s is no address of its machine: set options.source_address to one that is, or leave it out", executor.ErrSetup, source)
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		return ErrNotPermitted
	}
	return fmt.Errorf("%w: open a socket for ICMP: %w", executor.ErrSetup, err)
}

// prepare sets how many hops a request may take, asks for those of replies, and has the system keep
// other messages from raw sockets where it can: those that come all the same are left alone.
func (s *socket) prepare(ttl int) error {
	if four := s.IPv4PacketConn(); four != nil {
		var filter ipv4.ICMPFilter
		filter.SetAll(true)
		for _, kind := range []ipv4.ICMPType{ipv4.ICMPTypeEchoReply, ipv4.ICMPTypeDestinationUnreachable, ipv4.ICMPTypeTimeExceeded} {
			filter.Accept(kind)
		}
		_ = four.SetICMPFilter(&filter)
		_ = four.SetControlMessage(ipv4.FlagTTL, true)
		return four.SetTTL(ttl)
	}
	var filter ipv6.ICMPFilter
	filter.SetAll(true)
	for _, kind := range []ipv6.ICMPType{ipv6.ICMPTypeEchoReply, ipv6.ICMPTypeDestinationUnreachable, ipv6.ICMPTypeTimeExceeded} {
		filter.Accept(kind)
	}
	six := s.IPv6PacketConn()
	_ = six.SetICMPFilter(&filter)
	_ = six.SetControlMessage(ipv6.FlagHopLimit, true)
	return six.SetHopLimit(ttl)
}

// Write implements Link.
func (s *socket) Write(message []byte) error {
	_, err := s.WriteTo(message, s.to)
	switch {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w: its machine does not let ICMP out to %s: see its firewall and routes", executor.ErrSetup, s.ip)
	case err != nil:
		return executor.Explain(err, "while sending")
	}
	return nil
}

// Read implements Link.
func (s *socket) Read(buffer []byte) (n, ttl int, from string, err error) {
	var source net.Addr
	if four := s.IPv4PacketConn(); four != nil {
		var control *ipv4.ControlMessage
		if n, control, source, err = four.ReadFrom(buffer); control != nil {
			ttl = control.TTL
		}
	} else {
		var control *ipv6.ControlMessage
		if n, control, source, err = s.IPv6PacketConn().ReadFrom(buffer); control != nil {
			ttl = control.HopLimit
		}
	}
	return n, ttl, addressOf(source), err
}

func addressOf(source net.Addr) string {
	var ip net.IP
	switch source := source.(type) {
	case *net.IPAddr:
		ip = source.IP
	case *net.UDPAddr:
		ip = source.IP
	}
	address, _ := netip.AddrFromSlice(ip)
	return address.Unmap().String()
}

// To implements Link.
func (s *socket) To() string { return s.ip }

// SetReadDeadline implements Link.
func (s *socket) SetReadDeadline(at time.Time) error { return s.PacketConn.SetReadDeadline(at) }
