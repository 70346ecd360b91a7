package readmodel

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

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
	return new(definitions).standing(definition, body)
}

// stand sets all but the definition.
func (c *checkEntry) stand(body []byte) error {
	s, ok := readStandingFast(body)
	if !ok {
		if err := json.Unmarshal(body, &s); err != nil {
			return err
		}
	}
	c.Revision, c.Status, c.StatusSince, c.CreatedAt, c.UpdatedAt = s.Revision, s.Status, s.StatusSince, s.CreatedAt, s.UpdatedAt
	c.DecidedAt, c.Incident, c.Reason, c.Pending, c.Sequence = s.DecidedAt, s.Incident, s.Reason, s.Pending, s.Sequence
	return nil
}

// readStandingFast reads what writeStanding writes, without looking for what else JSON may hold: a
// board of the past reads one of each check. Not ok for what is written in another way.
func readStandingFast(body []byte) (s standing, ok bool) {
	r := standingReader{text: body}
	r.want(`{"revision":`)
	s.Revision = r.number()
	r.want(`,"status":`)
	s.Status = monitor.Status(r.string())
	r.want(`,"status_since":`)
	s.StatusSince = r.time()
	r.want(`,"created_at":`)
	s.CreatedAt = r.time()
	r.want(`,"updated_at":`)
	s.UpdatedAt = r.time()
	if r.has(`,"decided_at":{"sequence":`) {
		s.DecidedAt.Sequence = r.number()
		r.want(`,"index":`)
		s.DecidedAt.Index = int(r.number())
		r.want(`}`)
	}
	if r.has(`,"incident":`) {
		s.Incident = r.string()
	}
	if r.has(`,"reason":`) {
		s.Reason = r.string()
	}
	s.Pending = r.has(`,"pending":true`)
	r.want(`,"sequence":`)
	s.Sequence = r.number()
	r.want(`}`)
	if r.failed || len(r.text) > 0 {
		return standing{}, false
	}
	return s, true
}

// standingReader reads on until something is not as wanted.
type standingReader struct {
	text   []byte
	failed bool
}

func (r *standingReader) has(text string) bool {
	rest, ok := bytes.CutPrefix(r.text, []byte(text))
	if ok {
		r.text = rest
	}
	return ok
}

func (r *standingReader) want(text string) { r.failed = !r.has(text) || r.failed }

func (r *standingReader) number() uint64 {
	n := 0
	for n < len(r.text) && r.text[n] >= '0' && r.text[n] <= '9' {
		n++
	}
	value, err := strconv.ParseUint(string(r.text[:n]), 10, 63)
	r.failed = r.failed || err != nil || (n > 1 && r.text[0] == '0')
	r.text = r.text[n:]
	return value
}

// string reads a text without escapes.
func (r *standingReader) string() string {
	if len(r.text) == 0 || r.text[0] != '"' {
		r.failed = true
		return ""
	}
	n := bytes.IndexByte(r.text[1:], '"')
	if n < 0 || bytes.ContainsFunc(r.text[1:1+n], func(c rune) bool { return c == '\\' || c < ' ' || c == utf8.RuneError }) {
		r.failed = true
		return ""
	}
	text := string(r.text[1 : 1+n])
	r.text = r.text[n+2:]
	return text
}

func (r *standingReader) time() time.Time {
	var at time.Time
	err := at.UnmarshalText([]byte(r.string()))
	r.failed = r.failed || err != nil
	return at
}
