package bus

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

type memoryStore struct {
	mu      sync.Mutex
	buckets map[string]*memoryBucket
}

// memoryBucket outlives its being dropped, empty, so that those who watch it see what comes after.
type memoryBucket struct {
	name     string
	mu       sync.Mutex
	changed  signal
	revision uint64
	// entries holds the latest of every key, deletions too.
	entries map[string]Entry
	// changes are the keys in the order in which they were written; only the last of a key counts.
	changes []change
}

type change struct {
	key      string
	revision uint64
}

// Bucket implements Store.
func (m *Memory) Bucket(ctx context.Context, name string) (Bucket, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", name, err)
	}
	if !ValidBucket(name) {
		return nil, fmt.Errorf("bucket %q: use a-z, 0-9 and _, a letter first", name)
	}
	s := &m.store
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if b == nil {
		b = &memoryBucket{name: name, entries: make(map[string]Entry)}
		s.buckets[name] = b
	}
	return b, nil
}

// DropBucket implements Store.
func (m *Memory) DropBucket(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("drop bucket %s: %w", name, err)
	}
	m.store.mu.Lock()
	b := m.store.buckets[name]
	m.store.mu.Unlock()
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(b.entries)) {
		if !b.entries[key].Deleted {
			b.write(key, nil)
		}
	}
	b.changed.raise()
	return nil
}

// DeleteBucket implements Store.
func (m *Memory) DeleteBucket(ctx context.Context, name string) error {
	if !ValidBucket(name) {
		return fmt.Errorf("bucket %q: use a-z, 0-9 and _, a letter first", name)
	}
	if err := m.DropBucket(ctx, name); err != nil {
		return err
	}
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	delete(m.store.buckets, name)
	return nil
}

// Buckets implements Store.
func (m *Memory) Buckets(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list the buckets: %w", err)
	}
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	return slices.Sorted(maps.Keys(m.store.buckets)), nil
}

// write puts one key, or deletes it when value is nil, and returns the revision.
func (b *memoryBucket) write(key string, value []byte) uint64 {
	b.revision++
	b.entries[key] = Entry{Key: key, Value: bytes.Clone(value), Revision: b.revision, Deleted: value == nil}
	b.changes = append(b.changes, change{key, b.revision})
	if len(b.changes) > 2*len(b.entries)+64 {
		b.changes = slices.DeleteFunc(b.changes, func(c change) bool { return b.entries[c.key].Revision != c.revision })
	}
	return b.revision
}

// Get implements Bucket.
func (b *memoryBucket) Get(ctx context.Context, key string) (Entry, error) {
	if err := ctx.Err(); err != nil {
		return Entry{}, fmt.Errorf("get %s of bucket %s: %w", key, b.name, err)
	}
	if err := CheckKey(key); err != nil {
		return Entry{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.entries[key]
	if !ok || e.Deleted {
		return Entry{}, fmt.Errorf("%s in bucket %s: %w", key, b.name, ErrNoKey)
	}
	return copied(e), nil
}

// List implements Bucket.
func (b *memoryBucket) List(ctx context.Context, pattern string) ([]Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list bucket %s: %w", b.name, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	found := []Entry{}
	for _, e := range b.entries {
		if !e.Deleted && matches(pattern, e.Key) {
			found = append(found, copied(e))
		}
	}
	slices.SortFunc(found, func(x, y Entry) int { return strings.Compare(x.Key, y.Key) })
	return found, nil
}

// Flush implements Bucket.
func (b *memoryBucket) Flush(ctx context.Context, puts map[string][]byte, checkpoint []byte, expect uint64) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("flush to bucket %s: %w", b.name, err)
	}
	if err := CheckFlush(puts); err != nil {
		return 0, fmt.Errorf("flush to bucket %s: %w", b.name, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if actual := b.entries[CheckpointKey].live(); actual != expect {
		return 0, &ConflictError{What: "checkpoint of bucket " + b.name, Expected: expect, Actual: actual}
	}
	for _, key := range slices.Sorted(maps.Keys(puts)) {
		b.write(key, puts[key])
	}
	if checkpoint == nil {
		checkpoint = []byte{}
	}
	revision := b.write(CheckpointKey, checkpoint)
	b.changed.raise()
	return revision, nil
}

// live returns the revision of an entry, 0 when it is deleted.
func (e Entry) live() uint64 {
	if e.Deleted {
		return 0
	}
	return e.Revision
}

// Put implements Bucket.
func (b *memoryBucket) Put(ctx context.Context, key string, value []byte) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("put %s of bucket %s: %w", key, b.name, err)
	}
	if err := CheckKey(key); err != nil {
		return err
	}
	if value == nil {
		value = []byte{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.write(key, value)
	b.changed.raise()
	return nil
}

// Watch implements Bucket.
func (b *memoryBucket) Watch(ctx context.Context, pattern string, handle func([]Entry), caughtUp func()) error {
	var after uint64
	for ctx.Err() == nil {
		entries, reached, changed := b.since(after, pattern)
		if after = reached; len(entries) > 0 {
			handle(entries)
		}
		if caughtUp != nil {
			caughtUp()
			caughtUp = nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return nil
}

// since returns the latest of what was written after a revision, in order, the revision reached, and
// what is closed at the next change.
func (b *memoryBucket) since(after uint64, pattern string) ([]Entry, uint64, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first, _ := slices.BinarySearchFunc(b.changes, after+1, func(c change, revision uint64) int {
		return int(int64(c.revision) - int64(revision))
	})
	var entries []Entry
	for _, c := range b.changes[first:] {
		if e := b.entries[c.key]; e.Revision == c.revision && matches(pattern, c.key) {
			entries = append(entries, copied(e))
		}
	}
	return entries, b.revision, b.changed.wait()
}
