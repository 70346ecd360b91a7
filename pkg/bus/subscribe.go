package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/vedette/vedette/pkg/monitor"
)

// EventHandler handles one event.
type EventHandler func(ctx context.Context, m monitor.EventMessage) error

// Async makes a subscription asynchronous: a goroutine of its own handles the events, in order.
type Async struct {
	// Queue is how many events may wait; those who publish wait for room. Default 256.
	Queue int
	// Failed is told of an event whose handler failed or panicked. Required.
	Failed func(m monitor.EventMessage, err error)
}

const defaultQueue = 256

// subscriber is a handler of events; queue is nil when it is synchronous.
type subscriber struct {
	wants  func(monitor.Event) bool
	handle EventHandler
	queue  chan queuedEvent
	failed func(monitor.EventMessage, error)
}

type queuedEvent struct {
	ctx context.Context //nolint:containedctx // the publisher's, without its end
	m   monitor.EventMessage
}

// Subscribe has handle called with every event of type E that is published, before Publish returns.
// E may be monitor.Event, for all events. ErrClosed: the router is closed.
func Subscribe[E monitor.Event](r *Router, handle func(ctx context.Context, meta monitor.Meta, event E) error) error {
	return r.subscribe(subscriberOf(r, handle))
}

// SubscribeAsync is Subscribe by a goroutine of its own. The context that handle is given has the
// publisher's values and does not end.
func SubscribeAsync[E monitor.Event](r *Router, async Async, handle func(ctx context.Context, meta monitor.Meta, event E) error) error {
	if async.Failed == nil {
		return errors.New("subscribe: Failed is required: say who is told of errors")
	}
	if async.Queue <= 0 {
		async.Queue = defaultQueue
	}
	s := subscriberOf(r, handle)
	s.queue, s.failed = make(chan queuedEvent, async.Queue), async.Failed
	return r.subscribe(s)
}

func subscriberOf[E monitor.Event](r *Router, handle func(context.Context, monitor.Meta, E) error) *subscriber {
	return &subscriber{
		wants: func(e monitor.Event) bool {
			_, ok := e.(E)
			return ok
		},
		handle: wrapEvent(func(ctx context.Context, m monitor.EventMessage) (err error) {
			defer recovered(&err)
			return handle(ctx, m.Meta, m.Event.(E)) //nolint:forcetypeassert // wanted
		}, r.middleware),
	}
}

func (r *Router) subscribe(s *subscriber) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	r.subscribers = append(r.subscribers, s)
	if s.queue != nil {
		r.running.Go(s.run)
	}
	return nil
}

// give hands an event over, or queues it.
func (s *subscriber) give(ctx context.Context, m monitor.EventMessage) error {
	if s.queue == nil {
		return s.handle(ctx, copied(m))
	}
	select {
	case s.queue <- queuedEvent{context.WithoutCancel(ctx), copied(m)}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("a subscriber's queue is full: %w", ctx.Err())
	}
}

func (s *subscriber) run() {
	for e := range s.queue {
		if err := s.handle(e.ctx, e.m); err != nil {
			s.failed(e.m, err)
		}
	}
}

func (s *subscriber) close() {
	if s.queue != nil {
		close(s.queue)
	}
}
