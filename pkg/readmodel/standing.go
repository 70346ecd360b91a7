package readmodel

import (
	"encoding/json"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// standing is a check without its definition: all the rest of monitor.Check.
type standing struct {
	Revision    uint64           `json:"revision"`
	Status      monitor.Status   `json:"status"`
	StatusSince time.Time        `json:"status_since"`
	CreatedAt   time.Time        `json:"created_at"`
	UpdatedAt   time.Time        `json:"updated_at"`
	DecidedAt   monitor.Position `json:"decided_at,omitzero"`
	Incident    string           `json:"incident,omitempty"`
	Reason      string           `json:"reason,omitempty"`
	Pending     bool             `json:"pending,omitempty"`
	Sequence    uint64           `json:"sequence"`
}

func writeStanding(c *checkEntry) (definition, body []byte) {
	return encode(c.Definition), encode(standing{
		c.Revision, c.Status, c.StatusSince, c.CreatedAt, c.UpdatedAt, c.DecidedAt, c.Incident, c.Reason, c.Pending, c.Sequence,
	})
}

func readStanding(definition, body []byte) (*checkEntry, error) {
	c := &checkEntry{}
	var err error
	if c.Definition, err = readDefinition(definition); err != nil {
		return nil, err
	}
	return c, c.stand(body)
}

// stand sets all but the definition.
func (c *checkEntry) stand(body []byte) error {
	s, ok := scanStanding(body)
	if !ok {
		s = standing{}
		if err := json.Unmarshal(body, &s); err != nil {
			return err
		}
	}
	c.Revision, c.Status, c.StatusSince, c.CreatedAt, c.UpdatedAt = s.Revision, s.Status, s.StatusSince, s.CreatedAt, s.UpdatedAt
	c.DecidedAt, c.Incident, c.Reason, c.Pending, c.Sequence = s.DecidedAt, s.Incident, s.Reason, s.Pending, s.Sequence
	return nil
}
