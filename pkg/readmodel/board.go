package readmodel

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// board is what a reader knows, by the keys of the entries. What it points to is replaced, never
// changed, so that views may share it.
type board struct {
	checks    map[string]*checkState
	sorted    []*checkState // the same, by id
	services  map[string]*serviceState
	incidents map[string]*IncidentView
	runners   map[string]*RunnerView
	pages     map[string]*StatusPageView
	// corrections are by their keys, corrected by what they are of. amended counts the changes of what
	// uptime is corrected by.
	corrections map[string]*CorrectionView
	corrected   map[subject][]*CorrectionView
	amended     uint64
	// recalled holds, of checks that are corrected, the minutes of the last hours that are over.
	recalled map[string]recalled
	// asOf is the instant of a board of the past.
	asOf time.Time
	// pulses are by the keys of their checks, which may not be there.
	pulses map[string]*pulse
	// trusted says that the pulses are current: while they are rebuilt they prove no silence.
	trusted bool
}

// checkState is a check with what is computed when it changes, not when it is read.
type checkState struct {
	*checkEntry
	// These are the check's own, at hand for a look at all checks.
	id, service, kind string
	status            monitor.Status
	pulse             *pulse
	// These are of the definition.
	text, name string
	// staleAt is when silence makes it unknown; zero for never.
	staleAt time.Time
	seenAt  time.Time
}

type serviceState struct {
	*serviceEntry
	text, name string
	checks     map[*checkState]struct{}
}

func newBoard() *board {
	return &board{
		checks: make(map[string]*checkState), services: make(map[string]*serviceState),
		incidents: make(map[string]*IncidentView), runners: make(map[string]*RunnerView), pages: make(map[string]*StatusPageView),
		corrections: make(map[string]*CorrectionView), corrected: make(map[subject][]*CorrectionView), recalled: make(map[string]recalled), pulses: make(map[string]*pulse),
	}
}

func (b *board) setCheck(key string, entry *checkEntry) {
	if before := b.checks[key]; before != nil {
		if s := b.services[servicePrefix+token(before.Service)]; s != nil {
			delete(s.checks, before)
		}
		delete(b.checks, key)
		if i, found := slices.BinarySearchFunc(b.sorted, before, byID); found {
			b.sorted = slices.Delete(b.sorted, i, i+1)
		}
	}
	if entry == nil {
		return
	}
	c := newCheckState(entry, newDefinition(entry.Definition))
	c.hear(b.pulses[key])
	b.checks[key] = c
	i, _ := slices.BinarySearchFunc(b.sorted, c, byID)
	b.sorted = slices.Insert(b.sorted, i, c)
	b.members(entry.Service)[c] = struct{}{}
}

func newCheckState(entry *checkEntry, d *definition) *checkState {
	return &checkState{
		checkEntry: entry, id: entry.ID, service: entry.Service, kind: entry.Kind, status: entry.Status, text: d.text, name: d.name,
	}
}

func byID(x, y *checkState) int { return strings.Compare(x.id, y.id) }

// members returns the set of a service's checks; the service itself may come later.
func (b *board) members(service string) map[*checkState]struct{} {
	key := servicePrefix + token(service)
	s := b.services[key]
	if s == nil {
		s = &serviceState{checks: make(map[*checkState]struct{})}
		b.services[key] = s
	}
	return s.checks
}

func (b *board) setService(key string, view *serviceEntry) {
	s := b.services[key]
	if s == nil {
		s = &serviceState{checks: make(map[*checkState]struct{})}
		b.services[key] = s
	}
	s.serviceEntry = view
	switch {
	case view != nil:
		s.name = strings.ToLower(view.Name)
		s.text = haystack(view.Labels, view.ID, view.Name, view.Description)
	case len(s.checks) == 0:
		delete(b.services, key)
	}
}

func (b *board) setPulse(check string, p *pulse) {
	key := checkPrefix + token(check)
	set(b.pulses, key, p)
	if c := b.checks[key]; c != nil {
		c.hear(p)
	}
}

// hear takes what is known of the results, and computes when silence will make the check unknown:
// as the decider does, from the time at which the last conclusive result was stored. A change of
// status is such a result too, whose pulse may not have come yet.
func (c *checkState) hear(p *pulse) {
	c.pulse, c.staleAt, c.seenAt = p, time.Time{}, c.StatusSince
	if p != nil {
		for _, name := range c.Locations {
			if seen := p.Locations[name].Seen; seen.After(c.seenAt) {
				c.seenAt = seen
			}
		}
	}
	switch c.Status {
	case monitor.StatusUp, monitor.StatusDegraded, monitor.StatusDown:
		if timetable, err := monitor.NewTimetable(c.Definition); err == nil {
			c.staleAt = timetable.StaleAt(c.seenAt)
		}
	case monitor.StatusUnknown, monitor.StatusPaused, monitor.StatusMaintenance:
	}
}

// stale reports whether the check has been silent for too long for its status to hold.
func (b *board) stale(c *checkState, now time.Time) bool {
	return b.trusted && !c.staleAt.IsZero() && now.After(c.staleAt)
}

// status is the check's as of now.
func (b *board) status(c *checkState, now time.Time) monitor.Status {
	if b.stale(c, now) {
		return monitor.StatusUnknown
	}
	return c.status
}

// check is the check as of now.
func (b *board) check(c *checkState, now time.Time) monitor.Check {
	check := c.Check
	if b.stale(c, now) {
		check.Status, check.StatusSince = monitor.StatusUnknown, c.staleAt.UTC()
		check.Reason = fmt.Sprintf("no result since %s", c.seenAt.UTC().Format(time.RFC3339))
	}
	return check
}

// service is the service as of now: its checks are rolled up again where silence has changed them.
func (b *board) service(s *serviceState, now time.Time) monitor.Service {
	service := s.Service
	var since time.Time
	for c := range s.checks {
		if b.stale(c, now) && c.staleAt.After(since) {
			since = c.staleAt.UTC()
		}
	}
	if since.IsZero() {
		return service
	}
	checks := make([]monitor.Check, 0, len(s.checks))
	for c := range s.checks {
		checks = append(checks, monitor.Check{Status: b.status(c, now), Pending: c.Pending})
	}
	if status := monitor.RollUp(service.Rollup, checks); status != service.Status {
		service.Status, service.StatusSince = status, since
	}
	return service
}

// view is the check as a list shows it.
func (b *board) view(c *checkState, now time.Time) CheckView {
	v := CheckView{Check: b.check(c, now), Sequence: c.Sequence}
	p := c.pulse
	if p == nil {
		return v
	}
	v.Recent = p.Recent
	v.Uptime = map[string]Uptime{window24h: p.dayUptime(&c.Check, now, b.sight(&c.Check))}
	if p.last != nil {
		result := *p.last
		v.LastResult, v.LatencyMS = &result, result.DurationMS
	}
	return v
}
