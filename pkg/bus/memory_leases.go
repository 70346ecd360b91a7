package bus

import (
	"context"
	"errors"
	"sync"
	"time"
)

// yieldFor is how long a holder that gave its lease up leaves it to the standbys.
const yieldFor = 500 * time.Millisecond

type memoryLeases struct {
	mu      sync.Mutex
	changed signal
	fence   uint64
	held    map[string]*memoryLease
}

type memoryLease struct {
	holder string
	fence  uint64
	lose   context.CancelFunc
}

// Hold implements Leases.
func (m *Memory) Hold(ctx context.Context, name, holder string, run func(ctx context.Context, fence uint64) error) error {
	l := &m.leases
	for ctx.Err() == nil {
		held, lose := context.WithCancel(ctx)
		lease, changed := l.take(name, holder, lose)
		if lease == nil {
			lose()
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		err := run(held, lease.fence)
		lose()
		lost := !l.release(name, lease)
		switch {
		case ctx.Err() != nil:
			return nil
		case lost && errors.Is(err, context.Canceled):
		case err != nil:
			return err
		case !lost:
			sleep(ctx, yieldFor)
		}
	}
	return nil
}

func (l *memoryLeases) take(name, holder string, lose context.CancelFunc) (*memoryLease, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[name] != nil {
		return nil, l.changed.wait()
	}
	l.fence++
	lease := &memoryLease{holder: holder, fence: l.fence, lose: lose}
	l.held[name] = lease
	return lease, nil
}

// release frees a lease and reports whether it was still held.
func (l *memoryLeases) release(name string, lease *memoryLease) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[name] != lease {
		return false
	}
	delete(l.held, name)
	l.changed.raise()
	return true
}

// Revoke takes a lease from its holder, as the failure of its connection would, and returns who that
// was; empty when nobody holds it. The former holder is told, and may be at work still when the next
// one begins: what it writes then must be stopped by the fence.
func (m *Memory) Revoke(name string) (holder string) {
	l := &m.leases
	l.mu.Lock()
	defer l.mu.Unlock()
	lease := l.held[name]
	if lease == nil {
		return ""
	}
	lease.lose()
	delete(l.held, name)
	l.changed.raise()
	return lease.holder
}
