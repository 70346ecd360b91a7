package readmodel

import (
	"cmp"
	"slices"

	"github.com/vedette/vedette/pkg/monitor"
)

// keptIncidents and keptRunners bound those that are over; the oldest go first.
const (
	keptIncidents = 10_000
	keptRunners   = 500
)

// incidents is the read model of the incidents: every open one, and the latest that are resolved.
type incidents struct{ views[IncidentView] }

func newIncidents() *incidents {
	return &incidents{newViews(incidentPrefix, func(i *IncidentView) string { return i.ID })}
}

func (*incidents) Name() string { return "incidents" }

func (*incidents) Version() int { return 1 }

func (*incidents) OfResults() bool { return false }

// Apply implements Projection.
func (p *incidents) Apply(m monitor.EventMessage) {
	switch e := m.Event.(type) {
	case monitor.IncidentOpened:
		if seen := p.byID[e.IncidentID]; seen != nil && m.Sequence <= seen.Sequence {
			return
		}
		p.put(e.IncidentID, &IncidentView{Sequence: m.Sequence, Incident: monitor.Incident{
			ID: e.IncidentID, CheckID: e.CheckID, Service: e.Service, OpenedAt: e.OpenedAt, Cause: e.Cause,
		}})
	case monitor.IncidentResolved:
		before := p.byID[e.IncidentID]
		if before == nil || m.Sequence <= before.Sequence {
			return
		}
		after := *before
		after.Sequence = m.Sequence
		after.ResolvedAt, after.Resolution, after.DurationMS = e.ResolvedAt, e.Resolution, e.DurationMS
		p.put(e.IncidentID, &after)
		p.trim()
	default:
	}
}

// trim forgets the oldest resolved ones, a tenth at a time so that it is seldom done.
func (p *incidents) trim() {
	trim(&p.views, keptIncidents, func(i *IncidentView) (sequence uint64, over bool) { return i.Sequence, !i.Open() })
}

func trim[V any](v *views[V], keep int, state func(*V) (sequence uint64, over bool)) {
	if len(v.byID) <= keep+keep/10 {
		return
	}
	type old struct {
		id       string
		sequence uint64
	}
	var over []old
	for id, view := range v.byID {
		if sequence, done := state(view); done {
			over = append(over, old{id, sequence})
		}
	}
	slices.SortFunc(over, func(x, y old) int { return cmp.Compare(x.sequence, y.sequence) })
	for _, o := range over[:min(len(over), max(0, len(v.byID)-keep))] {
		v.remove(o.id)
	}
}

// runners is the read model of the runners: those at work, and the latest that have left.
type runners struct{ views[RunnerView] }

func newRunners() *runners {
	return &runners{newViews(runnerPrefix, func(r *RunnerView) string { return r.ID })}
}

func (*runners) Name() string { return "runners" }

func (*runners) Version() int { return 1 }

func (*runners) OfResults() bool { return false }

// Apply implements Projection.
func (p *runners) Apply(m monitor.EventMessage) {
	switch e := m.Event.(type) {
	case monitor.RunnerJoined:
		if seen := p.byID[e.RunnerID]; seen != nil && m.Sequence <= seen.Sequence {
			return
		}
		p.put(e.RunnerID, &RunnerView{Sequence: m.Sequence, Runner: monitor.Runner{
			ID: e.RunnerID, Location: e.Location, Host: e.Host, Version: e.Version, Concurrency: e.Concurrency, JoinedAt: e.At,
		}})
	case monitor.RunnerLeft:
		before := p.byID[e.RunnerID]
		if before == nil || m.Sequence <= before.Sequence {
			return
		}
		after := *before
		after.Sequence, after.LeftAt, after.Reason = m.Sequence, e.At, e.Reason
		p.put(e.RunnerID, &after)
		trim(&p.views, keptRunners, func(r *RunnerView) (uint64, bool) { return r.Sequence, !r.LeftAt.IsZero() })
	default:
	}
}
