package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

type memoryCommands struct {
	mu       sync.Mutex
	changed  signal
	sequence uint64
	queue    []monitor.CommandMessage
	// queued are the ids in the queue.
	queued   map[string]bool
	serving  map[string]bool
	outcomes map[string]keptOutcome
	// kept are the ids of the outcomes, oldest first.
	kept []string
	dead []DeadCommand
}

type keptOutcome struct {
	Outcome
	at time.Time
}

// DeadCommand is a command that no handler survives.
type DeadCommand struct {
	Command monitor.CommandMessage
	Reason  error
}

// Post implements Commands.
func (m *Memory) Post(ctx context.Context, command monitor.CommandMessage) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store command %s: %w", command.ID, err)
	}
	if command.ID == "" {
		return ErrNoCommandID
	}
	c := &m.commands
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, done := c.outcome(command.ID); done || c.queued[command.ID] {
		return nil
	}
	command = copied(command)
	c.sequence++
	command.Sequence, command.StoredAt = c.sequence, time.Now()
	c.queue = append(c.queue, command)
	c.queued[command.ID] = true
	c.changed.raise()
	return nil
}

// Send implements Commands.
func (m *Memory) Send(ctx context.Context, command monitor.CommandMessage) (Outcome, error) {
	if err := m.Post(ctx, command); err != nil {
		return Outcome{}, err
	}
	c := &m.commands
	for {
		c.mu.Lock()
		outcome, done := c.outcome(command.ID)
		changed := c.changed.wait()
		c.mu.Unlock()
		if done {
			return outcome, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Outcome{}, fmt.Errorf("command %s is stored and not decided yet: %w", command.ID, ctx.Err())
		}
	}
}

// Outcome implements Commands.
func (m *Memory) Outcome(_ context.Context, commandID string) (Outcome, error) {
	m.commands.mu.Lock()
	defer m.commands.mu.Unlock()
	outcome, done := m.commands.outcome(commandID)
	if !done {
		return Outcome{}, ErrNoOutcome
	}
	return outcome, nil
}

// DeadCommands returns the commands that were put aside because a handler panicked over them.
func (m *Memory) DeadCommands() []DeadCommand {
	m.commands.mu.Lock()
	defer m.commands.mu.Unlock()
	return slices.Clone(m.commands.dead)
}

// ServeCommands implements CommandServer.
func (m *Memory) ServeCommands(ctx context.Context, aggregates []string, handle CommandHandler) error {
	c := &m.commands
	if err := c.reserve(aggregates); err != nil {
		return err
	}
	defer c.release(aggregates)
	handle = Guard(handle)
	for ctx.Err() == nil {
		batch, changed := c.next(aggregates)
		if len(batch) > 0 {
			if err := c.decide(ctx, batch, handle); err != nil {
				return err
			}
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return nil
}

func (c *memoryCommands) reserve(aggregates []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range aggregates {
		if c.serving[a] {
			return fmt.Errorf("commands about %s: %w", a, ErrHandlerTaken)
		}
	}
	for _, a := range aggregates {
		c.serving[a] = true
	}
	return nil
}

func (c *memoryCommands) release(aggregates []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range aggregates {
		delete(c.serving, a)
	}
}

// next returns the first commands about the aggregates. They stay in the queue until they are decided.
func (c *memoryCommands) next(aggregates []string) ([]monitor.CommandMessage, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var batch []monitor.CommandMessage
	for _, command := range c.queue {
		kind, _ := command.Command.Aggregate()
		if slices.Contains(aggregates, kind) {
			batch = append(batch, copied(command))
		}
		if len(batch) == MaxCommands {
			break
		}
	}
	return batch, c.changed.wait()
}

// decide hands a batch over and keeps the outcomes. After a panic each is handed over alone, and
// those that panic again are put aside.
func (c *memoryCommands) decide(ctx context.Context, batch []monitor.CommandMessage, handle CommandHandler) error {
	outcomes, err := handle(ctx, batch)
	var crash *PanicError
	switch {
	case errors.As(err, &crash) && len(batch) == 1:
		c.bury(batch[0], err)
		return nil
	case errors.As(err, &crash):
		for i := range batch {
			if err := c.decide(ctx, batch[i:i+1], handle); err != nil {
				return err
			}
		}
		return nil
	case err != nil:
		return err
	}
	c.settle(batch, outcomes)
	return nil
}

func (c *memoryCommands) bury(command monitor.CommandMessage, reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = append(c.dead, DeadCommand{Command: command, Reason: reason})
	c.remove(map[string]bool{command.ID: true})
}

func (c *memoryCommands) settle(batch []monitor.CommandMessage, outcomes []Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for len(c.kept) > 0 && now.Sub(c.outcomes[c.kept[0]].at) >= OutcomesKept {
		delete(c.outcomes, c.kept[0])
		c.kept = c.kept[1:]
	}
	decided := make(map[string]bool, len(batch))
	for i, command := range batch {
		decided[command.ID] = true
		c.outcomes[command.ID] = keptOutcome{copied(outcomes[i]), now}
		c.kept = append(c.kept, command.ID)
	}
	c.remove(decided)
	c.changed.raise()
}

func (c *memoryCommands) remove(ids map[string]bool) {
	c.queue = slices.DeleteFunc(c.queue, func(q monitor.CommandMessage) bool { return ids[q.ID] })
	for id := range ids {
		delete(c.queued, id)
	}
}

func (c *memoryCommands) outcome(id string) (Outcome, bool) {
	kept, ok := c.outcomes[id]
	if !ok || time.Since(kept.at) >= OutcomesKept {
		return Outcome{}, false
	}
	return copied(kept.Outcome), true
}
