package monitor

import (
	"encoding/json"
	"fmt"
	"time"
)

type boardSnapshot struct {
	Sequence    uint64                      `json:"sequence"`
	Checks      map[string]*checkState      `json:"checks"`
	Services    map[string]*serviceState    `json:"services"`
	Incidents   map[string]*incidentState   `json:"incidents"`
	Runners     map[string]*runnerState     `json:"runners"`
	Pages       map[string]*pageState       `json:"pages,omitempty"`
	Corrections map[string]*correctionState `json:"corrections,omitempty"`
}

// MarshalJSON writes a snapshot. It fails while events are staged.
func (b *Board) MarshalJSON() ([]byte, error) {
	if b.staged != nil {
		return nil, fmt.Errorf("snapshot of a board with staged events")
	}
	return json.Marshal(boardSnapshot{b.sequence, b.checks, b.services, b.incidents, b.runners, b.pages, b.corrections})
}

// UnmarshalJSON reads a snapshot.
func (b *Board) UnmarshalJSON(raw []byte) error {
	fresh := NewBoard()
	s := boardSnapshot{Checks: fresh.checks, Services: fresh.services, Incidents: fresh.incidents, Runners: fresh.runners, Pages: fresh.pages, Corrections: fresh.corrections}
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	*b = *fresh
	b.sequence, b.checks, b.services, b.incidents, b.runners, b.pages, b.corrections = s.Sequence, s.Checks, s.Services, s.Incidents, s.Runners, s.Pages, s.Corrections
	b.indexMembers()
	return nil
}

// Clone returns a copy that shares nothing that changes, so that it can be written as a snapshot by
// another goroutine. It must not be called while events are staged.
func (b *Board) Clone() *Board {
	c := NewBoard()
	c.sequence = b.sequence
	cloneStates(c.checks, b.checks)
	cloneStates(c.services, b.services)
	cloneStates(c.incidents, b.incidents)
	cloneStates(c.runners, b.runners)
	cloneStates(c.pages, b.pages)
	cloneStates(c.corrections, b.corrections)
	c.indexMembers()
	return c
}

// cloneStates copies by value: what states point to is replaced, never changed.
func cloneStates[S any](to, from map[string]*S) {
	states := make([]S, 0, len(from))
	for id, state := range from {
		states = append(states, *state)
		to[id] = &states[len(states)-1]
	}
}

// Clone returns a copy that shares nothing that changes.
func (t *Tallies) Clone() *Tallies {
	c := &Tallies{checks: make(map[string]*tally, len(t.checks))}
	for id, sum := range t.checks {
		kept := *sum
		kept.Locations = make(map[string]*locationTally, len(sum.Locations))
		cloneStates(kept.Locations, sum.Locations)
		c.checks[id] = &kept
	}
	return c
}

// StaleAt returns the first time, not before the given one, after which the data of one of the check's
// locations is stale, so that silence may change its verdict; the zero time when none becomes so.
func (t *Tallies) StaleAt(def Definition, from time.Time) time.Time {
	var first time.Time
	sum := t.checks[def.ID]
	if sum == nil {
		return first
	}
	for _, name := range def.Locations {
		at := sum.Locations[name]
		if at == nil || at.SeenAt.IsZero() {
			continue
		}
		if stale := staleAt(def, at.SeenAt); !stale.Before(from) && (first.IsZero() || stale.Before(first)) {
			first = stale
		}
	}
	return first
}
