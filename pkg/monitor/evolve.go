package monitor

import "slices"

// Evolve folds one event. It never fails: what it does not know it passes over, and an event at or
// before the last sequence folded changes nothing.
func (b *Board) Evolve(m EventMessage) {
	if m.Sequence <= b.sequence {
		return
	}
	b.apply(m)
	b.settle(m)
}

// Stage folds an event that is about to be written and has no sequence yet.
func (b *Board) Stage(m EventMessage) {
	if b.staged == nil {
		b.staged = make(map[[2]string]func())
	}
	b.apply(m)
}

// Settle makes what was staged final: written are the staged events as the log returned them.
func (b *Board) Settle(written []EventMessage) {
	b.staged = nil
	for _, m := range written {
		b.settle(m)
	}
}

// Undo takes back everything staged since the last Settle.
func (b *Board) Undo() {
	for _, restore := range b.staged {
		restore()
	}
	b.staged = nil
	b.indexMembers()
}

// settle records where an applied event stands in the log.
func (b *Board) settle(m EventMessage) {
	b.sequence = max(b.sequence, m.Sequence)
	kind, id := m.Event.Aggregate()
	h := b.history(kind, id)
	if h == nil {
		return
	}
	h.Sequence = m.Sequence
	if m.CommandID != "" {
		h.remember(commandMark{ID: m.CommandID, Sequence: m.Sequence, Revision: b.Revision(kind, id)})
	}
	if i := b.incidents[id]; kind == "incident" && i != nil && !i.Open() {
		delete(b.incidents, id)
	}
}

// remember copies on append, since states are put back by value.
func (h *history) remember(mark commandMark) {
	commands := h.Commands
	if n := len(commands); n > 0 && commands[n-1].ID == mark.ID {
		commands = commands[:n-1]
	} else if n >= rememberedCommands {
		commands = commands[1:]
	}
	h.Commands = append(slices.Clip(commands), mark)
}

// saveState notes how to put one aggregate back, once per staging.
func saveState[S any](b *Board, kind, id string, states map[string]*S) {
	key := [2]string{kind, id}
	if b.staged == nil || b.staged[key] != nil {
		return
	}
	before, existed := states[id]
	if !existed {
		b.staged[key] = func() { delete(states, id) }
		return
	}
	kept := *before
	b.staged[key] = func() { states[id] = &kept }
}

func (b *Board) apply(m EventMessage) {
	switch e := m.Event.(type) {
	case CheckRegistered:
		b.applyDefinition(m, e.Definition, true)
	case CheckUpdated:
		b.applyDefinition(m, e.Definition, false)
	case CheckDeleted:
		b.editCheck(e.CheckID, func(c *checkState) {
			c.Deleted, c.Incident = true, ""
			c.Revision++
			c.UpdatedAt = m.Time
		})
	case CheckPaused:
		b.editCheck(e.CheckID, func(c *checkState) {
			c.Paused, c.Pending = true, false
			c.Revision++
			c.UpdatedAt = m.Time
		})
	case CheckResumed:
		b.editCheck(e.CheckID, func(c *checkState) {
			c.Paused, c.Pending = false, true
			c.Revision++
			c.UpdatedAt = m.Time
		})
	case CheckStatusChanged:
		b.editCheck(e.CheckID, func(c *checkState) { c.changeStatus(e) })
	case ServiceRegistered:
		b.applyService(m, e.Definition, true)
	case ServiceUpdated:
		b.applyService(m, e.Definition, false)
	case ServiceDeleted:
		b.editService(e.ServiceID, func(s *serviceState) {
			s.Deleted = true
			s.Revision++
			s.UpdatedAt = m.Time
		})
	case ServiceStatusChanged:
		b.editService(e.ServiceID, func(s *serviceState) { s.Status, s.StatusSince = e.To, e.At })
	case PageRegistered:
		b.applyPage(m, e.Definition, true)
	case PageUpdated:
		b.applyPage(m, e.Definition, false)
	case PageDeleted:
		b.removePage(m, e.PageID)
	case CorrectionAdded:
		b.applyCorrection(m, e.Definition)
	case CorrectionWithdrawn:
		b.takeBackCorrection(m, e)
	case IncidentOpened:
		b.openIncident(e)
	case IncidentResolved:
		b.resolveIncident(e)
	case RunnerJoined:
		b.joinRunner(e)
	case RunnerLeft:
		if r := b.runners[e.RunnerID]; r != nil {
			saveState(b, "runner", e.RunnerID, b.runners)
			r.LeftAt, r.Reason = e.At, e.Reason
		}
	case CheckSucceeded, CheckFailed: // they live in RESULTS, and are folded by Tallies
	}
}

func (b *Board) joinRunner(e RunnerJoined) {
	saveState(b, "runner", e.RunnerID, b.runners)
	kept := history{}
	if before := b.runners[e.RunnerID]; before != nil {
		kept = before.History
	}
	b.runners[e.RunnerID] = &runnerState{History: kept, Runner: Runner{ID: e.RunnerID, Location: e.Location, Host: e.Host, Version: e.Version, Concurrency: e.Concurrency, JoinedAt: e.At}}
}

func (b *Board) applyDefinition(m EventMessage, d Definition, fresh bool) {
	saveState(b, "check", d.ID, b.checks)
	c := b.checks[d.ID]
	if c == nil {
		c = &checkState{}
		b.checks[d.ID] = c
	}
	b.leave(c)
	c.Definition = d
	c.Revision++
	c.UpdatedAt = m.Time
	if fresh {
		c.Deleted, c.Incident, c.Reason = false, "", ""
		c.CreatedAt, c.StatusSince = m.Time, m.Time
		c.Status, c.Pending = StatusUnknown, true
		if d.Paused {
			c.Status, c.Pending = StatusPaused, false
		}
	}
	b.join(c)
}

func (b *Board) editCheck(id string, edit func(*checkState)) {
	c := b.checks[id]
	if c == nil {
		return
	}
	saveState(b, "check", id, b.checks)
	b.leave(c)
	edit(c)
	b.join(c)
}

// changeStatus follows a decision. A check stays pending until a result or the end of patience
// (unknown to unknown) decides.
func (c *checkState) changeStatus(e CheckStatusChanged) {
	c.Status, c.StatusSince, c.Reason = e.To, e.At, e.Reason
	if e.Position != (Position{}) {
		c.DecidedAt = e.Position
	}
	if e.ResultID != "" || e.From == e.To {
		c.Pending = false
	}
}

func (b *Board) applyService(m EventMessage, d ServiceDefinition, fresh bool) {
	saveState(b, "service", d.ID, b.services)
	s := b.services[d.ID]
	if s == nil {
		s = &serviceState{}
		b.services[d.ID] = s
	}
	s.ServiceDefinition = d
	s.Revision++
	s.UpdatedAt = m.Time
	if fresh {
		s.Deleted = false
		s.CreatedAt, s.StatusSince, s.Status = m.Time, m.Time, StatusUnknown
	}
}

func (b *Board) editService(id string, edit func(*serviceState)) {
	if s := b.services[id]; s != nil {
		saveState(b, "service", id, b.services)
		edit(s)
	}
}

func (b *Board) openIncident(e IncidentOpened) {
	saveState(b, "incident", e.IncidentID, b.incidents)
	b.incidents[e.IncidentID] = &incidentState{Incident: Incident{ID: e.IncidentID, CheckID: e.CheckID, Service: e.Service, OpenedAt: e.OpenedAt, Cause: e.Cause}}
	b.editCheck(e.CheckID, func(c *checkState) {
		c.Incident = e.IncidentID
		c.Incidents++
	})
}

func (b *Board) resolveIncident(e IncidentResolved) {
	if i := b.incidents[e.IncidentID]; i != nil {
		saveState(b, "incident", e.IncidentID, b.incidents)
		i.ResolvedAt, i.Resolution, i.DurationMS = e.ResolvedAt, e.Resolution, e.DurationMS
	}
	b.editCheck(e.CheckID, func(c *checkState) {
		if c.Incident == e.IncidentID {
			c.Incident = ""
		}
	})
}

// join and leave keep the index of the checks of a service. A check leaves as it was counted: before
// it is changed.
func (b *Board) join(c *checkState) {
	if c.Deleted {
		return
	}
	m := b.members[c.Definition.Service]
	if m == nil {
		m = &membership{ids: make(map[string]struct{})}
		b.members[c.Definition.Service] = m
	}
	m.ids[c.ID] = struct{}{}
	m.add(&c.Check, 1)
}

func (b *Board) leave(c *checkState) {
	m := b.members[c.Definition.Service]
	if m == nil {
		return
	}
	if _, there := m.ids[c.ID]; there {
		delete(m.ids, c.ID)
		m.add(&c.Check, -1)
	}
}

func (b *Board) indexMembers() {
	b.members = make(map[string]*membership)
	for _, c := range b.checks {
		b.join(c)
	}
}
