package monitor

import "time"

// Hearing is what one result leads to. The verdicts are to be judged in order.
type Hearing struct {
	// Silence is the verdict before the result came, where a location had fallen silent since the
	// result before it; WasSilent says whether one had.
	Silence   Verdict
	WasSilent bool
	Verdict   Verdict
}

// Hear counts the result that m carries. What a silence before it led to, and what it leads to
// itself, is told for the time when it was stored, so that whoever reads it later is told the same.
// Not ok, and nothing counted, for a result that Apply passes over.
func (t *Tallies) Hear(def Definition, m EventMessage) (h Hearing, ok bool) {
	stored := m.storedAt()
	if h.WasSilent = t.fellSilent(def, stored); h.WasSilent {
		h.Silence = t.Verdict(def, stored)
	}
	if !t.Apply(def, m) {
		return Hearing{}, false
	}
	h.Verdict = t.Verdict(def, stored)
	return h, true
}

// fellSilent reports whether the data of a location had become stale by a time, but not yet when the
// last result came.
func (t *Tallies) fellSilent(def Definition, by time.Time) bool {
	sum := t.checks[def.ID]
	if sum == nil {
		return false
	}
	var last time.Time
	for _, name := range def.Locations {
		if at := sum.Locations[name]; at != nil && at.SeenAt.After(last) {
			last = at.SeenAt
		}
	}
	stale := t.StaleAt(def, last)
	return !stale.IsZero() && by.After(stale)
}

// storedAt is when the message was stored; when it was made, where that is not known.
func (m Meta) storedAt() time.Time {
	if m.StoredAt.IsZero() {
		return m.Time
	}
	return m.StoredAt
}

// Deadline returns the time after which silence may change the check's status as it was evaluated last,
// zero for never: what ends at the very time of the evaluation had not ended for it. A status without any
// data behind it that was never evaluated is overdue at once.
func (t *Tallies) Deadline(check Check, evaluated time.Time) time.Time {
	if check.Paused {
		return time.Time{}
	}
	at := t.StaleAt(check.Definition, evaluated)
	if check.Pending {
		if patience := patienceEnds(check); !patience.Before(evaluated) && (at.IsZero() || patience.Before(at)) {
			at = patience
		}
	}
	if at.IsZero() && evaluated.IsZero() && check.Status != StatusUnknown {
		return check.StatusSince
	}
	return at
}

// Silence is the verdict about a check whose deadline has passed at the given time.
func (t *Tallies) Silence(check Check, at time.Time) Verdict {
	v := t.Verdict(check.Definition, at)
	if check.Pending && v.ResultID == "" && !v.At.After(patienceEnds(check)) {
		// What was known of it, from before it was registered or resumed, went stale while there
		// still was patience: what counts is when that ends.
		v.At = at
	}
	return v
}

// patienceEnds is when a check that has not run since it was registered or resumed is overdue.
func patienceEnds(check Check) time.Time { return staleAt(check.Definition, check.StatusSince) }
