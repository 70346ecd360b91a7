package bus

import (
	"context"
	"errors"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Commands sends commands to whoever serves their aggregate.
type Commands interface {
	// Send stores the command and waits for its outcome. A refusal is an Outcome, not an error.
	// When ctx ends first it returns ctx's error: the command is stored and will be decided, and
	// sending it again with the same ID is safe.
	Send(ctx context.Context, command monitor.CommandMessage) (Outcome, error)
	// Post stores the command and returns; Outcome tells later what became of it.
	Post(ctx context.Context, command monitor.CommandMessage) error
	// Outcome returns what became of a command. ErrNoOutcome: not decided yet, or not known (any
	// more: outcomes are kept for OutcomesKept).
	Outcome(ctx context.Context, commandID string) (Outcome, error)
}

// CommandServer receives commands.
type CommandServer interface {
	// ServeCommands hands the commands about the given aggregate kinds ("check", "service",
	// "execution") to handle, as many as are at hand, at most MaxCommands, and blocks until ctx ends
	// (then nil) or handle fails (then its error). They come in order, but for those that a server
	// had in hand when it crashed: they come again some seconds later. The outcomes are stored and
	// answered after handle returns, then the commands are acknowledged; a crash in between delivers
	// them again. A command over which handle panics is put aside, and has no outcome.
	// One server per aggregate kind: ErrHandlerTaken for a second in the same process.
	ServeCommands(ctx context.Context, aggregates []string, handle CommandHandler) error
}

// CommandHandler decides commands. It returns one outcome per command, in the same order; an error
// means that none took effect and that all will be delivered again.
type CommandHandler func(ctx context.Context, commands []monitor.CommandMessage) ([]Outcome, error)

const (
	// MaxCommands is the most commands handed to a CommandHandler at once.
	MaxCommands = 100
	// OutcomesKept is how long a sender may ask what became of a command.
	OutcomesKept = 24 * time.Hour
)

// Outcome is what became of a command.
type Outcome struct {
	CommandID string `json:"command_id"`
	// Aggregate and ID say what the command was about.
	Aggregate string `json:"aggregate"`
	ID        string `json:"id"`
	// Revision is the aggregate's after the command.
	Revision uint64 `json:"revision,omitempty"`
	// Sequence is the place in EVENTS at which the effect shows: a read model that has reached it
	// has the effect. 0 for a command without events.
	Sequence uint64 `json:"sequence,omitempty"`
	// Refusal says why the command was refused; nil when it was accepted.
	Refusal *Refusal `json:"refusal,omitempty"`
}

// Accepted reports whether the command took effect.
func (o Outcome) Accepted() bool { return o.Refusal == nil }

// Refusal says why a command was refused. It is an error, and matches the domain's sentinel errors.
type Refusal struct {
	Code     RefusalCode       `json:"code"`
	Message  string            `json:"message"`
	Problems []monitor.Problem `json:"problems,omitempty"`
}

// RefusalCode is the reason of a refusal, for programs.
type RefusalCode string

// The refusal codes.
const (
	RefusedInvalid  RefusalCode = "invalid"
	RefusedNotFound RefusalCode = "not_found"
	RefusedExists   RefusalCode = "exists"
	RefusedRevision RefusalCode = "revision"
	RefusedInUse    RefusalCode = "in_use"
)

// Error returns the message.
func (r *Refusal) Error() string { return r.Message }

// Is matches the domain's sentinel error of the same meaning.
func (r *Refusal) Is(target error) bool {
	switch r.Code {
	case RefusedNotFound:
		return target == monitor.ErrNotFound
	case RefusedExists:
		return target == monitor.ErrExists
	case RefusedRevision:
		return target == monitor.ErrRevision
	case RefusedInUse:
		return target == monitor.ErrInUse
	case RefusedInvalid:
		return false
	}
	return false
}

// Refuse turns an error of the domain into a refusal, or returns nil for any other error.
func Refuse(err error) *Refusal {
	var problems monitor.Problems
	if errors.As(err, &problems) {
		return &Refusal{Code: RefusedInvalid, Message: problems.Error(), Problems: problems}
	}
	for code, sentinel := range map[RefusalCode]error{
		RefusedNotFound: monitor.ErrNotFound,
		RefusedExists:   monitor.ErrExists,
		RefusedRevision: monitor.ErrRevision,
		RefusedInUse:    monitor.ErrInUse,
	} {
		if errors.Is(err, sentinel) {
			return &Refusal{Code: code, Message: err.Error()}
		}
	}
	return nil
}
