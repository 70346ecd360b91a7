package bus

import (
	"context"
	"slices"

	"github.com/vedette/vedette/pkg/monitor"
)

// Middleware is put around what passes through a bus. A nil field wraps nothing. Package
// bus/middleware has those for logging, metrics and traces.
type Middleware struct {
	// Send is put around Commands.Send and Commands.Post; the outcome of a post is zero.
	Send func(operation Operation, next SendFunc) SendFunc
	// Handle is put around handlers of commands. Their panics come as errors (*PanicError), which is
	// to be passed on: the bus puts the command aside.
	Handle func(next CommandHandler) CommandHandler
	// Event is put around subscribers of a Router. Their panics come as errors.
	Event func(next EventHandler) EventHandler
}

// Operation is how a command is sent.
type Operation string

// The operations.
const (
	OperationSend Operation = "send"
	OperationPost Operation = "post"
)

// SendFunc sends a command.
type SendFunc func(ctx context.Context, command monitor.CommandMessage) (Outcome, error)

// Use returns b with middleware around its sending and serving of commands, the first outermost. It
// can be given to every part that takes a bus.
func Use(b Bus, middleware ...Middleware) Bus {
	return wrapped{Bus: b, commands: WrapCommands(b, middleware...), middleware: middleware}
}

type wrapped struct {
	Bus
	commands   Commands
	middleware []Middleware
}

// Send implements Commands.
func (w wrapped) Send(ctx context.Context, command monitor.CommandMessage) (Outcome, error) {
	return w.commands.Send(ctx, command)
}

// Post implements Commands.
func (w wrapped) Post(ctx context.Context, command monitor.CommandMessage) error {
	return w.commands.Post(ctx, command)
}

// ServeCommands implements CommandServer.
func (w wrapped) ServeCommands(ctx context.Context, aggregates []string, handle CommandHandler) error {
	return w.Bus.ServeCommands(ctx, aggregates, WrapHandler(handle, w.middleware...))
}

// WrapCommands returns c with middleware around Send and Post.
func WrapCommands(c Commands, middleware ...Middleware) Commands {
	w := wrappedCommands{Commands: c, send: c.Send, post: func(ctx context.Context, m monitor.CommandMessage) (Outcome, error) {
		return Outcome{}, c.Post(ctx, m)
	}}
	for _, m := range slices.Backward(middleware) {
		if wrap := m.Send; wrap != nil {
			w.send, w.post = wrap(OperationSend, w.send), wrap(OperationPost, w.post)
		}
	}
	return w
}

type wrappedCommands struct {
	Commands
	send, post SendFunc
}

// Send implements Commands.
func (w wrappedCommands) Send(ctx context.Context, command monitor.CommandMessage) (Outcome, error) {
	return w.send(ctx, command)
}

// Post implements Commands.
func (w wrappedCommands) Post(ctx context.Context, command monitor.CommandMessage) error {
	_, err := w.post(ctx, command)
	return err
}

// WrapHandler returns handle, guarded as by [Guard], with middleware around it.
func WrapHandler(handle CommandHandler, middleware ...Middleware) CommandHandler {
	handle = Guard(handle)
	for _, m := range slices.Backward(middleware) {
		if wrap := m.Handle; wrap != nil {
			handle = wrap(handle)
		}
	}
	return handle
}

func wrapEvent(handle EventHandler, middleware []Middleware) EventHandler {
	for _, m := range slices.Backward(middleware) {
		if wrap := m.Event; wrap != nil {
			handle = wrap(handle)
		}
	}
	return handle
}
