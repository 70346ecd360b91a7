package monitor

import (
	"encoding/json"
	"fmt"
	"time"
)

// Tallies is the fold of RESULTS: per check and location, how many executions in a row succeeded or
// failed, and when the last conclusive one was stored. It is not safe for concurrent use.
type Tallies struct {
	checks map[string]*tally
}

// tally is what the results of one check add up to.
type tally struct {
	// Position is that of the last message applied; Decisive that of the last accepted and
	// conclusive result, which At, Reason and ResultID describe.
	Position  Position                  `json:"position"`
	Decisive  Position                  `json:"decisive,omitzero"`
	At        time.Time                 `json:"at,omitzero"`
	Reason    string                    `json:"reason,omitempty"`
	ResultID  string                    `json:"result_id,omitempty"`
	Locations map[string]*locationTally `json:"locations"`
}

// locationTally is what they add up to at one location.
type locationTally struct {
	LastDue time.Time `json:"last_due"`
	// SeenAt is when the last conclusive result was stored.
	SeenAt    time.Time `json:"seen_at,omitzero"`
	Failures  int       `json:"failures,omitempty"`
	Successes int       `json:"successes,omitempty"`
	Status    Status    `json:"status"`
	Reason    string    `json:"reason,omitempty"`
}

// Verdict is what the tallies of a check say of its status.
type Verdict struct {
	Status Status
	// At is when the deciding result was finished, when the data became stale, or, for a check
	// without any data, the time of asking.
	At     time.Time
	Reason string
	// Position is the place in RESULTS of the last result that was counted.
	Position Position
	// ResultID names the deciding execution; empty when silence decided.
	ResultID string
}

// NewTallies returns the fold of nothing.
func NewTallies() *Tallies { return &Tallies{checks: make(map[string]*tally)} }

// Apply counts the result that m carries. It returns false, and counts nothing, for a result whose
// due time is not later than the last accepted one of that check and location (late or repeated),
// for a position already applied, and for a location that the definition does not name. An
// execution that could not run is accepted but proves nothing: it keeps no check from going stale.
func (t *Tallies) Apply(def Definition, m EventMessage) bool {
	result, ok := ResultOf(m.Event)
	if !ok {
		return false
	}
	sum := t.checks[result.CheckID]
	if sum == nil {
		sum = &tally{Locations: make(map[string]*locationTally)}
		t.checks[result.CheckID] = sum
	}
	if !m.Position().After(sum.Position) {
		return false
	}
	sum.Position = m.Position()
	at := sum.location(def, result.Location)
	if at == nil || !result.DueAt.After(at.LastDue) {
		return false
	}
	at.LastDue = result.DueAt
	if result.Outcome == OutcomeError {
		return true
	}
	at.count(def, result, m.storedAt())
	sum.Decisive, sum.ResultID, sum.Reason = m.Position(), result.ID, result.Error
	sum.At = result.FinishedAt()
	return true
}

// location returns the tally of one of the definition's locations, nil for any other.
func (s *tally) location(def Definition, name string) *locationTally {
	for _, known := range def.Locations {
		if known != name {
			continue
		}
		at := s.Locations[name]
		if at == nil {
			at = &locationTally{Status: StatusUnknown}
			s.Locations[name] = at
		}
		return at
	}
	return nil
}

// count moves the location by one conclusive result. What was counted before a silence that made
// the location stale is void.
func (l *locationTally) count(def Definition, result Result, stored time.Time) {
	if l.SeenAt.IsZero() || stored.After(staleAt(def, l.SeenAt)) {
		l.Failures, l.Successes, l.Status = 0, 0, StatusUnknown
	}
	l.SeenAt, l.Reason = stored, result.Error
	if result.Outcome == OutcomeFailure {
		l.Failures, l.Successes = l.Failures+1, 0
		if l.Failures >= def.FailureThreshold {
			l.Status = StatusDown
		}
		return
	}
	l.Failures, l.Successes = 0, l.Successes+1
	if l.Status == StatusDown && l.Successes < def.SuccessThreshold {
		return
	}
	l.Status = StatusUp
	if result.Outcome == OutcomeDegraded {
		l.Status = StatusDegraded
	}
}

// FinishedAt is when the execution ended.
func (r Result) FinishedAt() time.Time {
	return r.StartedAt.Add(time.Duration(r.DurationMS * float64(time.Millisecond)))
}

// staleAt is Timetable.StaleAt without building a timetable where only the interval matters.
func staleAt(def Definition, last time.Time) time.Time {
	if patience, ok := def.Patience(); ok {
		return last.Add(patience)
	}
	timetable, err := NewTimetable(def)
	if err != nil { // refused by Validate, so never stored
		return last
	}
	return timetable.StaleAt(last)
}

// Verdict says what the results counted so far make of a check at the time now. A location whose
// data is stale is unknown and has no say. Of the others, quorum down makes the check down; fewer,
// or any degraded, make it degraded. Without any it is unknown.
func (t *Tallies) Verdict(def Definition, now time.Time) Verdict {
	sum := t.checks[def.ID]
	if sum == nil {
		return Verdict{Status: StatusUnknown, At: now, Reason: neverRan(def)}
	}
	var known, down, degraded int
	var staleSince, seenAt time.Time
	var reason string
	for _, name := range def.Locations {
		at := sum.Locations[name]
		if at == nil || at.SeenAt.IsZero() {
			continue
		}
		if stale := staleAt(def, at.SeenAt); now.After(stale) {
			if stale.After(staleSince) {
				staleSince, seenAt = stale, at.SeenAt
			}
			continue
		}
		switch at.Status {
		case StatusDown:
			known, down, reason = known+1, down+1, at.Reason
		case StatusDegraded:
			known, degraded = known+1, degraded+1
		case StatusUp:
			known++
		case StatusUnknown, StatusPaused, StatusMaintenance:
		}
	}
	v := Verdict{At: sum.At, Position: sum.Decisive, ResultID: sum.ResultID}
	switch {
	case known == 0 && !staleSince.IsZero():
		return Verdict{Status: StatusUnknown, At: staleSince, Position: sum.Decisive, Reason: fmt.Sprintf("no result since %s", seenAt.UTC().Format(time.RFC3339))}
	case known == 0 && sum.ResultID == "":
		return Verdict{Status: StatusUnknown, At: now, Reason: neverRan(def)}
	case known == 0:
		v.Status = StatusUnknown
	case down >= def.Quorum:
		v.Status, v.Reason = StatusDown, reason
	case down > 0:
		v.Status, v.Reason = StatusDegraded, fmt.Sprintf("down at %d of %d locations: %s", down, known, reason)
	case degraded > 0:
		v.Status, v.Reason = StatusDegraded, "slower than "+def.DegradedAfter.String()
	default:
		v.Status = StatusUp
	}
	return v
}

func neverRan(def Definition) string {
	if def.Pushed() {
		return "no heartbeat has come yet"
	}
	return fmt.Sprintf("no result yet: is a runner at work at %v?", def.Locations)
}

// Forget drops what is known of a check.
func (t *Tallies) Forget(checkID string) { delete(t.checks, checkID) }

// MarshalJSON writes a snapshot.
func (t *Tallies) MarshalJSON() ([]byte, error) { return json.Marshal(t.checks) }

// UnmarshalJSON reads a snapshot.
func (t *Tallies) UnmarshalJSON(raw []byte) error {
	t.checks = make(map[string]*tally)
	return json.Unmarshal(raw, &t.checks)
}
