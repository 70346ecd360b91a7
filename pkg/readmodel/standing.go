package readmodel

import (
	"encoding/json"
	"time"

	"github.com/vedette/vedette/pkg/jsonscan"
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
		if err := json.Unmarshal(body, &s); err != nil {
			return err
		}
	}
	c.Revision, c.Status, c.StatusSince, c.CreatedAt, c.UpdatedAt = s.Revision, s.Status, s.StatusSince, s.CreatedAt, s.UpdatedAt
	c.DecidedAt, c.Incident, c.Reason, c.Pending, c.Sequence = s.DecidedAt, s.Incident, s.Reason, s.Pending, s.Sequence
	return nil
}

// scanStanding reads what writeStanding writes: a board of the past reads one of each check. Not ok for what
// is written in another way.
func scanStanding(body []byte) (one standing, ok bool) {
	s := jsonscan.New(body)
	s.Object(func(key []byte) int {
		switch string(key) {
		case "revision":
			one.Revision = s.Unsigned()
			return 1
		case "status":
			one.Status = monitor.Status(s.Text(string(monitor.StatusUp)))
			return 2
		case "status_since":
			one.StatusSince = s.Time()
			return 3
		case "created_at":
			one.CreatedAt = s.Time()
			return 4
		case "updated_at":
			one.UpdatedAt = s.Time()
			return 5
		case "decided_at":
			one.DecidedAt = scanPosition(s)
			return 6
		case "incident":
			one.Incident = s.Text()
			return 7
		case "reason":
			one.Reason = s.Text()
			return 8
		case "pending":
			one.Pending = s.Boolean()
			return 9
		case "sequence":
			one.Sequence = s.Unsigned()
			return 10
		}
		return 0
	})
	return one, s.Whole()
}

func scanPosition(s *jsonscan.Scanner) (p monitor.Position) {
	s.Object(func(key []byte) int {
		switch string(key) {
		case "sequence":
			p.Sequence = s.Unsigned()
			return 1
		case "index":
			p.Index = s.Integer()
			return 2
		}
		return 0
	})
	return p
}
