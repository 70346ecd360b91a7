package dnscheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/pkg/executor"
)

const (
	// maxNameServers of a zone are asked, at maxAddresses each.
	maxNameServers, maxAddresses = 16, 4
	// atOnce bounds how many questions about a zone are under way.
	atOnce = 8
	// tries are made for an answer of a name server: a datagram may get lost among so many.
	tries = 2
)

// zone is what its name servers say of it.
type zone struct {
	name    string
	servers []nameServer
	// problem says what is not consistent; empty when all is.
	problem string
}

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

// serials asks every authoritative server of the zone for its serial number. An error says that the
// servers could not be found, or that none may be asked.
func (p *probe) serials(ctx context.Context, tools executor.Tools, c *client) (*zone, error) {
	z := &zone{name: p.name}
	a, err := c.ask(ctx, p.about(p.name, dns.TypeNS))
	if err != nil {
		return nil, err
	}
	names := targetsOf(a.Msg, p.name)
	switch {
	case len(names) == 0:
		z.problem = shownName(p.name) + " has no name servers: the server answered " + rcodeOf(a.Msg)
		return z, nil
	case len(names) > maxNameServers:
		z.problem = fmt.Sprintf("%s has %d name servers: at most %d are compared", shownName(p.name), len(names), maxNameServers)
		return z, nil
	}
	found := make([][]nameServer, len(names))
	if err := inParallel(len(names), func(i int) error {
		var err error
		found[i], err = p.addresses(ctx, c, names[i], a.Msg)
		return err
	}); err != nil {
		return nil, err
	}
	z.servers = slices.Concat(found...)
	if err := inParallel(len(z.servers), func(i int) error {
		return p.serial(ctx, tools, &z.servers[i], c.budget)
	}); err != nil {
		return nil, err
	}
	return z, z.judge()
}

// inParallel does something for each of n, some at a time, and returns when all is done: the first
// error, by order.
func inParallel(n int, do func(i int) error) error {
	failed := make([]error, n)
	slots := make(chan struct{}, atOnce)
	var doing sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		doing.Go(func() {
			defer func() { <-slots }()
			failed[i] = do(i)
		})
	}
	doing.Wait()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
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
		a, err := own.ask(ctx, p.about(name, qtype))
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
	for try := 1; ; try++ {
		// One share is for what follows.
		a, err := askWithin(ctx, c, question{name: p.name, qtype: dns.TypeSOA, qclass: dns.ClassINET}, tries-try+2)
		if err == nil {
			s.serial, s.err = serialOf(a.Msg, p.name)
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, executor.ErrSetup) {
			return err
		}
		s.err = err
		s.skipped = errors.Is(err, executor.ErrForbidden) || errors.Is(err, syscall.ENETUNREACH)
		var slow net.Error
		if s.skipped || try == tries || !errors.As(err, &slow) || !slow.Timeout() {
			return nil
		}
	}
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

// judge finds what is not consistent. The error says that none of the servers may be asked.
func (z *zone) judge() error {
	groups := make(map[uint32][]string)
	var serials []uint32
	var broken []string
	var skipped error
	for _, s := range z.servers {
		switch {
		case s.skipped:
			skipped = s.err
		case s.err != nil:
			broken = append(broken, s.String()+" "+s.complaint())
		default:
			if groups[s.serial] == nil {
				serials = append(serials, s.serial)
			}
			groups[s.serial] = append(groups[s.serial], s.String())
		}
	}
	if len(serials) == 0 && len(broken) == 0 {
		if errors.Is(skipped, executor.ErrForbidden) {
			return skipped
		}
		return fmt.Errorf("%w: none of the name servers of %s can be reached from here: %w", executor.ErrSetup, shownName(z.name), skipped)
	}
	// The newest first, by the arithmetic of serial numbers (RFC 1982).
	slices.SortFunc(serials, func(a, b uint32) int { return int(int32(b - a)) })
	var parts []string
	if len(serials) > 1 {
		for _, serial := range serials {
			parts = append(parts, fmt.Sprintf("%d at %s", serial, strings.Join(groups[serial], " and ")))
		}
		z.problem = "the serial numbers differ: " + strings.Join(parts, "; ")
	}
	if len(broken) > 0 {
		z.problem = strings.TrimPrefix(z.problem+"; "+strings.Join(broken, "; "), "; ")
	}
	return nil
}

// complaint says what a server does wrong, as the end of a sentence about it.
func (s nameServer) complaint() string {
	var slow net.Error
	if errors.As(s.err, &slow) && slow.Timeout() {
		return "does not answer"
	}
	if errors.Is(s.err, syscall.ECONNREFUSED) {
		return "refuses the connection"
	}
	return s.err.Error()
}

func zoneVerdict(l *look) string {
	if l.zone == nil {
		return ""
	}
	return l.zone.problem
}

// serials is the variable: the number of each server that has one.
func (z *zone) serials() map[string]any {
	values := make(map[string]any, len(z.servers))
	for _, s := range z.servers {
		if s.err == nil {
			values[s.String()] = int64(s.serial)
		}
	}
	return values
}

func (z *zone) observe(observed map[string]any) {
	kept := make(map[string]string, len(z.servers))
	for _, s := range z.servers {
		switch {
		case s.skipped:
			kept[s.String()] = "not asked: " + clip(s.err.Error())
		case s.err != nil:
			kept[s.String()] = clip(s.complaint())
		default:
			kept[s.String()] = fmt.Sprint(s.serial)
		}
	}
	observed["serials"], observed["consistent"] = kept, z.problem == ""
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
