package monitor

import (
	"fmt"
	"slices"
	"time"
)

// Judge says what a verdict leads to: the check's change of status, the incident that it opens or
// resolves, and the change of its service's status; nil when nothing changes.
//
// Folding RESULTS again decides nothing twice: a verdict that the check's status has already gone
// past is passed over.
func (b *Board) Judge(checkID string, v Verdict) []Event {
	c, ok := b.Check(checkID)
	if !ok || c.Paused || outdated(c, v) {
		return nil
	}
	// A new check that never ran is settled as unknown once patience ends, so that it counts.
	overdue := c.Pending && v.ResultID == "" && v.Status == StatusUnknown && v.At.After(staleAt(c.Definition, c.StatusSince))
	if v.Status == c.Status && !overdue {
		return nil
	}
	if c.Pending && v.ResultID == "" && !overdue {
		return nil
	}
	events := []Event{CheckStatusChanged{
		CheckID: c.ID, Service: c.Service, From: c.Status, To: v.Status,
		At: v.At, Reason: v.Reason, Position: v.Position, ResultID: v.ResultID,
	}}
	switch v.Status {
	case StatusDown:
		if c.Incident == "" {
			events = append(events, b.incidentOf(c, v))
		}
	case StatusUp, StatusDegraded:
		events = append(events, b.resolve(c, v.At, "recovered")...)
	case StatusUnknown, StatusPaused, StatusMaintenance: // silence neither opens nor ends an incident
	}
	return b.withRollUps(events, v.At)
}

// outdated reports whether the check's status was decided at the verdict's position or a later one.
// A silence has no position of its own, and a check that is pending was reset by a command: there
// the time tells.
func outdated(c Check, v Verdict) bool {
	if v.ResultID == "" {
		return v.At.Before(c.StatusSince) || (v.Position != (Position{}) && c.DecidedAt.After(v.Position))
	}
	return !v.Position.After(c.DecidedAt) || (c.Pending && v.At.Before(c.StatusSince))
}

// nextIncident numbers the incidents of a check: the same state always yields the same id.
func (b *Board) nextIncident(checkID string) string {
	return fmt.Sprintf("%s-%d", checkID, b.checks[checkID].Incidents+1)
}

// resolve ends the open incident of a check, if there is one.
func (b *Board) resolve(c Check, at time.Time, resolution string) []Event {
	if c.Incident == "" {
		return nil
	}
	opened := at
	if i := b.incidents[c.Incident]; i != nil {
		opened = i.OpenedAt
	}
	return []Event{IncidentResolved{
		IncidentID: c.Incident, CheckID: c.ID, Service: c.Service, OpenedAt: opened,
		ResolvedAt: at, DurationMS: max(0, at.Sub(opened).Milliseconds()), Resolution: resolution,
	}}
}

// withRollUps adds the changes of status that the events bring to their services.
func (b *Board) withRollUps(events []Event, at time.Time) []Event {
	if len(events) == 0 {
		return nil
	}
	after := b.preview(events)
	for _, id := range b.affected(events) {
		before, ok := b.Service(id)
		if !ok {
			continue
		}
		policy := before.Rollup
		for _, e := range events {
			if updated, ok := e.(ServiceUpdated); ok {
				policy = updated.Definition.Rollup
			}
		}
		counted := b.censusAfter(id, after)
		status := counted.rollUp(policy)
		if status == before.Status {
			continue
		}
		change := ServiceStatusChanged{ServiceID: id, From: before.Status, To: status, At: at}
		change.CheckID, change.Reason = blame(events, id, after)
		events = append(events, change)
	}
	return events
}

// affected returns the services whose roll-up the events may change, each once.
func (b *Board) affected(events []Event) []string {
	var ids []string
	add := func(id string) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, e := range events {
		switch e := e.(type) {
		case CheckRegistered:
			add(e.Definition.Service)
		case CheckUpdated:
			add(b.checks[e.Definition.ID].Definition.Service)
			add(e.Definition.Service)
		case CheckDeleted:
			add(e.Service)
		case CheckStatusChanged:
			add(e.Service)
		case ServiceUpdated:
			add(e.Definition.ID)
		case CheckPaused, CheckResumed, CheckSucceeded, CheckFailed, ServiceRegistered, ServiceDeleted,
			ServiceStatusChanged, PageRegistered, PageUpdated, PageDeleted, IncidentOpened, IncidentResolved,
			CorrectionAdded, CorrectionWithdrawn, RunnerJoined, RunnerLeft:
		}
	}
	return ids
}

// preview returns the checks that the events change as they will leave them.
func (b *Board) preview(events []Event) map[string]*checkState {
	changed := make(map[string]*checkState)
	scratch := &Board{checks: changed, members: make(map[string]*membership)}
	for _, e := range events {
		kind, id := e.Aggregate()
		if kind != "check" {
			continue
		}
		if changed[id] == nil && b.checks[id] != nil {
			kept := *b.checks[id]
			changed[id] = &kept
		}
		scratch.apply(EventMessage{Event: e})
	}
	return changed
}

// censusAfter counts the checks of a service as they will be when those given have changed.
func (b *Board) censusAfter(service string, changed map[string]*checkState) census {
	var counted census
	m := b.members[service]
	if m != nil {
		counted = m.census
	}
	for id, c := range changed {
		if m != nil {
			if _, there := m.ids[id]; there {
				counted.add(&b.checks[id].Check, -1)
			}
		}
		if !c.Deleted && c.Definition.Service == service {
			counted.add(&c.Check, 1)
		}
	}
	return counted
}

// blame names the check whose events changed a roll-up, and why.
func blame(events []Event, service string, changed map[string]*checkState) (checkID, reason string) {
	for _, e := range events {
		if kind, id := e.Aggregate(); kind == "check" {
			checkID = id
		}
	}
	if c := changed[checkID]; c != nil && !c.Deleted && c.Definition.Service == service {
		return checkID, c.Reason
	}
	return checkID, ""
}
