package readmodel

import "github.com/vedette/vedette/pkg/monitor"

const (
	correctionsBucket = "corrections"
	// keptCorrections bounds those of which no uptime is shown any more; the oldest go first.
	keptCorrections = 10_000
)

// CorrectionView is a correction as it is read.
type CorrectionView struct {
	monitor.Correction
	// Added is its place in EVENTS: of several, the last one counts. Sequence is the place that the view
	// has reached.
	Added    uint64 `json:"added_sequence"`
	Sequence uint64 `json:"sequence"`
}

// corrections is the read model of the corrections: those withdrawn, too.
type corrections struct{ views[CorrectionView] }

func newCorrections() *corrections {
	return &corrections{newViews(correctionPrefix, func(c *CorrectionView) string { return c.ID })}
}

func (*corrections) Name() string { return correctionsBucket }

func (*corrections) Version() int { return 1 }

func (*corrections) OfResults() bool { return false }

// Apply implements Projection.
func (p *corrections) Apply(m monitor.EventMessage) {
	kind, id := m.Event.Aggregate()
	if kind != "correction" {
		return
	}
	before := p.byID[id]
	if before != nil && m.Sequence <= before.Sequence {
		return
	}
	board := monitor.NewBoard()
	view := &CorrectionView{Added: m.Sequence, Sequence: m.Sequence}
	if before != nil {
		board.PutCorrection(before.Correction)
		view.Added = before.Added
	}
	board.Evolve(m)
	correction, exists := board.Correction(id)
	if !exists {
		return
	}
	view.Correction = correction
	p.put(id, view)
	trim(&p.views, keptCorrections, func(c *CorrectionView) (uint64, bool) { return c.Sequence, c.over(m) })
}

// over reports whether its time is past all of which uptime is shown, of the past, too.
func (c *CorrectionView) over(m monitor.EventMessage) bool {
	return m.Time.Sub(c.To) > 2*monitor.MaxCorrectionAge.Std()
}
