package jetstream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
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
	if !bus.ValidBucket(name) {
		return nil, fmt.Errorf("bucket %q: use a-z, 0-9 and _, a letter first", name)
	}
	config := bucketConfig(name)
	config.Replicas = max(1, b.cfg.Replicas)
	if err := b.ensureStream(ctx, config); err != nil {
		return nil, err
	}
	return &bucket{bus: b, name: name, prefix: "$KV." + bucketName(name) + "."}, nil
}

// DropBucket implements bus.Store. The stream stays, with one message that says that all before it
// is gone: were it deleted and made again, whoever watches it would wait for ever for sequences that
// the new one has used already.
func (b *Bus) DropBucket(ctx context.Context, name string) error {
	if !bus.ValidBucket(name) {
		return fmt.Errorf("bucket %q: use a-z, 0-9 and _, a letter first", name)
	}
	_, err := b.js.Stream(ctx, "KV_"+bucketName(name))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err == nil {
		m := message("$KV."+bucketName(name)+"."+keyDropped, nil, nil)
		m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupAll)
		_, err = b.publish(ctx, []*nats.Msg{m})
	}
	if err != nil {
		return fmt.Errorf("drop bucket %s: %w", name, err)
	}
	return nil
}

// DeleteBucket implements bus.Store.
func (b *Bus) DeleteBucket(ctx context.Context, name string) error {
	if !bus.ValidBucket(name) {
		return fmt.Errorf("bucket %q: use a-z, 0-9 and _, a letter first", name)
	}
	stream := "KV_" + bucketName(name)
	b.mu.Lock()
	delete(b.handles, stream)
	b.mu.Unlock()
	if err := b.js.DeleteStream(ctx, stream); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("delete bucket %s: %w", name, err)
	}
	return nil
}

// Buckets implements bus.Store.
func (b *Bus) Buckets(ctx context.Context) ([]string, error) {
	prefix := "KV_" + bucketName("")
	var names []string
	lister := b.js.StreamNames(ctx)
	for name := range lister.Name() {
		if bucket, ok := strings.CutPrefix(name, prefix); ok {
			names = append(names, bucket)
		}
	}
	if err := lister.Err(); err != nil {
		return nil, fmt.Errorf("list the buckets: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

// keyDropped marks the place at which a bucket was dropped. No key of a bucket's is like it.
const keyDropped = "~dropped"

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
	if err := bus.CheckKey(key); err != nil {
		return bus.Entry{}, err
	}
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
	err := k.bus.readUpTo(ctx, tailing{stream: k.stream(), latest: true, filters: []string{k.prefix + pattern}}, math.MaxInt, func(m jetstream.Msg) {
		switch e := k.entry(m); {
		case e.Key == keyDropped:
			clear(live)
		case e.Deleted:
			delete(live, e.Key)
		default:
			live[e.Key] = e
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
	if err := bus.CheckFlush(puts); err != nil {
		return 0, fmt.Errorf("flush to bucket %s: %w", k.name, err)
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
	if err := bus.CheckKey(key); err != nil {
		return err
	}
	if _, err := k.bus.publish(ctx, []*nats.Msg{message(k.prefix+key, nil, value)}); err != nil {
		return k.bus.explain(err, key+" of bucket "+k.name, 0)
	}
	return nil
}

// Watch implements bus.Bucket.
func (k *bucket) Watch(ctx context.Context, pattern string, handle func([]bus.Entry), caughtUp func()) error {
	filters := []string{k.prefix + pattern}
	if pattern != ">" && pattern != "*" { // which cover it
		filters = append(filters, k.prefix+keyDropped)
	}
	known := make(map[string]bool)
	renewed := func() {
		if entries := dropped(known, 0); len(entries) > 0 {
			handle(entries)
		}
		clear(known)
	}
	return k.bus.tail(ctx, tailing{stream: k.stream(), latest: true, filters: filters, caughtUp: caughtUp, renewed: renewed, handle: func(raw []jetstream.Msg) error {
		entries := make([]bus.Entry, 0, len(raw))
		for _, m := range raw {
			e := k.entry(m)
			if e.Key == keyDropped {
				entries = append(entries, dropped(known, e.Revision)...)
				clear(known)
				continue
			}
			if e.Deleted {
				delete(known, e.Key)
			} else {
				known[e.Key] = true
			}
			entries = append(entries, e)
		}
		if len(entries) > 0 {
			handle(entries)
		}
		return nil
	}})
}

// dropped returns the deletions of keys that went with their bucket.
func dropped(keys map[string]bool, revision uint64) []bus.Entry {
	entries := make([]bus.Entry, 0, len(keys))
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		entries = append(entries, bus.Entry{Key: key, Revision: revision, Deleted: true})
	}
	return entries
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
