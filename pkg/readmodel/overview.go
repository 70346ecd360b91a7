package readmodel

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// overview is the read model of the counts.
type overview struct {
	state Overview
	dirty bool
}

func newOverview() *overview {
	return &overview{state: Overview{Checks: make(map[monitor.Status]int), Services: make(map[monitor.Status]int)}}
}

func (*overview) Name() string { return "overview" }

func (*overview) Version() int { return 1 }

func (*overview) OfResults() bool { return false }

// Needs implements Projection.
func (*overview) Needs() []string { return []string{overviewKey} }

// Apply implements Projection.
func (p *overview) Apply(m monitor.EventMessage) {
	if m.Sequence <= p.state.Sequence {
		return
	}
	p.state.Sequence, p.dirty = m.Sequence, true
	checks, services := p.state.Checks, p.state.Services
	switch e := m.Event.(type) {
	case monitor.CheckRegistered:
		if e.Definition.Paused {
			checks[monitor.StatusPaused]++
		} else {
			checks[monitor.StatusUnknown]++
		}
	case monitor.CheckDeleted:
		checks[e.From]--
	case monitor.CheckStatusChanged:
		checks[e.From]--
		checks[e.To]++
	case monitor.ServiceRegistered:
		services[monitor.StatusUnknown]++
	case monitor.ServiceDeleted:
		services[e.From]--
	case monitor.ServiceStatusChanged:
		services[e.From]--
		services[e.To]++
	case monitor.IncidentOpened:
		p.state.Incidents++
	case monitor.IncidentResolved:
		p.state.Incidents--
	case monitor.RunnerJoined:
		p.state.Runners++
	case monitor.RunnerLeft:
		p.state.Runners--
	case monitor.CheckUpdated, monitor.CheckPaused, monitor.CheckResumed, monitor.CheckSucceeded,
		monitor.CheckFailed, monitor.ServiceUpdated, monitor.PageRegistered, monitor.PageUpdated, monitor.PageDeleted,
		monitor.CorrectionAdded, monitor.CorrectionWithdrawn:
	}
}

// Dirty implements Projection.
func (p *overview) Dirty() []Change {
	if !p.dirty {
		return nil
	}
	p.dirty = false
	none := func(_ monitor.Status, n int) bool { return n == 0 }
	maps.DeleteFunc(p.state.Checks, none)
	maps.DeleteFunc(p.state.Services, none)
	return []Change{{Key: overviewKey, Value: encode(p.state)}}
}

// Restore implements Projection.
func (p *overview) Restore(entries []bus.Entry) error {
	for _, e := range entries {
		if err := json.Unmarshal(e.Value, &p.state); err != nil {
			return fmt.Errorf("entry %s: %w", e.Key, err)
		}
	}
	return nil
}
