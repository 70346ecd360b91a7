package monitor

import "slices"

// JudgeInMaintenance is Judge for a check under maintenance: its status is what is found, but no incident
// opens. One that is open stays so until the check recovers.
func (b *Board) JudgeInMaintenance(checkID string, v Verdict) []Event {
	return slices.DeleteFunc(b.Judge(checkID, v), func(e Event) bool {
		_, opened := e.(IncidentOpened)
		return opened
	})
}

// EndMaintenance opens the incident of a check that is down when its maintenance ends, as of the verdict
// by which it went down; nil when it is not down any more, or has one.
func (b *Board) EndMaintenance(checkID string, down Verdict) []Event {
	c, ok := b.Check(checkID)
	if !ok || c.Status != StatusDown || c.Incident != "" {
		return nil
	}
	return []Event{b.incidentOf(c, down)}
}

// incidentOf is the incident that a verdict opens.
func (b *Board) incidentOf(c Check, v Verdict) Event {
	return IncidentOpened{
		IncidentID: b.nextIncident(c.ID), CheckID: c.ID, Service: c.Service, OpenedAt: v.At, Cause: v.Reason, ResultID: v.ResultID,
	}
}
