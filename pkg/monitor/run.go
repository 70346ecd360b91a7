package monitor

// Steady reports whether one more result with an outcome, at a location, leaves the location as it
// stands: up, degraded or down as the outcome is.
func (t *Tallies) Steady(checkID, location string, outcome Outcome) bool {
	sum := t.checks[checkID]
	if sum == nil {
		return false
	}
	at := sum.Locations[location]
	if at == nil {
		return false
	}
	switch outcome {
	case OutcomeSuccess:
		return at.Status == StatusUp
	case OutcomeDegraded:
		return at.Status == StatusDegraded
	case OutcomeFailure:
		return at.Status == StatusDown
	case OutcomeError:
	}
	return false
}

// Continue counts n results of one location in a row for which it was Steady, each accepted and none so
// late that the location had become stale. m carries the last of them. It gives what n times Apply
// gives. Several locations are continued in the order of their last results.
func (t *Tallies) Continue(m EventMessage, n int) {
	result, ok := ResultOf(m.Event)
	sum := t.checks[result.CheckID]
	if !ok || sum == nil || sum.Locations[result.Location] == nil {
		return
	}
	at := sum.Locations[result.Location]
	at.LastDue, at.SeenAt, at.Reason = result.DueAt, m.storedAt(), result.Error
	if result.Outcome == OutcomeFailure {
		at.Failures, at.Successes = at.Failures+n, 0
	} else {
		at.Failures, at.Successes = 0, at.Successes+n
	}
	sum.Position, sum.Decisive, sum.ResultID, sum.Reason = m.Position(), m.Position(), result.ID, result.Error
	sum.At = result.FinishedAt()
}

// Fresh reports whether all locations of a check have data.
func (t *Tallies) Fresh(def Definition) bool {
	sum := t.checks[def.ID]
	if sum == nil {
		return false
	}
	for _, name := range def.Locations {
		if at := sum.Locations[name]; at == nil || at.SeenAt.IsZero() {
			return false
		}
	}
	return true
}
