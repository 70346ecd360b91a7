package bus

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/vedette/vedette/pkg/monitor"
)

// PanicError is the panic of a handler.
type PanicError struct {
	Value any
	Stack []byte
}

// Error holds the value and the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.Value, e.Stack) }

// recovered makes an error of a panic under way; call it deferred.
func recovered(err *error) {
	if value := recover(); value != nil {
		*err = &PanicError{Value: value, Stack: debug.Stack()}
	}
}

// Guard returns a handler whose panics are errors (*PanicError), which checks that there is an
// outcome for every command, and which names the command in it.
func Guard(handle CommandHandler) CommandHandler {
	return func(ctx context.Context, commands []monitor.CommandMessage) (outcomes []Outcome, err error) {
		defer recovered(&err)
		outcomes, err = handle(ctx, commands)
		if err != nil {
			return nil, err
		}
		if len(outcomes) != len(commands) {
			return nil, fmt.Errorf("the handler returned %d outcomes for %d commands", len(outcomes), len(commands))
		}
		for i := range outcomes {
			outcomes[i].CommandID = commands[i].ID
		}
		return outcomes, nil
	}
}
