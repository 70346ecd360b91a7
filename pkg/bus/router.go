package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/vedette/vedette/pkg/monitor"
)

// Router hands messages to typed handlers: each command to the one registered for its type by
// [Handle], each event to all that [Subscribe] to it. It moves no messages by itself: [Router.Serve]
// takes commands from a bus, and a log is followed with [Router.Publish] as its handler. All methods
// may be called concurrently. Close it when events were subscribed to asynchronously.
type Router struct {
	middleware []Middleware

	mu          sync.Mutex
	commands    map[reflect.Type]commandRoute
	subscribers []*subscriber
	closed      bool
	publishing  sync.WaitGroup
	running     sync.WaitGroup
}

type commandRoute struct {
	aggregate string
	handle    func(ctx context.Context, command monitor.CommandMessage) (Outcome, error)
}

// NewRouter returns a router without handlers. The middleware is put around every handler and
// subscriber, the first outermost.
func NewRouter(middleware ...Middleware) *Router {
	return &Router{middleware: middleware, commands: make(map[reflect.Type]commandRoute)}
}

// Handle registers the handler of the commands of type C. An error of the domain that it returns is
// the command's refusal (see [Refuse]); any other means that the command could not be decided, and
// comes again with all that were handed over with it: a handler must be safe to run twice.
// ErrHandlerTaken: the type has a handler.
func Handle[C monitor.Command](r *Router, handle func(ctx context.Context, meta monitor.Meta, command C) (Outcome, error)) error {
	of := reflect.TypeFor[C]()
	if of.Kind() == reflect.Interface {
		return fmt.Errorf("handle %s: name one type of command", of)
	}
	var zero C
	kind, _ := zero.Aggregate()
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, taken := r.commands[of]; taken {
		return fmt.Errorf("commands of type %s: %w", zero.Type(), ErrHandlerTaken)
	}
	r.commands[of] = commandRoute{aggregate: kind, handle: func(ctx context.Context, m monitor.CommandMessage) (Outcome, error) {
		return handle(ctx, m.Meta, m.Command.(C)) //nolint:forcetypeassert // routed by it
	}}
	return nil
}

// Serve serves the commands of every aggregate kind that has a handler, as
// [CommandServer.ServeCommands] does. ErrNoHandler: none is registered, or a command of such a kind
// has none.
func (r *Router) Serve(ctx context.Context, server CommandServer) error {
	r.mu.Lock()
	kinds := make(map[string]bool)
	for _, route := range r.commands {
		kinds[route.aggregate] = true
	}
	r.mu.Unlock()
	if len(kinds) == 0 {
		return ErrNoHandler
	}
	return server.ServeCommands(ctx, slices.Sorted(maps.Keys(kinds)), r.HandleCommands)
}

// HandleCommands is a [CommandHandler]: it hands commands to their handlers, in order. ErrNoHandler:
// one of them has none; then none is handed over.
func (r *Router) HandleCommands(ctx context.Context, commands []monitor.CommandMessage) ([]Outcome, error) {
	return WrapHandler(r.handleCommands, r.middleware...)(ctx, commands)
}

func (r *Router) handleCommands(ctx context.Context, commands []monitor.CommandMessage) ([]Outcome, error) {
	routes := make([]commandRoute, len(commands))
	r.mu.Lock()
	for i, m := range commands {
		routes[i] = r.commands[reflect.TypeOf(m.Command)]
	}
	r.mu.Unlock()
	for i, route := range routes {
		if route.handle == nil {
			return nil, fmt.Errorf("command %s of type %s: %w", commands[i].ID, commands[i].Command.Type(), ErrNoHandler)
		}
	}
	outcomes := make([]Outcome, len(commands))
	for i, m := range commands {
		outcome, err := routes[i].handle(ctx, m)
		if err != nil {
			refusal := Refuse(err)
			if refusal == nil {
				return nil, fmt.Errorf("command %s of type %s: %w", m.ID, m.Command.Type(), err)
			}
			outcome.Refusal = refusal
		}
		outcome.CommandID = m.ID
		if outcome.Aggregate == "" {
			outcome.Aggregate, outcome.ID = m.Command.Aggregate()
		}
		outcomes[i] = outcome
	}
	return outcomes, nil
}

// Publish hands events to their subscribers, in order. It returns when those that subscribed
// synchronously have handled them, with their errors joined, and the others have them in their
// queues; it waits for room there, at most until ctx ends. ErrClosed: the router is closed.
func (r *Router) Publish(ctx context.Context, events ...monitor.EventMessage) error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return ErrClosed
	}
	r.publishing.Add(1)
	subscribers := slices.Clone(r.subscribers)
	r.mu.Unlock()
	defer r.publishing.Done()
	var failed []error
	for _, m := range events {
		for _, s := range subscribers {
			if !s.wants(m.Event) {
				continue
			}
			if err := s.give(ctx, m); err != nil {
				failed = append(failed, fmt.Errorf("event %s of type %s: %w", m.ID, m.Event.Type(), err))
			}
		}
	}
	return errors.Join(failed...)
}

// Follower returns Publish in the form in which logs are followed: Follow(ctx, after, filter,
// router.Follower(ctx), nil). A synchronous subscriber's error ends the following.
func (r *Router) Follower(ctx context.Context) func([]monitor.EventMessage) error {
	return func(events []monitor.EventMessage) error { return r.Publish(ctx, events...) }
}

// Close takes no more events, and returns when all that are in queues are handled. It is safe to repeat.
func (r *Router) Close() {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	r.mu.Unlock()
	r.publishing.Wait()
	if first {
		for _, s := range r.subscribers {
			s.close()
		}
	}
	r.running.Wait()
}
