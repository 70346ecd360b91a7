package bus

import (
	"errors"
	"fmt"
)

// The errors of the bus. Test with errors.Is.
var (
	// ErrNoOutcome: the command is not decided yet, or not known.
	ErrNoOutcome = errors.New("no outcome")
	// ErrHandlerTaken: the commands of that kind, or that command type, already have a handler.
	ErrHandlerTaken = errors.New("handler already registered")
	// ErrNoCommandID: a command names no id, without which it could take effect twice.
	ErrNoCommandID = errors.New("command without an id")
	// ErrNoHandler: nobody handles the command type.
	ErrNoHandler = errors.New("no handler registered")
	// ErrClosed: the router takes no more.
	ErrClosed = errors.New("router is closed")
	// ErrNoExpectation: a batch names no expectation for one of its aggregates.
	ErrNoExpectation = errors.New("append without expectation")
	// ErrNothing: no batch came within the wait.
	ErrNothing = errors.New("nothing to execute")
	// ErrNoLocation: the location is not open.
	ErrNoLocation = errors.New("location is not open")
	// ErrRefused: the gate will never take the report.
	ErrRefused = errors.New("refused")
	// ErrNoEvent: the filter selects no event.
	ErrNoEvent = errors.New("no such event")
	// ErrNoKey: the bucket has no such key.
	ErrNoKey = errors.New("no such key")
	// ErrCorrupt: EVENTS is damaged; the log may be read but not written.
	ErrCorrupt = errors.New("event log is damaged")
	// ErrFull: the stream has reached its size limit.
	ErrFull = errors.New("stream is full")
	// ErrUnknownType: a message's type has no decoder.
	ErrUnknownType = errors.New("unknown message type")
)

// ConflictError says that an expectation did not hold. Actual is 0 when the server does not tell.
type ConflictError struct {
	What             string
	Expected, Actual uint64
}

// Error names the place and both sides.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("conflict on %s: expected sequence %d, found %d", e.What, e.Expected, e.Actual)
}
