package bus

import (
	"context"
	"time"
)

// Memory is the message bus within one process: for tests, and for programs that use the library
// without a server. It keeps everything until it is garbage, starts no goroutine that outlives the
// contexts it was given, and keeps copies: what goes in and what comes out may be changed freely.
// It works inside a testing/synctest bubble, where all its waiting is in virtual time.
//
// It implements [Bus] and a runner's [Ingest]; [Memory.Source] is a runner's other end. All methods
// may be called concurrently.
type Memory struct {
	commands   memoryCommands
	events     memoryEvents
	results    memoryResults
	executions memoryExecutions
	ingest     memoryIngest
	live       memoryLive
	leases     memoryLeases
	store      memoryStore
}

var (
	_ Bus    = (*Memory)(nil)
	_ Ingest = (*Memory)(nil)
)

// NewMemory returns an empty bus. It needs no closing.
func NewMemory() *Memory {
	return &Memory{
		commands:   memoryCommands{serving: make(map[string]bool), queued: make(map[string]bool), outcomes: make(map[string]keptOutcome)},
		events:     memoryEvents{last: make(map[Aggregate]int)},
		executions: memoryExecutions{locations: make(map[string]*memoryQueue), seen: make(map[string]bool)},
		leases:     memoryLeases{held: make(map[string]*memoryLease)},
		store:      memoryStore{buckets: make(map[string]*memoryBucket)},
	}
}

// Probe implements Bus: memory always takes writes.
func (m *Memory) Probe(ctx context.Context) error { return ctx.Err() }

// signal wakes all who wait for a change. Its owner's lock guards it.
type signal struct{ raised chan struct{} }

// wait returns what is closed at the next change.
func (s *signal) wait() <-chan struct{} {
	if s.raised == nil {
		s.raised = make(chan struct{})
	}
	return s.raised
}

func (s *signal) raise() {
	if s.raised != nil {
		close(s.raised)
		s.raised = nil
	}
}

// sleep returns after d, or when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
