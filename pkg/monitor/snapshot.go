package monitor

import (
	"encoding/json"
	"fmt"
)

type boardSnapshot struct {
	Sequence  uint64                    `json:"sequence"`
	Checks    map[string]*checkState    `json:"checks"`
	Services  map[string]*serviceState  `json:"services"`
	Incidents map[string]*incidentState `json:"incidents"`
	Runners   map[string]*runnerState   `json:"runners"`
}

// MarshalJSON writes a snapshot. It fails while events are staged.
func (b *Board) MarshalJSON() ([]byte, error) {
	if b.staged != nil {
		return nil, fmt.Errorf("snapshot of a board with staged events")
	}
	return json.Marshal(boardSnapshot{b.sequence, b.checks, b.services, b.incidents, b.runners})
}

// UnmarshalJSON reads a snapshot.
func (b *Board) UnmarshalJSON(raw []byte) error {
	fresh := NewBoard()
	s := boardSnapshot{Checks: fresh.checks, Services: fresh.services, Incidents: fresh.incidents, Runners: fresh.runners}
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	*b = *fresh
	b.sequence, b.checks, b.services, b.incidents, b.runners = s.Sequence, s.Checks, s.Services, s.Incidents, s.Runners
	b.indexMembers()
	return nil
}
