// Package explain tells from the two logs what led to an event and what followed from it: the result,
// the change of the check's status, that of its service's, the incident, and what anybody was told.
package explain

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// Log is what an explanation is read from. A bus is one.
type Log interface {
	// The three are bus.EventLog's.
	Read(ctx context.Context, after uint64, limit int, filter bus.Filter) ([]monitor.EventMessage, error)
	Last(ctx context.Context) (uint64, error)
	Latest(ctx context.Context, filter bus.Filter) (monitor.EventMessage, error)
	// The others are bus.ResultLog's.
	ReadResults(ctx context.Context, after uint64, limit int) ([]monitor.EventMessage, error)
	LastResult(ctx context.Context) (uint64, error)
	FirstResult(ctx context.Context) (uint64, error)
	ResultsSince(ctx context.Context, at time.Time) (after uint64, err error)
}

// Role is the part that a link plays in the chain.
type Role string

// The roles, in the order of a chain.
const (
	RoleCommand       Role = "command"
	RoleResult        Role = "result"
	RoleDefinition    Role = "definition"
	RoleCheckStatus   Role = "check_status"
	RoleIncident      Role = "incident"
	RoleServiceStatus Role = "service_status"
	RoleNotification  Role = "notification"
	RoleDelivery      Role = "delivery"
	RoleRunner        Role = "runner"
)

// Roles returns all roles.
func Roles() []Role {
	return []Role{
		RoleCommand, RoleResult, RoleDefinition, RoleCheckStatus, RoleIncident, RoleServiceStatus, RoleNotification, RoleDelivery, RoleRunner,
	}
}

// Explanation is an event with the chain that it is part of.
type Explanation struct {
	// Event is what was asked about.
	Event monitor.EventMessage
	// Chain is what led to it, itself, and what followed, causes first.
	Chain []Link
	// Missing says in sentences what belongs to the chain and is not, or no longer, recorded.
	Missing []string
}

// Link is one member of a chain.
type Link struct {
	Role Role
	// ID is that of the event, or of the command.
	ID string
	// Event is nil for a command: commands are not kept once they are decided.
	Event *monitor.EventMessage
	// Definition is that in force for the link; nil where there is none.
	Definition *Definition
	// Failed are the assertions of a result that did not hold.
	Failed []monitor.AssertionResult
	// Summary is a sentence.
	Summary string
}

// Definition is a definition as it was set.
type Definition struct {
	// Aggregate is "check/home" or "service/web".
	Aggregate string
	// Revision, Sequence, Since and Actor are of the event that set it.
	Revision, Sequence uint64
	Since              time.Time
	Actor              string
	// Check or Service is the definition; the other is nil.
	Check   *monitor.Definition
	Service *monitor.ServiceDefinition
}

// Explain explains what of names: the id of an event or of a result's event, a sequence of EVENTS,
// the id of an execution ("home.3.mmpdcq6w.default"), of an incident ("home-1", its opening), of a
// check ("home", its last change of status), or of a command. "incident:home-1" and "check:home-1"
// tell apart what has the same name. monitor.ErrNotFound: there is no such thing.
func Explain(ctx context.Context, log Log, of string) (Explanation, error) {
	e := &explainer{log: log, definitions: make(map[bus.Aggregate][]Definition)}
	found, err := e.find(ctx, of)
	if err != nil {
		return Explanation{}, err
	}
	e.Event = found
	if result, ok := monitor.ResultOf(found.Event); ok {
		err = e.fromResult(ctx, found, result)
	} else {
		err = e.fromEvent(ctx, found)
	}
	if err != nil {
		return Explanation{}, err
	}
	e.order()
	return e.Explanation, nil
}

type explainer struct {
	Explanation
	log         Log
	definitions map[bus.Aggregate][]Definition
}

func (e *explainer) missing(format string, args ...any) {
	e.Missing = append(e.Missing, fmt.Sprintf(format, args...))
}

// add adds an event, unless it is there.
func (e *explainer) add(ctx context.Context, m monitor.EventMessage) error {
	if slices.ContainsFunc(e.Chain, func(l Link) bool { return l.ID == m.ID }) {
		return nil
	}
	definition, err := e.inForce(ctx, m)
	if err != nil {
		return err
	}
	link := Link{Role: roleOf(m.Event), ID: m.ID, Event: &m, Definition: definition, Summary: sentence(m)}
	if result, ok := monitor.ResultOf(m.Event); ok {
		for _, a := range result.Assertions {
			if !a.Passed {
				link.Failed = append(link.Failed, a)
			}
		}
	}
	e.Chain = append(e.Chain, link)
	return nil
}

// order puts causes before effects: commands and results come before what they led to, events in the
// order of the log.
func (e *explainer) order() {
	place := func(l Link) (early int, sequence uint64) {
		switch {
		case l.Event == nil:
			return 0, 0
		case l.Role == RoleResult:
			return 1, l.Event.Sequence
		}
		return 2, l.Event.Sequence
	}
	slices.SortStableFunc(e.Chain, func(x, y Link) int {
		xEarly, xSequence := place(x)
		yEarly, ySequence := place(y)
		if xEarly != yEarly {
			return xEarly - yEarly
		}
		switch {
		case xSequence < ySequence:
			return -1
		case xSequence > ySequence:
			return 1
		}
		return 0
	})
}
