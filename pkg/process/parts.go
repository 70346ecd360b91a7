package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Part is one of the parts of a program that run side by side.
type Part struct {
	Name string
	// Run works until ctx ends, then finishes what is in hand and returns nil. Returning earlier
	// ends the whole program.
	Run func(ctx context.Context) error
}

// Patience is how long a stage may take to end before the next one is told to.
const Patience = 30 * time.Second

// errEnded: a part returned nil although nobody asked it to end.
var errEnded = errors.New("ended by itself")

// Run runs the parts of all stages until ctx ends or one of them returns. Then it ends them stage by
// stage: what one stage still needs of the next is there until it is done, or Patience is over. They
// are begun the other way round. It returns after every part has, with the errors of those that
// failed, each with its part's name.
func Run(ctx context.Context, log *slog.Logger, stages ...[]Part) error {
	r := &running{log: log, first: make(chan struct{})}
	work := context.WithoutCancel(ctx)
	begun := make([]*stage, len(stages))
	for i, parts := range slices.Backward(stages) {
		begun[i] = r.start(work, parts)
	}
	select {
	case <-ctx.Done():
	case <-r.first:
	}
	for _, s := range begun {
		s.end(log)
	}
	for _, s := range begun {
		<-s.done
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.failures...)
}

// running is what the parts report to.
type running struct {
	log   *slog.Logger
	first chan struct{} // closed when a part ends although nobody asked it to

	mu       sync.Mutex
	failures []error
	ended    bool
}

// stage are parts that end together.
type stage struct {
	names  []string
	cancel context.CancelFunc
	done   chan struct{}
}

func (r *running) start(work context.Context, parts []Part) *stage {
	ctx, cancel := context.WithCancel(work)
	s := &stage{cancel: cancel, done: make(chan struct{})}
	var group sync.WaitGroup
	for _, p := range parts {
		s.names = append(s.names, p.Name)
		group.Go(func() { r.note(ctx, p.Name, p.Run(ctx)) })
	}
	go func() {
		group.Wait()
		close(s.done)
	}()
	return s
}

// note takes down how a part ended.
func (r *running) note(ctx context.Context, name string, err error) {
	asked := ctx.Err() != nil
	if err == nil && asked {
		r.log.Debug("part ended", "part", name)
		return
	}
	if err == nil {
		err = errEnded
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Errorf("%s: %w", name, err))
	if !asked && !r.ended {
		r.ended = true
		close(r.first)
	}
}

func (s *stage) end(log *slog.Logger) {
	s.cancel()
	late := time.NewTimer(Patience)
	defer late.Stop()
	select {
	case <-s.done:
	case <-late.C:
		log.Warn("still stopping; the next are told to stop as well", "parts", strings.Join(s.names, ", "))
	}
}
