package readmodel

import (
	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// checkEntry is a check as it is kept: what changes seldom. Results are added on reading.
type checkEntry struct {
	monitor.Check
	Sequence uint64 `json:"sequence"`
}

// checks is the read model of the checks' definitions and statuses.
type checks struct {
	views[checkEntry]
	board *monitor.Board
}

func newChecks() *checks {
	return &checks{views: newViews(checkPrefix, func(c *checkEntry) string { return c.ID }), board: monitor.NewBoard()}
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
	if seen := p.byID[id]; seen != nil && m.Sequence <= seen.Sequence {
		return
	}
	p.board.Evolve(m)
	check, exists := p.board.Check(id)
	if !exists {
		p.remove(id)
		return
	}
	// After a restart the fold does not know of the revisions of a check deleted before: the event does.
	if check.Revision < m.Revision {
		check.Revision = m.Revision
		p.board.PutCheck(check)
	}
	p.put(id, &checkEntry{Check: check, Sequence: m.Sequence})
}

// checkOf returns the check whose entry an event changes.
func checkOf(e monitor.Event) (id string, ok bool) {
	switch e := e.(type) {
	case monitor.IncidentOpened:
		return e.CheckID, true
	case monitor.IncidentResolved:
		return e.CheckID, true
	}
	kind, id := e.Aggregate()
	return id, kind == "check"
}

// Restore implements Projection.
func (p *checks) Restore(entries []bus.Entry) error {
	if err := p.views.Restore(entries); err != nil {
		return err
	}
	for _, entry := range p.byID {
		p.board.PutCheck(entry.Check)
	}
	return nil
}

// services is the read model of the services' definitions and statuses.
type services struct {
	views[ServiceView]
	board *monitor.Board
}

func newServices() *services {
	return &services{views: newViews(servicePrefix, func(s *ServiceView) string { return s.ID }), board: monitor.NewBoard()}
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
	if seen := p.byID[id]; seen != nil && m.Sequence <= seen.Sequence {
		return
	}
	p.board.Evolve(m)
	service, exists := p.board.Service(id)
	if !exists {
		p.remove(id)
		return
	}
	if service.Revision < m.Revision {
		service.Revision = m.Revision
		p.board.PutService(service)
	}
	p.put(id, &ServiceView{Service: service, Sequence: m.Sequence})
}

// Restore implements Projection.
func (p *services) Restore(entries []bus.Entry) error {
	if err := p.views.Restore(entries); err != nil {
		return err
	}
	for _, entry := range p.byID {
		p.board.PutService(entry.Service)
	}
	return nil
}
