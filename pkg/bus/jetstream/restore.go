package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/vedette/vedette/pkg/archive"
	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/chain"
)

// keyRestore, in the bucket of the integrity, says that a restore is under way.
const keyRestore = "restore"

// pieceTimeout bounds the answer to one piece of a log that is restored.
const pieceTimeout = time.Minute

// ErrRestoring: a restore was interrupted, or is under way.
var ErrRestoring = errors.New("a restore was interrupted, or is under way: run vedette restore again, which begins anew, or empty the data folder")

// Restoring returns ErrRestoring when a restore has begun and not ended. It makes no stream.
func (b *Bus) Restoring(ctx context.Context) error {
	stream, err := b.js.Stream(ctx, "KV_"+bucketName(bucketIntegrity))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for a restore: %w", err)
	}
	m, err := stream.GetLastMsgForSubject(ctx, "$KV."+bucketName(bucketIntegrity)+"."+keyRestore)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("look for a restore: %w", err)
	case string(m.Data) == restoreEnded:
		return nil
	}
	return ErrRestoring
}

const (
	restoreBegun = "begun"
	restoreEnded = "ended"
)

// BeginRestore implements archive.Target. ErrNotVacant: the server holds events, results or read
// models. Streams that are there and empty are removed.
func (b *Bus) BeginRestore(ctx context.Context) error {
	interrupted := errors.Is(b.Restoring(ctx), ErrRestoring)
	names := b.js.StreamNames(ctx)
	var ours []string
	for name := range names.Name() {
		if name == streamEvents || name == streamResults || strings.HasPrefix(name, "KV_vedette_") {
			ours = append(ours, name)
		}
	}
	if err := names.Err(); err != nil {
		return fmt.Errorf("list the streams: %w", err)
	}
	if !interrupted {
		for _, name := range ours {
			state, err := b.state(ctx, name)
			if err != nil {
				return err
			}
			if state.LastSeq > 0 {
				return fmt.Errorf("%w: stream %s of this one holds %d messages", ErrNotVacant, name, state.Msgs)
			}
		}
	}
	marks, err := b.Bucket(ctx, bucketIntegrity)
	if err != nil {
		return err
	}
	if err := marks.Put(ctx, keyRestore, []byte(restoreBegun)); err != nil {
		return err
	}
	for _, name := range ours {
		if name == "KV_"+bucketName(bucketIntegrity) {
			continue
		}
		if err := b.dropStream(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// EndRestore implements archive.Target.
func (b *Bus) EndRestore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := b.js.Stream(ctx, streamEvents)
	if errors.Is(err, jetstream.ErrStreamNotFound) { // nothing was restored: the server is as empty as it was
		return b.dropStream(ctx, "KV_"+bucketName(bucketIntegrity))
	}
	if err != nil {
		return fmt.Errorf("look for what was restored: %w", err)
	}
	marks, err := b.Bucket(ctx, bucketIntegrity)
	if err != nil {
		return err
	}
	return marks.Put(ctx, keyRestore, []byte(restoreEnded))
}

// DropLog implements archive.Target.
func (b *Bus) DropLog(ctx context.Context, log string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return b.dropStream(ctx, log)
}

func (b *Bus) dropStream(ctx context.Context, name string) error {
	b.mu.Lock()
	delete(b.handles, name)
	b.mu.Unlock()
	if err := b.js.DeleteStream(ctx, name); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("remove stream %s: %w", name, err)
	}
	return nil
}

// restoreConfig is the configuration of a restored stream: that of the backup, but for what the
// settings of this server say.
func (b *Bus) restoreConfig(s archive.Snapshot) (config map[string]any, err error) {
	if err := json.Unmarshal(s.Config, &config); err != nil {
		return nil, fmt.Errorf("read the configuration of %s: %w", s.Log, err)
	}
	if config["name"] != s.Log {
		return nil, fmt.Errorf("the configuration of %s is that of %v", s.Log, config["name"])
	}
	config["num_replicas"] = max(1, b.cfg.Replicas)
	limit := b.cfg.Limits.Events
	if s.Log == archive.Results {
		limit = b.cfg.Limits.Results
	}
	if limit > 0 {
		config["max_bytes"] = limit
	}
	return config, nil
}

// RestoreLog implements archive.Target: the server gets back its own snapshot.
func (b *Bus) RestoreLog(ctx context.Context, s archive.Snapshot, next func() ([]byte, error)) error {
	config, err := b.restoreConfig(s)
	if err != nil {
		return err
	}
	request, err := json.Marshal(map[string]any{"config": config, "state": s.State})
	if err != nil {
		return fmt.Errorf("ask for a restore: %w", err)
	}
	var answer struct {
		Error          *jetstream.APIError `json:"error"`
		DeliverSubject string              `json:"deliver_subject"`
	}
	if err := b.ask(ctx, apiRestore+s.Log, request, &answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return refusedRestore(answer.Error)
	}
	err = b.sendPieces(ctx, answer.DeliverSubject, next)
	if err != nil {
		// A piece that asks for no answer makes the server give up at once.
		err = errors.Join(err, b.conn.Publish(answer.DeliverSubject, []byte{0}), b.conn.FlushTimeout(requestTimeout))
	}
	return err
}

// sendPieces sends a log to the server, whose last piece ends it. A piece is sent when the next one is
// there: the server makes the stream as soon as it has all of it, so it must not have the end of a log
// that turns out to be damaged.
func (b *Bus) sendPieces(ctx context.Context, subject string, next func() ([]byte, error)) error {
	send := func(piece []byte) error {
		var done struct {
			Error *jetstream.APIError `json:"error"`
		}
		if err := b.ask(ctx, subject, piece, &done); err != nil {
			return err
		}
		if done.Error != nil {
			return refusedRestore(done.Error)
		}
		return nil
	}
	var held []byte
	for {
		piece, err := next()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(held) > 0 {
			if err := send(held); err != nil {
				return err
			}
		}
		if err != nil {
			return send(nil)
		}
		held = append(held[:0], piece...)
	}
}

// ask sends a request to the server and decodes its answer, if there is one in it.
func (b *Bus) ask(ctx context.Context, subject string, request []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, pieceTimeout)
	defer cancel()
	reply, err := b.conn.RequestWithContext(ctx, subject, request)
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	if len(reply.Data) == 0 {
		return nil
	}
	if err := json.Unmarshal(reply.Data, into); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}

func refusedRestore(err *jetstream.APIError) error {
	if err.ErrorCode == codeNoRoom {
		return fmt.Errorf("%w: the server has less room than the stream reserves: lower --max-events and --max-results, or raise the server's max_file_store", err)
	}
	return fmt.Errorf("the server refuses: %w", err)
}

// VerifyRestored implements archive.Target.
func (b *Bus) VerifyRestored(ctx context.Context, head chain.Head, progress func(done, total uint64)) error {
	var expect []chain.Head
	if head.Sequence > 0 {
		expect = append(expect, head)
	}
	report, err := b.Verify(ctx, expect, progress)
	if err != nil {
		return err
	}
	if !report.Whole {
		return fmt.Errorf("%w: what was restored is not what was backed up: %s", bus.ErrCorrupt, report.Reason())
	}
	return nil
}
