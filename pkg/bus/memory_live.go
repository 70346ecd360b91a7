package bus

import (
	"context"
	"fmt"
	"sync"

	"github.com/vedette/vedette/pkg/monitor"
)

// maxUnheard is how many announcements wait for a slow listener; those beyond are dropped.
const maxUnheard = 8192

type memoryLive struct {
	results topic[monitor.EventMessage]
	tests   topic[monitor.Result]
	runners topic[Report]
}

// AnnounceResult implements Live.
func (m *Memory) AnnounceResult(result monitor.EventMessage) error {
	if _, ok := monitor.ResultOf(result.Event); !ok {
		return fmt.Errorf("announce %s: it is no result", result.Event.Type())
	}
	m.live.results.announce(result)
	return nil
}

// AnnounceTest implements Live.
func (m *Memory) AnnounceTest(result monitor.Result) error {
	m.live.tests.announce(result)
	return nil
}

// AnnounceRunner implements Live: results are left out.
func (m *Memory) AnnounceRunner(report Report) error {
	report.Results = nil
	m.live.runners.announce(report)
	return nil
}

// OnResult implements Live.
func (m *Memory) OnResult(ctx context.Context, handle func(monitor.EventMessage)) (func(), error) {
	return m.live.results.listen(ctx, func(monitor.EventMessage) bool { return true }, handle)
}

// OnTest implements Live.
func (m *Memory) OnTest(ctx context.Context, executionID string, handle func(monitor.Result)) (func(), error) {
	return m.live.tests.listen(ctx, func(r monitor.Result) bool { return r.ID == executionID }, handle)
}

// OnRunner implements Live.
func (m *Memory) OnRunner(ctx context.Context, handle func(Report)) (func(), error) {
	return m.live.runners.listen(ctx, func(Report) bool { return true }, handle)
}

// topic is what listeners hear, each in a goroutine of its own.
type topic[T any] struct {
	mu        sync.Mutex
	listeners map[*listener[T]]struct{}
}

type listener[T any] struct {
	wants   func(T) bool
	unheard chan T
	done    chan struct{}
}

func (t *topic[T]) announce(v T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for l := range t.listeners {
		if !l.wants(v) {
			continue
		}
		select {
		case l.unheard <- copied(v):
		default:
		}
	}
}

func (t *topic[T]) listen(ctx context.Context, wants func(T) bool, handle func(T)) (stop func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	l := &listener[T]{wants: wants, unheard: make(chan T, maxUnheard), done: make(chan struct{})}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners == nil {
		t.listeners = make(map[*listener[T]]struct{})
	}
	t.listeners[l] = struct{}{}
	go func() {
		defer close(l.done)
		l.hear(ctx, handle)
		t.remove(l)
	}()
	return func() {
		t.remove(l)
		<-l.done
	}, nil
}

// hear handles what is announced until ctx ends, or the listener is removed and has heard all.
func (l *listener[T]) hear(ctx context.Context, handle func(T)) {
	for {
		select {
		case v, ok := <-l.unheard:
			if !ok || ctx.Err() != nil {
				return
			}
			handle(v)
		case <-ctx.Done():
			return
		}
	}
}

func (t *topic[T]) remove(l *listener[T]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, there := t.listeners[l]; there {
		delete(t.listeners, l)
		close(l.unheard)
	}
}
