package readmodel

import "github.com/vedette/vedette/pkg/monitor"

// checkEntry is a check as it is kept: what changes seldom. Results are added on reading.
type checkEntry struct {
	monitor.Check
	Sequence uint64 `json:"sequence"`
}

// checks is the read model of the checks' definitions and statuses.
type checks struct{ views[checkEntry] }

func newChecks() *checks {
	return &checks{newViews(checkPrefix, func(c *checkEntry) string { return c.ID })}
}

func (*checks) Name() string { return "checks" }

func (*checks) Version() int { return 1 }

func (*checks) OfResults() bool { return false }

// Apply implements Projection.
func (p *checks) Apply(m monitor.EventMessage) {
	id, ok := checkOf(m.Event)
	if !ok {
		return
	}
	before := p.byID[id]
	if before != nil && m.Sequence <= before.Sequence {
		return
	}
	// A board of its own for each event: nothing is known that is not kept.
	board := monitor.NewBoard()
	if before != nil {
		board.PutCheck(before.Check)
	}
	board.Evolve(m)
	check, exists := board.Check(id)
	if !exists {
		if before != nil {
			p.remove(id)
		}
		return
	}
	// That of a check registered again goes on from the one deleted, which only the event tells.
	check.Revision = max(check.Revision, m.Revision)
	p.put(id, &checkEntry{Check: check, Sequence: m.Sequence})
}

// checkOf returns the check whose entry an event changes.
func checkOf(e monitor.Event) (id string, ok bool) {
	switch e := e.(type) {
	case monitor.IncidentOpened:
		return e.CheckID, true
	case monitor.IncidentResolved:
		return e.CheckID, true
	default:
	}
	kind, id := e.Aggregate()
	return id, kind == "check"
}

// services is the read model of the services' definitions and statuses.
type services struct{ views[serviceEntry] }

// serviceEntry is a service as it is kept; its checks are added on reading.
type serviceEntry struct {
	monitor.Service
	Sequence uint64 `json:"sequence"`
}

func newServices() *services {
	return &services{newViews(servicePrefix, func(s *serviceEntry) string { return s.ID })}
}

func (*services) Name() string { return "services" }

func (*services) Version() int { return 1 }

func (*services) OfResults() bool { return false }

// Apply implements Projection.
func (p *services) Apply(m monitor.EventMessage) {
	kind, id := m.Event.Aggregate()
	if kind != "service" {
		return
	}
	before := p.byID[id]
	if before != nil && m.Sequence <= before.Sequence {
		return
	}
	board := monitor.NewBoard()
	if before != nil {
		board.PutService(before.Service)
	}
	board.Evolve(m)
	service, exists := board.Service(id)
	if !exists {
		if before != nil {
			p.remove(id)
		}
		return
	}
	service.Revision = max(service.Revision, m.Revision)
	p.put(id, &serviceEntry{Service: service, Sequence: m.Sequence})
}
