package monitor

import (
	"strconv"
	"strings"
)

// PutCheck, PutService, PutPage and PutCorrection set an aggregate as it was read from a read model, so
// that a fold can go on from there. What only a decider needs of it is not known afterwards.
func (b *Board) PutCheck(c Check) {
	if before := b.checks[c.ID]; before != nil {
		b.leave(before)
	}
	state := &checkState{Check: c}
	b.checks[c.ID] = state
	b.join(state)
}

// PutPage is described at PutCheck.
func (b *Board) PutPage(p Page) { b.pages[p.ID] = &pageState{Page: p} }

// PutCorrection is described at PutCheck.
func (b *Board) PutCorrection(c Correction) { b.corrections[c.ID] = &correctionState{Correction: c} }

// PutService is described at PutCheck.
func (b *Board) PutService(s Service) { b.services[s.ID] = &serviceState{Service: s} }

// PutIncident sets an open incident of a check that was put before. The check's next one is numbered
// after it.
func (b *Board) PutIncident(i Incident) {
	b.incidents[i.ID] = &incidentState{Incident: i}
	c := b.checks[i.CheckID]
	_, number, ok := strings.Cut(strings.TrimPrefix(i.ID, i.CheckID), "-")
	if c == nil || !ok {
		return
	}
	if n, err := strconv.ParseUint(number, 10, 64); err == nil {
		c.Incidents = max(c.Incidents, n)
	}
}
