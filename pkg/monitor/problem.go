package monitor

import (
	"errors"
	"fmt"
	"strings"
)

// Problem is one thing wrong with what was asked: the field (JSON path: "interval",
// "options.method", "assertions[1]") and a message that says the cure.
type Problem struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Problems are all that is wrong with a definition. It is an error when it is not empty.
type Problems []Problem

// Add appends a problem.
func (p *Problems) Add(field, format string, args ...any) {
	*p = append(*p, Problem{Field: field, Message: fmt.Sprintf(format, args...)})
}

// Err returns p as an error, or nil when there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// Error joins the problems: "interval: …; timeout: …".
func (p Problems) Error() string {
	parts := make([]string, len(p))
	for i, problem := range p {
		parts[i] = problem.Field + ": " + problem.Message
	}
	return strings.Join(parts, "; ")
}

// The reasons for which a command is refused, besides Problems. Test with errors.Is.
var (
	// ErrNotFound: the aggregate does not exist, or was deleted.
	ErrNotFound = errors.New("not found")
	// ErrExists: the id is taken.
	ErrExists = errors.New("already exists")
	// ErrRevision: the aggregate is not at the expected revision.
	ErrRevision = errors.New("revision does not match")
	// ErrInUse: the service still has checks.
	ErrInUse = errors.New("in use")
)
