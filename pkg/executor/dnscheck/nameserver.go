package dnscheck

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/pkg/executor"
)

// nameServer is one of a zone at one of its addresses.
type nameServer struct {
	name, address string
	serial        uint32
	err           error
	// skipped: this runner cannot, or may not, ask that address.
	skipped bool
}

func (s nameServer) String() string {
	if s.address == "" {
		return shownName(s.name)
	}
	return shownName(s.name) + " (" + s.address + ")"
}

// about is a question that finds name servers.
func (p *probe) about(name string, qtype uint16) question {
	return question{name: name, qtype: qtype, qclass: dns.ClassINET, flags: Flags{RecursionDesired: p.options.Flags.RecursionDesired}}
}

// targetsOf are the name servers of a zone in an answer.
func targetsOf(m *dns.Msg, zone string) (names []string) {
	for _, record := range slices.Concat(m.Answer, m.Ns) {
		if ns, ok := record.(*dns.NS); ok && strings.EqualFold(ns.Hdr.Name, zone) && !containsName(names, ns.Ns) {
			names = append(names, strings.ToLower(ns.Ns))
		}
	}
	slices.Sort(names)
	return names
}

// addresses looks up those of a name server: by asking, and where the server does not resolve, by what
// it sent along with its name.
func (p *probe) addresses(ctx context.Context, c *client, name string, along *dns.Msg) ([]nameServer, error) {
	// Several are looked up at once, and a client asks one thing after another.
	own := p.client(c.tools, c.dial, c.server, c.budget)
	defer own.Close()
	var found []netip.Addr
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		if !p.wants(qtype) {
			continue
		}
		a, err := own.patiently(ctx, p.about(name, qtype))
		if err != nil {
			return nil, err
		}
		found = append(found, addressesOf(a.Answer, qtype)...)
	}
	if len(found) == 0 {
		for _, record := range along.Extra {
			if qtype := record.Header().Rrtype; strings.EqualFold(record.Header().Name, name) && p.wants(qtype) {
				found = append(found, addressesOf([]dns.RR{record}, qtype)...)
			}
		}
	}
	if len(found) == 0 {
		return []nameServer{{name: name, err: errors.New("has no address")}}, nil
	}
	var servers []nameServer
	for _, address := range found[:min(len(found), maxAddresses)] {
		servers = append(servers, nameServer{name: name, address: address.String()})
	}
	return servers, nil
}

func addressesOf(records []dns.RR, qtype uint16) (found []netip.Addr) {
	for _, record := range records {
		var raw net.IP
		switch record := record.(type) {
		case *dns.A:
			raw = record.A.To4()
		case *dns.AAAA:
			raw = record.AAAA
		}
		if address, ok := netip.AddrFromSlice(raw); ok && record.Header().Rrtype == qtype {
			found = append(found, address)
		}
	}
	return found
}

// serial asks a name server for the serial number that it has. What it does wrong is noted with it;
// an error is the attempt's end.
func (p *probe) serial(ctx context.Context, tools executor.Tools, s *nameServer, b *budget) error {
	if s.err != nil {
		return nil
	}
	c := p.client(tools, p.dialer(tools), net.JoinHostPort(s.address, "53"), b)
	c.transport = byUDP
	defer c.Close()
	a, err := c.patiently(ctx, question{name: p.name, qtype: dns.TypeSOA, qclass: dns.ClassINET})
	switch {
	case err == nil:
		s.serial, s.err = serialOf(a.Msg, p.name)
	case ctx.Err() != nil || errors.Is(err, executor.ErrSetup):
		return err
	default:
		s.err, s.skipped = err, errors.Is(err, executor.ErrForbidden) || errors.Is(err, syscall.ENETUNREACH)
	}
	return nil
}

func serialOf(m *dns.Msg, zone string) (uint32, error) {
	if m.Rcode != dns.RcodeSuccess {
		return 0, errors.New("answers " + rcodeOf(m))
	}
	for _, record := range m.Answer {
		if soa, ok := record.(*dns.SOA); ok && strings.EqualFold(soa.Hdr.Name, zone) {
			if !m.Authoritative {
				return 0, errors.New("answers without authority")
			}
			return soa.Serial, nil
		}
	}
	return 0, errors.New("does not serve the zone")
}

// complaint says what a server does wrong, as the end of a sentence about it.
func (s nameServer) complaint() string {
	if timedOut(s.err) {
		return "does not answer"
	}
	if errors.Is(s.err, syscall.ECONNREFUSED) {
		return "refuses the connection"
	}
	return s.err.Error()
}

// wants reports whether addresses of a type may be asked at all.
func (p *probe) wants(qtype uint16) bool {
	return (qtype == dns.TypeA && p.goesBy(true)) || (qtype == dns.TypeAAAA && p.goesBy(false))
}

// goesBy reports whether the options allow addresses of IPv4, or else of IPv6.
func (p *probe) goesBy(four bool) bool {
	if source := p.way.Source(); source.IsValid() && source.Is4() != four {
		return false
	}
	return (p.options.IPVersion != "4" || four) && (p.options.IPVersion != "6" || !four)
}
