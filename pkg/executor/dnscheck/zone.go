package dnscheck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/pkg/executor"
)

const (
	// maxNameServers of a zone are asked, at maxAddresses each.
	maxNameServers, maxAddresses = 16, 4
	// atOnce bounds how many questions about a zone are under way.
	atOnce = 8
)

// zone is what its name servers say of it.
type zone struct {
	name    string
	servers []nameServer
	// problem says what is not consistent; empty when all is.
	problem string
}

// serials asks every authoritative server of the zone for its serial number. An error says that the
// servers could not be found, or that none may be asked.
func (p *probe) serials(ctx context.Context, tools executor.Tools, c *client) (*zone, error) {
	z := &zone{name: p.name}
	a, err := c.patiently(ctx, p.about(p.name, dns.TypeNS))
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
