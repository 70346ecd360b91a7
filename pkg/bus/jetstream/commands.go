package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/monitor"
)

const bucketOutcomes = "outcomes"

// headerReply names the inbox on which a sender waits.
const headerReply = "Vedette-Reply"

// Post implements bus.Commands.
func (b *Bus) Post(ctx context.Context, command monitor.CommandMessage) error {
	return b.postCommand(ctx, command, "")
}

// postCommand stores a command. The server drops one that it has already.
func (b *Bus) postCommand(ctx context.Context, command monitor.CommandMessage, reply string) error {
	if command.ID == "" {
		return bus.ErrNoCommandID
	}
	if err := b.intact(); err != nil {
		return err
	}
	headers, body, err := cloudevents.Binary(command.Meta, command.Command)
	if err != nil {
		return err
	}
	m := message(commandSubject(command.Command), headers, body)
	m.Header.Set(nats.MsgIdHdr, command.ID)
	if reply != "" {
		m.Header[headerReply] = []string{reply}
	}
	if _, err := b.js.PublishMsg(ctx, m); err != nil {
		return b.explain(err, "command "+command.Command.Type(), 0)
	}
	return nil
}

// Send implements bus.Commands.
func (b *Bus) Send(ctx context.Context, command monitor.CommandMessage) (bus.Outcome, error) {
	inbox, answers, forget := b.replies.open()
	defer forget()
	if err := b.postCommand(ctx, command, inbox); err != nil {
		return bus.Outcome{}, err
	}
	// The answer may be lost, or go to whoever sent the command first: then the stored outcome tells.
	look := time.NewTicker(500 * time.Millisecond)
	defer look.Stop()
	for {
		outcome, err := b.Outcome(ctx, command.ID)
		if !errors.Is(err, bus.ErrNoOutcome) {
			return outcome, err
		}
		select {
		case raw := <-answers:
			var outcome bus.Outcome
			if err := json.Unmarshal(raw, &outcome); err != nil {
				return bus.Outcome{}, fmt.Errorf("read the outcome of command %s: %w", command.ID, err)
			}
			return outcome, nil
		case <-look.C:
		case <-ctx.Done():
			return bus.Outcome{}, fmt.Errorf("command %s is stored and not decided yet: %w", command.ID, ctx.Err())
		}
	}
}

// Outcome implements bus.Commands.
func (b *Bus) Outcome(ctx context.Context, commandID string) (bus.Outcome, error) {
	stream, err := b.stream(ctx, "KV_"+bucketName(bucketOutcomes))
	if err != nil {
		return bus.Outcome{}, err
	}
	raw, err := stream.GetLastMsgForSubject(ctx, outcomeSubject(commandID))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return bus.Outcome{}, bus.ErrNoOutcome
	}
	if err != nil {
		return bus.Outcome{}, fmt.Errorf("look up the outcome of command %s: %w", commandID, err)
	}
	var outcome bus.Outcome
	if err := json.Unmarshal(raw.Data, &outcome); err != nil {
		return bus.Outcome{}, fmt.Errorf("read the outcome of command %s: %w", commandID, err)
	}
	return outcome, nil
}

func outcomeSubject(commandID string) string {
	return "$KV." + bucketName(bucketOutcomes) + "." + token(commandID)
}
