package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/vedette/vedette/pkg/bus"
)

// stream returns a handle of a stream without asking the server each time: it has no state.
func (b *Bus) stream(ctx context.Context, name string) (jetstream.Stream, error) {
	b.mu.Lock()
	known := b.handles[name]
	b.mu.Unlock()
	if known != nil {
		return known, nil
	}
	found, err := b.js.Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", name, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handles[name] = found
	return found, nil
}

// Bucket implements bus.Store.
func (b *Bus) Bucket(ctx context.Context, name string) (bus.Bucket, error) {
	config := bucketConfig(name)
	config.Replicas = max(1, b.cfg.Replicas)
	if err := b.ensureStream(ctx, config); err != nil {
		return nil, err
	}
	return &bucket{bus: b, name: name, prefix: "$KV." + bucketName(name) + "."}, nil
}

// DropBucket implements bus.Store.
func (b *Bus) DropBucket(ctx context.Context, name string) error {
	b.mu.Lock()
	delete(b.handles, "KV_"+bucketName(name))
	b.mu.Unlock()
	err := b.js.DeleteStream(ctx, "KV_"+bucketName(name))
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("drop bucket %s: %w", name, err)
	}
	return nil
}

// bucket is a key-value bucket of NATS, spoken to as the stream that it is.
type bucket struct {
	bus    *Bus
	name   string
	prefix string
}

const (
	headerOperation = "KV-Operation"
	operationDelete = "DEL"
)

func (k *bucket) stream() string { return "KV_" + bucketName(k.name) }

// Get implements bus.Bucket.
func (k *bucket) Get(ctx context.Context, key string) (bus.Entry, error) {
	stream, err := k.bus.stream(ctx, k.stream())
	if err != nil {
		return bus.Entry{}, err
	}
	raw, err := stream.GetLastMsgForSubject(ctx, k.prefix+key)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound), err == nil && raw.Header.Get(headerOperation) != "":
		return bus.Entry{}, fmt.Errorf("%s in bucket %s: %w", key, k.name, bus.ErrNoKey)
	case err != nil:
		return bus.Entry{}, fmt.Errorf("get %s of bucket %s: %w", key, k.name, err)
	}
	return bus.Entry{Key: key, Value: raw.Data, Revision: raw.Sequence}, nil
}

// List implements bus.Bucket.
func (k *bucket) List(ctx context.Context, pattern string) ([]bus.Entry, error) {
	live := make(map[string]bus.Entry)
	err := k.bus.readUpTo(ctx, tailing{stream: k.stream(), latest: true, filter: k.prefix + pattern}, int(^uint(0)>>1), func(m jetstream.Msg) {
		if e := k.entry(m); !e.Deleted {
			live[e.Key] = e
		} else {
			delete(live, e.Key)
		}
	})
	if err != nil {
		return nil, err
	}
	entries := make([]bus.Entry, 0, len(live))
	for _, e := range live {
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(x, y bus.Entry) int { return strings.Compare(x.Key, y.Key) })
	return entries, nil
}

// Flush implements bus.Bucket.
func (k *bucket) Flush(ctx context.Context, puts map[string][]byte, checkpoint []byte, expected uint64) (uint64, error) {
	if len(puts) > bus.MaxFlush {
		return 0, fmt.Errorf("flush of %d keys to bucket %s: the bound is %d", len(puts), k.name, bus.MaxFlush)
	}
	messages := make([]*nats.Msg, 0, len(puts)+1)
	for key, value := range puts {
		m := message(k.prefix+key, nil, value)
		if value == nil {
			m.Header.Set(headerOperation, operationDelete)
		}
		messages = append(messages, m)
	}
	last := message(k.prefix+bus.CheckpointKey, nil, checkpoint)
	expect(last, last.Subject, expected)
	revision, err := k.bus.publish(ctx, append(messages, last))
	if err != nil {
		return 0, k.bus.explain(err, "checkpoint of bucket "+k.name, expected)
	}
	return revision, nil
}

// Put implements bus.Bucket.
func (k *bucket) Put(ctx context.Context, key string, value []byte) error {
	if _, err := k.bus.publish(ctx, []*nats.Msg{message(k.prefix+key, nil, value)}); err != nil {
		return k.bus.explain(err, key+" of bucket "+k.name, 0)
	}
	return nil
}

// Watch implements bus.Bucket.
func (k *bucket) Watch(ctx context.Context, pattern string, handle func([]bus.Entry), caughtUp func()) error {
	return k.bus.tail(ctx, tailing{stream: k.stream(), latest: true, filter: k.prefix + pattern, caughtUp: caughtUp, handle: func(raw []jetstream.Msg) error {
		entries := make([]bus.Entry, len(raw))
		for i, m := range raw {
			entries[i] = k.entry(m)
		}
		handle(entries)
		return nil
	}})
}

func (k *bucket) entry(m jetstream.Msg) bus.Entry {
	e := bus.Entry{Key: strings.TrimPrefix(m.Subject(), k.prefix), Value: m.Data()}
	if e.Deleted = m.Headers().Get(headerOperation) != ""; e.Deleted {
		e.Value = nil
	}
	if meta, err := m.Metadata(); err == nil {
		e.Revision = meta.Sequence.Stream
	}
	return e
}
