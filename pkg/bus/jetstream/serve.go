package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// commandAckWait is how long a server of commands may show no sign of life.
	commandAckWait = 5 * time.Second
	// retryDelay is how long a command waits that could not be put aside.
	retryDelay = time.Second
)

// ServeCommands implements bus.CommandServer.
func (b *Bus) ServeCommands(ctx context.Context, aggregates []string, handle bus.CommandHandler) error {
	if err := b.take(aggregates); err != nil {
		return err
	}
	defer b.release(aggregates)
	handle = bus.Guard(handle)
	for ctx.Err() == nil {
		err := b.serveCommands(ctx, aggregates, handle)
		var failed *handleError
		if errors.As(err, &failed) {
			return failed.err
		}
		if err != nil && ctx.Err() == nil {
			b.log.Warn("serving commands is interrupted; going on", "aggregates", aggregates, "error", err)
			wait(ctx, 250*time.Millisecond)
		}
	}
	return nil
}

func (b *Bus) take(aggregates []string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range aggregates {
		if b.serving[a] {
			return fmt.Errorf("commands about %s: %w", a, bus.ErrHandlerTaken)
		}
	}
	for _, a := range aggregates {
		b.serving[a] = true
	}
	return nil
}

func (b *Bus) release(aggregates []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range aggregates {
		delete(b.serving, a)
	}
}

func (b *Bus) serveCommands(ctx context.Context, aggregates []string, handle bus.CommandHandler) error {
	sorted := slices.Sorted(slices.Values(aggregates))
	filters := make([]string, len(sorted))
	for i, a := range sorted {
		filters[i] = commandFilter(a)
	}
	opening, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	config := jetstream.ConsumerConfig{
		Durable: commandQueue + strings.Join(sorted, "-"), FilterSubjects: filters,
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: commandAckWait, MaxAckPending: 10 * bus.MaxCommands,
	}
	consumer, err := b.js.CreateOrUpdateConsumer(opening, streamCommands, config)
	if isOverlap(err) {
		err = b.dropQueues(opening, sorted)
		if err == nil {
			consumer, err = b.js.CreateOrUpdateConsumer(opening, streamCommands, config)
		}
	}
	if err != nil {
		return fmt.Errorf("open the queue of commands: %w", err)
	}
	for ctx.Err() == nil {
		batch, err := pullCommands(ctx, consumer)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			continue
		}
		if err := b.decideCommands(ctx, batch, handle); err != nil {
			return err
		}
	}
	return nil
}

// commandQueue begins the names of the durables from which commands are served.
const commandQueue = "serve-"

// isOverlap reports whether another durable serves some of the same commands.
func isOverlap(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == codeOverlap
}

// dropQueues removes the durables that serve some of the aggregates together with others, as an
// older version may have left them. What they have not acknowledged stays in the stream.
func (b *Bus) dropQueues(ctx context.Context, aggregates []string) error {
	stream, err := b.stream(ctx, streamCommands)
	if err != nil {
		return err
	}
	names := stream.ConsumerNames(ctx)
	for name := range names.Name() {
		served, ours := strings.CutPrefix(name, commandQueue)
		if !ours || !slices.ContainsFunc(strings.Split(served, "-"), func(a string) bool { return slices.Contains(aggregates, a) }) {
			continue
		}
		b.log.Info("commands were served in another grouping before", "durable", name)
		if err := stream.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("remove %s: %w", name, err)
		}
	}
	return names.Err()
}

// pullCommands waits for a command and takes what else is at hand.
func pullCommands(ctx context.Context, consumer jetstream.Consumer) ([]jetstream.Msg, error) {
	waiting, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	first, err := consumer.Next(jetstream.FetchContext(waiting))
	switch {
	case errors.Is(err, nats.ErrTimeout), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("wait for a command: %w", err)
	}
	batch := []jetstream.Msg{first}
	more, err := consumer.FetchNoWait(bus.MaxCommands - 1)
	if err != nil {
		return batch, nil // the first one is in hand; the others come again
	}
	for m := range more.Messages() {
		batch = append(batch, m)
	}
	return batch, nil
}

// decideCommands hands a batch to the handler, keeps and sends the outcomes, then acknowledges.
func (b *Bus) decideCommands(ctx context.Context, batch []jetstream.Msg, handle bus.CommandHandler) error {
	messages := make([]jetstream.Msg, 0, len(batch))
	commands := make([]monitor.CommandMessage, 0, len(batch))
	for _, m := range batch {
		command, err := b.codec.ParseCommand(headerOf(m.Headers()), m.Data())
		if err != nil {
			b.buryCommand(ctx, m, err)
			continue
		}
		if meta, err := m.Metadata(); err == nil {
			command.Sequence, command.StoredAt = meta.Sequence.Stream, meta.Timestamp
		}
		messages, commands = append(messages, m), append(commands, command)
	}
	if len(commands) == 0 {
		return nil
	}
	outcomes, err := handle(ctx, commands)
	var crash *bus.PanicError
	switch {
	case errors.As(err, &crash) && len(messages) == 1:
		b.buryCommand(ctx, messages[0], err)
		return nil
	case errors.As(err, &crash):
		// One of them is poison: alone each, the others get through.
		for i := range messages {
			if err := b.decideCommands(ctx, messages[i:i+1], handle); err != nil {
				return err
			}
		}
		return nil
	case err != nil:
		// Without delay, so that they come again before newer ones. It is for whoever serves to pause.
		for _, m := range messages {
			_ = m.Nak() // else the acknowledgement times out, which is as good
		}
		return &handleError{err}
	}
	return b.answer(ctx, messages, outcomes)
}

func (b *Bus) buryCommand(ctx context.Context, m jetstream.Msg, reason error) {
	if !b.bury(ctx, streamCommands, m, reason) {
		_ = m.NakWithDelay(retryDelay)
		return
	}
	if err := m.TermWithReason(reason.Error()); err != nil {
		b.log.Warn("a dead command will be delivered again", "error", err)
	}
}

// answer stores the outcomes, so that they are not lost with the answers, answers, acknowledges.
func (b *Bus) answer(ctx context.Context, messages []jetstream.Msg, outcomes []bus.Outcome) error {
	// Not by ctx: what is decided is to be said even while stopping.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	stored := make([]*nats.Msg, len(outcomes))
	for i, outcome := range outcomes {
		raw, err := json.Marshal(outcome)
		if err != nil {
			return fmt.Errorf("encode an outcome: %w", err)
		}
		stored[i] = message(outcomeSubject(outcome.CommandID), nil, raw)
	}
	if _, err := b.publish(ctx, stored); err != nil {
		return fmt.Errorf("store outcomes: %w", err)
	}
	for i, m := range messages {
		if reply := headerOf(m.Headers())(headerReply); reply != "" {
			if err := b.conn.Publish(reply, stored[i].Data); err != nil {
				b.log.Warn("an outcome could not be sent; its sender will look it up", "error", err)
			}
		}
		if err := m.Ack(); err != nil {
			return fmt.Errorf("acknowledge a command: %w", err)
		}
	}
	return nil
}

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
