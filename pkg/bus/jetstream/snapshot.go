package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/vedette/vedette/pkg/archive"
	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/chain"
)

var (
	_ archive.Source = (*Bus)(nil)
	_ archive.Target = (*Bus)(nil)
)

const (
	apiSnapshot = "$JS.API.STREAM.SNAPSHOT."
	apiRestore  = "$JS.API.STREAM.RESTORE."
	// snapshotChunk is how many bytes the server sends at once; it has 8 MiB on the way at most.
	snapshotChunk = 128 << 10
	// snapshotSilence is how long the server may send nothing: it checks the whole store first.
	snapshotSilence = 2 * time.Minute
)

// snapshotAnswer is the server's answer to a request for a snapshot.
type snapshotAnswer struct {
	Error  *jetstream.APIError `json:"error"`
	Config json.RawMessage     `json:"config"`
	State  json.RawMessage     `json:"state"`
}

// SnapshotLog implements archive.Source: the server's own snapshot, with sequences and times of
// storing as they are. A log that is damaged gives bus.ErrCorrupt.
func (b *Bus) SnapshotLog(ctx context.Context, log string, begin func(archive.Snapshot) error, chunk func([]byte) error) error {
	if err := b.intact(); err != nil {
		return fmt.Errorf("%w: a backup of it would be too", err)
	}
	inbox := b.conn.NewInbox()
	chunks, err := b.conn.SubscribeSync(inbox)
	if err != nil {
		return fmt.Errorf("listen for the snapshot: %w", err)
	}
	defer func() { _ = chunks.Unsubscribe() }() // fails only without a connection
	request, err := json.Marshal(map[string]any{"deliver_subject": inbox, "no_consumers": true, "chunk_size": snapshotChunk, "jsck": true})
	if err != nil {
		return fmt.Errorf("ask for a snapshot: %w", err)
	}
	asking, cancel := context.WithTimeout(ctx, snapshotSilence)
	defer cancel()
	reply, err := b.conn.RequestWithContext(asking, apiSnapshot+log, request)
	if err != nil {
		return fmt.Errorf("ask for a snapshot: %w", err)
	}
	var answer snapshotAnswer
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	if answer.Error != nil {
		return fmt.Errorf("the server makes no snapshot: %w", answer.Error)
	}
	var state jetstream.StreamState
	if err := json.Unmarshal(answer.State, &state); err != nil {
		return fmt.Errorf("read the state of the stream: %w", err)
	}
	if err := begin(archive.Snapshot{
		Log: log, Messages: state.Msgs, Bytes: state.Bytes, First: state.FirstSeq, Last: state.LastSeq, Config: answer.Config, State: answer.State,
	}); err != nil {
		return err
	}
	return takeChunks(ctx, chunks, chunk)
}

// takeChunks takes a snapshot until the server says that it was all. What is not acknowledged within
// 5 s makes the server give up.
func takeChunks(ctx context.Context, chunks *nats.Subscription, take func([]byte) error) error {
	for {
		waiting, cancel := context.WithTimeout(ctx, snapshotSilence)
		m, err := chunks.NextMsgWithContext(waiting)
		cancel()
		if err != nil {
			return fmt.Errorf("wait for the next piece: %w", err)
		}
		if len(m.Data) == 0 {
			if status := m.Header.Get("Status"); status != "" && status != "204" {
				return fmt.Errorf("the server gave up: %s %s: what it sends must be taken within 5 s", status, m.Header.Get("Description"))
			}
			return nil
		}
		if err := take(m.Data); err != nil {
			return err
		}
		if m.Reply != "" {
			if err := m.Respond(nil); err != nil {
				return fmt.Errorf("acknowledge a piece: %w", err)
			}
		}
	}
}

// HeadAt implements archive.Source.
func (b *Bus) HeadAt(ctx context.Context, last uint64, progress func(done, total uint64)) (chain.Head, error) {
	var head chain.Head
	if last == 0 {
		return head, nil
	}
	err := b.readEvents(ctx, last, func(e chain.Event) error {
		if e.Sequence != head.Sequence+1 {
			return fmt.Errorf("%w: event %d %s", bus.ErrCorrupt, head.Sequence+1, chain.Missing)
		}
		head = head.Next(e.Digest())
		if progress != nil && e.Sequence%progressEvery == 0 {
			progress(e.Sequence, last)
		}
		return nil
	})
	if err == nil && head.Sequence != last {
		err = fmt.Errorf("%w: event %d %s", bus.ErrCorrupt, head.Sequence+1, chain.Missing)
	}
	return head, err
}

// ErrNotVacant: the server holds what a restore would replace.
var ErrNotVacant = errors.New("a backup is restored into an empty server only")
