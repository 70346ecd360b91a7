package monitor

import (
	"fmt"
	"time"
)

// CorrectionKind is what a past span was in truth.
type CorrectionKind string

// The kinds of corrections.
const (
	// CorrectionMaintenance leaves what was found in the span out of uptime.
	CorrectionMaintenance CorrectionKind = "maintenance"
	// CorrectionFalsePositive counts what was found down or degraded in the span as up.
	CorrectionFalsePositive CorrectionKind = "false_positive"
)

// CorrectionKinds returns every kind.
func CorrectionKinds() []CorrectionKind {
	return []CorrectionKind{CorrectionMaintenance, CorrectionFalsePositive}
}

// Valid reports whether k is one of the kinds.
func (k CorrectionKind) Valid() bool {
	switch k {
	case CorrectionMaintenance, CorrectionFalsePositive:
		return true
	}
	return false
}

// CorrectionDefinition is what a user says of a past span of a check or of a service. It counts for the
// executions that were due in it, and changes neither them nor what was decided by them.
type CorrectionDefinition struct {
	// ID is [a-z0-9][a-z0-9_-]{0,63}; that of a withdrawn one is not given again.
	ID string `json:"id"`
	// Check or Service names what is corrected, one of them; of a service all checks are.
	Check   string `json:"check,omitempty"`
	Service string `json:"service,omitempty"`
	// From is inclusive, To exclusive, both whole minutes.
	From   time.Time      `json:"from"`
	To     time.Time      `json:"to"`
	Kind   CorrectionKind `json:"kind"`
	Reason string         `json:"reason"`
}

// Bounds of a correction.
const (
	// MaxCorrection is the longest span, MaxCorrectionAge how far back it may begin: older uptime is
	// shown nowhere.
	MaxCorrection    = Duration(31 * 24 * time.Hour)
	MaxCorrectionAge = Duration(91 * 24 * time.Hour)
	// MaxReason is the length of a reason in bytes.
	MaxReason = 1000
	// MaxCorrections is how many of one check or service may stand at a time.
	MaxCorrections = 1000
)

// WithDefaults returns d with its span widened to whole minutes.
func (d CorrectionDefinition) WithDefaults() CorrectionDefinition {
	d.From = d.From.UTC().Truncate(time.Minute)
	d.To = wholeMinute(d.To)
	return d
}

// wholeMinute is the time itself, or the next whole minute.
func wholeMinute(at time.Time) time.Time {
	at = at.UTC()
	if cut := at.Truncate(time.Minute); cut.Before(at) {
		return cut.Add(time.Minute)
	}
	return at
}

// Validate reports everything wrong with d but for whether the span is past. Defaults are to be applied
// before.
func (d CorrectionDefinition) Validate() Problems {
	var p Problems
	validateID(&p, "id", d.ID)
	switch {
	case d.Check == "" && d.Service == "":
		p.Add("check", "is required, or service: name the one that is corrected")
	case d.Check != "" && d.Service != "":
		p.Add("service", "and check exclude each other: name one of them")
	case d.Check != "":
		validateID(&p, "check", d.Check)
	default:
		validateID(&p, "service", d.Service)
	}
	d.validateSpan(&p)
	if !d.Kind.Valid() {
		p.Add("kind", "%q is no kind: use maintenance or false_positive", clip(string(d.Kind)))
	}
	validateText(&p, "reason", d.Reason, 1, MaxReason)
	return p
}

func (d CorrectionDefinition) validateSpan(p *Problems) {
	if d.From.IsZero() {
		p.Add("from", "is required: say when the span began, as in 2026-03-14T22:00:00Z")
	}
	switch {
	case d.To.IsZero():
		p.Add("to", "is required: say when the span ended, as in 2026-03-14T23:00:00Z")
	case d.From.IsZero():
	case !d.To.After(d.From):
		p.Add("to", "is not after from: give a later time")
	case d.To.Sub(d.From) > MaxCorrection.Std():
		p.Add("to", "is %s after from: correct at most %s at once, in several parts if need be", Duration(d.To.Sub(d.From)), MaxCorrection)
	}
}

// validatePast reports what is not past as of now, or past for too long.
func (d CorrectionDefinition) validatePast(p *Problems, now time.Time) {
	if d.To.After(wholeMinute(now)) {
		p.Add("to", "%s is not past: end the span now at the latest", d.To.Format(time.RFC3339))
	}
	if !d.From.IsZero() && now.Sub(d.From) > MaxCorrectionAge.Std() {
		p.Add("from", "%s is more than %s ago: older uptime is not kept", d.From.Format(time.RFC3339), MaxCorrectionAge)
	}
}

// Correction is a correction as the events tell it.
type Correction struct {
	CorrectionDefinition
	Revision uint64    `json:"revision"`
	AddedAt  time.Time `json:"added_at"`
	// WithdrawnAt is when it was taken back, for WithdrawnReason; zero while it stands.
	WithdrawnAt     time.Time `json:"withdrawn_at,omitzero"`
	WithdrawnReason string    `json:"withdrawn_reason,omitempty"`
}

// StoodAt reports whether it had been added by an instant, and not been withdrawn.
func (c *Correction) StoodAt(at time.Time) bool {
	return !c.AddedAt.After(at) && (c.WithdrawnAt.IsZero() || c.WithdrawnAt.After(at))
}

type correctionState struct {
	Correction
	History history `json:"history"`
}

// Correction returns a correction, withdrawn ones included.
func (b *Board) Correction(id string) (Correction, bool) {
	if c := b.corrections[id]; c != nil {
		return c.Correction, true
	}
	return Correction{}, false
}

func (b *Board) addCorrection(d CorrectionDefinition, now time.Time) ([]Event, error) {
	d = d.WithDefaults()
	p := d.Validate()
	d.validatePast(&p, now)
	b.requireSubject(&p, d, now)
	if err := p.Err(); err != nil {
		return nil, err
	}
	if _, taken := b.Correction(d.ID); taken {
		return nil, fmt.Errorf("correction %q %w: choose another id", d.ID, ErrExists)
	}
	return []Event{CorrectionAdded{Definition: d}}, nil
}

// requireSubject wants what is corrected to exist, with room for one more correction of it.
func (b *Board) requireSubject(p *Problems, d CorrectionDefinition, now time.Time) {
	field, id := "check", d.Check
	_, exists := b.Check(id)
	if d.Service != "" {
		field, id = "service", d.Service
		_, exists = b.Service(id)
	}
	if !ValidID(id) || (d.Check != "" && d.Service != "") {
		return // told by Validate
	}
	if !exists {
		p.Add(field, "%q does not exist: name one that does", id)
		return
	}
	standing := 0
	for _, c := range b.corrections {
		if c.Check == d.Check && c.Service == d.Service && c.WithdrawnAt.IsZero() && now.Sub(c.To) < MaxCorrectionAge.Std() {
			standing++
		}
	}
	if standing >= MaxCorrections {
		p.Add(field, "%q has %d corrections, as many as one may have: withdraw some, or correct a longer span at once", id, standing)
	}
}

func (b *Board) withdrawCorrection(c WithdrawCorrection) ([]Event, error) {
	before, ok := b.Correction(c.CorrectionID)
	if !ok {
		return nil, fmt.Errorf("correction %q %w", clip(c.CorrectionID), ErrNotFound)
	}
	if err := expectRevision("correction", c.CorrectionID, before.Revision, c.ExpectedRevision); err != nil {
		return nil, err
	}
	var p Problems
	validateText(&p, "reason", c.Reason, 1, MaxReason)
	if err := p.Err(); err != nil || !before.WithdrawnAt.IsZero() {
		return nil, err
	}
	return []Event{CorrectionWithdrawn{CorrectionID: before.ID, Check: before.Check, Service: before.Service, Reason: c.Reason}}, nil
}

func (b *Board) applyCorrection(m EventMessage, d CorrectionDefinition) {
	saveState(b, "correction", d.ID, b.corrections)
	b.corrections[d.ID] = &correctionState{Correction: Correction{CorrectionDefinition: d, Revision: 1, AddedAt: m.Time}}
}

func (b *Board) takeBackCorrection(m EventMessage, e CorrectionWithdrawn) {
	if c := b.corrections[e.CorrectionID]; c != nil {
		saveState(b, "correction", e.CorrectionID, b.corrections)
		c.Revision++
		c.WithdrawnAt, c.WithdrawnReason = m.Time, e.Reason
	}
}
