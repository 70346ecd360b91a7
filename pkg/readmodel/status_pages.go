package readmodel

import "github.com/vedette/vedette/pkg/monitor"

// StatusPageView is a public status page as it is read.
type StatusPageView struct {
	monitor.Page
	// Sequence is the place in EVENTS that the view has reached for this page.
	Sequence uint64 `json:"sequence"`
}

// statusPages is the read model of the public status pages.
type statusPages struct{ views[StatusPageView] }

func newStatusPages() *statusPages {
	return &statusPages{newViews(statusPagePrefix, func(p *StatusPageView) string { return p.ID })}
}

func (*statusPages) Name() string { return "status_pages" }

func (*statusPages) Version() int { return 1 }

func (*statusPages) OfResults() bool { return false }

// Apply implements Projection.
func (p *statusPages) Apply(m monitor.EventMessage) {
	kind, id := m.Event.Aggregate()
	if kind != "page" {
		return
	}
	before := p.byID[id]
	if before != nil && m.Sequence <= before.Sequence {
		return
	}
	board := monitor.NewBoard()
	if before != nil {
		board.PutPage(before.Page)
	}
	board.Evolve(m)
	page, exists := board.Page(id)
	if !exists {
		if before != nil {
			p.remove(id)
		}
		return
	}
	page.Revision = max(page.Revision, m.Revision)
	p.put(id, &StatusPageView{Page: page, Sequence: m.Sequence})
}
