package bustest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
)

func storeTests() map[string]test {
	return map[string]test{
		"flush writes all or nothing":               testFlush,
		"flush has bounds":                          testFlushBounds,
		"put and get":                               testPut,
		"list by pattern":                           testList,
		"watch shows what is there and what comes":  testWatch,
		"watch by pattern":                          testWatchPattern,
		"a dropped bucket is empty, and seen to be": testDrop,
		"a deleted bucket is gone":                  testDelete,
		"buckets are apart":                         testBucketsApart,
		"what is stored belongs to the bucket":      testStoreNoAliasing,
	}
}

func bucket(t *testing.T, d Door, name string) bus.Bucket {
	t.Helper()
	b, err := d.Bus.Bucket(t.Context(), name)
	require.NoError(t, err)
	return b
}

func contents(t *testing.T, b bus.Bucket, pattern string) map[string]string {
	t.Helper()
	entries, err := b.List(t.Context(), pattern)
	require.NoError(t, err)
	have := make(map[string]string)
	last := ""
	for _, e := range entries {
		assert.Less(t, last, e.Key, "in the order of keys")
		assert.False(t, e.Deleted)
		have[e.Key], last = string(e.Value), e.Key
	}
	return have
}

func flush(t *testing.T, b bus.Bucket, puts map[string][]byte, checkpoint string, expect uint64) uint64 {
	t.Helper()
	revision, err := b.Flush(t.Context(), puts, []byte(checkpoint), expect)
	require.NoError(t, err)
	return revision
}

func testFlush(t *testing.T, d Door) {
	t.Helper()
	b := bucket(t, d, "things")
	revision := flush(t, b, map[string][]byte{"a": []byte("1"), "b.c": []byte("2"), "empty": {}}, "p1", 0)
	entry, err := b.Get(t.Context(), bus.CheckpointKey)
	require.NoError(t, err)
	assert.Equal(t, bus.Entry{Key: bus.CheckpointKey, Value: []byte("p1"), Revision: revision}, entry)
	for _, wrong := range []uint64{0, revision - 1, revision + 1} {
		_, err := b.Flush(t.Context(), map[string][]byte{"a": []byte("9"), "new": []byte("9")}, []byte("p9"), wrong)
		conflict(t, err, wrong)
	}
	assert.Equal(t, map[string]string{"a": "1", "b.c": "2", "empty": "", "checkpoint": "p1"}, contents(t, b, ">"))
	next := flush(t, b, map[string][]byte{"a": nil, "b.c": []byte("3")}, "p2", revision)
	assert.Greater(t, next, revision)
	assert.Equal(t, map[string]string{"b.c": "3", "empty": "", "checkpoint": "p2"}, contents(t, b, ">"))
	flush(t, b, nil, "p3", next)
	assert.Equal(t, "p3", contents(t, b, ">")["checkpoint"])
}

func testFlushBounds(t *testing.T, d Door) {
	t.Helper()
	b := bucket(t, d, "things")
	puts := make(map[string][]byte)
	for i := range bus.MaxFlush {
		puts[fmt.Sprint("k.", i)] = []byte("v")
	}
	flush(t, b, puts, "p", 0)
	assert.Len(t, contents(t, b, ">"), bus.MaxFlush+1)
	puts["one more"] = nil
	_, err := b.Flush(t.Context(), puts, nil, 0)
	require.ErrorContains(t, err, "bound")
	for _, key := range []string{"", "a b", "a.", ".a", "a..b", "a.*", ">", "ä", bus.CheckpointKey} {
		_, err := b.Flush(t.Context(), map[string][]byte{key: []byte("v")}, nil, 0)
		require.ErrorContains(t, err, "key", "%q", key)
	}
	for _, name := range []string{"", "Things", "a-b", "a.b", "1a", "*"} {
		_, err := d.Bus.Bucket(t.Context(), name)
		require.ErrorContains(t, err, "bucket", "%q", name)
	}
}

func testPut(t *testing.T, d Door) {
	t.Helper()
	b := bucket(t, d, "things")
	_, err := b.Get(t.Context(), "a")
	require.ErrorIs(t, err, bus.ErrNoKey)
	require.NoError(t, b.Put(t.Context(), "a", []byte("1")))
	require.NoError(t, b.Put(t.Context(), "a", []byte("2")))
	require.ErrorContains(t, b.Put(t.Context(), "a b", nil), "key")
	entry, err := b.Get(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, "2", string(entry.Value))
	flush(t, b, map[string][]byte{"a": nil}, "p", 0)
	_, err = b.Get(t.Context(), "a")
	require.ErrorIs(t, err, bus.ErrNoKey)
	_, err = b.Get(t.Context(), "no key")
	require.Error(t, err)
}

func testList(t *testing.T, d Door) {
	t.Helper()
	b := bucket(t, d, "things")
	assert.Empty(t, contents(t, b, ">"))
	flush(t, b, map[string][]byte{"page.1": []byte("1"), "page.2": []byte("2"), "page.2.x": []byte("x"), "pages": []byte("s")}, "p", 0)
	assert.Equal(t, map[string]string{"page.1": "1", "page.2": "2"}, contents(t, b, "page.*"))
	assert.Equal(t, map[string]string{"page.1": "1", "page.2": "2", "page.2.x": "x"}, contents(t, b, "page.>"))
	assert.Equal(t, map[string]string{"page.2.x": "x"}, contents(t, b, "*.*.x"))
	assert.Equal(t, map[string]string{"pages": "s", "checkpoint": "p"}, contents(t, b, "*"))
	assert.Equal(t, map[string]string{"pages": "s"}, contents(t, b, "pages"))
}

// mirror folds what a watch shows.
type mirror struct {
	mu       sync.Mutex
	held     map[string]string
	changes  []string
	caughtUp []int
}

func (m *mirror) take(entries []bus.Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range entries {
		m.changes = append(m.changes, e.Key+"="+string(e.Value))
		if e.Deleted {
			delete(m.held, e.Key)
			continue
		}
		m.held[e.Key] = string(e.Value)
	}
}

func (m *mirror) arrived() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.caughtUp = append(m.caughtUp, len(m.held))
}

func (m *mirror) arrivals() []int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]int(nil), m.caughtUp...)
}

func (m *mirror) shows(want map[string]string) func() bool {
	return func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return assert.ObjectsAreEqual(want, m.held)
	}
}

func watch(t *testing.T, b bus.Bucket, pattern string) (m *mirror, stop func() error) {
	t.Helper()
	m = &mirror{held: make(map[string]string)}
	stop = background(t, func(ctx context.Context) error { return b.Watch(ctx, pattern, m.take, m.arrived) })
	eventually(t, func() bool { return len(m.arrivals()) == 1 }, "the watch has caught up")
	return m, stop
}

func testWatch(t *testing.T, d Door) {
	t.Helper()
	b := bucket(t, d, "things")
	empty, stopEmpty := watch(t, b, ">")
	revision := flush(t, b, map[string][]byte{"a": []byte("1"), "b": []byte("1"), "c": []byte("1")}, "p1", 0)
	revision = flush(t, b, map[string][]byte{"a": []byte("2"), "b": nil}, "p2", revision)
	full, stopFull := watch(t, b, ">")
	want := map[string]string{"a": "2", "c": "1", "checkpoint": "p2"}
	require.Equal(t, []int{len(want)}, full.arrivals(), "all that was there")
	for i := range 50 {
		require.NoError(t, b.Put(t.Context(), "n", []byte(fmt.Sprintf("%02d", i))))
	}
	flush(t, b, map[string][]byte{"c": nil}, "p3", revision)
	want = map[string]string{"a": "2", "n": "49", "checkpoint": "p3"}
	eventually(t, full.shows(want), "what comes")
	eventually(t, empty.shows(want), "what comes")
	require.NoError(t, stopFull())
	require.NoError(t, stopEmpty())
	assert.Equal(t, []int{0}, empty.arrivals())
	last := ""
	for _, c := range full.changes {
		if c[0] == 'n' {
			assert.Greater(t, c, last, "in order")
			last = c
		}
	}
}

func testWatchPattern(t *testing.T, d Door) {
	t.Helper()
	b := bucket(t, d, "things")
	flush(t, b, map[string][]byte{"page.1": []byte("1"), "other.1": []byte("1")}, "p", 0)
	pages, stopPages := watch(t, b, "page.*")
	checkpoint, stopCheckpoint := watch(t, b, bus.CheckpointKey)
	require.NoError(t, b.Put(t.Context(), "other.2", []byte("2")))
	require.NoError(t, b.Put(t.Context(), "page.2", []byte("2")))
	eventually(t, pages.shows(map[string]string{"page.1": "1", "page.2": "2"}), "the pages")
	eventually(t, checkpoint.shows(map[string]string{"checkpoint": "p"}), "the checkpoint")
	require.NoError(t, stopPages())
	require.NoError(t, stopCheckpoint())
}

func testDrop(t *testing.T, d Door) {
	t.Helper()
	require.NoError(t, d.Bus.DropBucket(t.Context(), "nothing"))
	b := bucket(t, d, "things")
	flush(t, b, map[string][]byte{"page.1": []byte("old"), "page.2": []byte("old")}, "old", 0)
	all, stopAll := watch(t, b, ">")
	pages, stopPages := watch(t, b, "page.*")
	require.NoError(t, d.Bus.DropBucket(t.Context(), "things"))
	require.NoError(t, d.Bus.DropBucket(t.Context(), "things"))
	again := bucket(t, d, "things")
	assert.Empty(t, contents(t, again, ">"))
	_, err := again.Get(t.Context(), bus.CheckpointKey)
	require.ErrorIs(t, err, bus.ErrNoKey)
	flush(t, again, map[string][]byte{"page.1": []byte("new")}, "new", 0)
	eventually(t, all.shows(map[string]string{"page.1": "new", "checkpoint": "new"}), "what is there now")
	eventually(t, pages.shows(map[string]string{"page.1": "new"}), "what is there now")
	require.NoError(t, stopAll())
	require.NoError(t, stopPages())
	late, stopLate := watch(t, again, ">")
	assert.True(t, late.shows(map[string]string{"page.1": "new", "checkpoint": "new"})())
	require.NoError(t, stopLate())
	assert.Equal(t, map[string]string{"page.1": "new", "checkpoint": "new"}, contents(t, b, ">"))
}

func testDelete(t *testing.T, d Door) {
	t.Helper()
	require.NoError(t, d.Bus.DeleteBucket(t.Context(), "nothing"))
	flush(t, bucket(t, d, "things_g2"), map[string][]byte{"a": []byte("2")}, "p", 0)
	flush(t, bucket(t, d, "things_g10"), map[string][]byte{"a": []byte("10")}, "p", 0)
	names, err := d.Bus.Buckets(t.Context())
	require.NoError(t, err)
	assert.Contains(t, names, "things_g2")
	assert.Contains(t, names, "things_g10")
	assert.IsIncreasing(t, names)
	require.NoError(t, d.Bus.DeleteBucket(t.Context(), "things_g2"))
	require.NoError(t, d.Bus.DeleteBucket(t.Context(), "things_g2"))
	names, err = d.Bus.Buckets(t.Context())
	require.NoError(t, err)
	assert.NotContains(t, names, "things_g2")
	assert.Equal(t, "10", contents(t, bucket(t, d, "things_g10"), ">")["a"])
	require.ErrorContains(t, d.Bus.DeleteBucket(t.Context(), "Things"), "bucket")
}

func testBucketsApart(t *testing.T, d Door) {
	t.Helper()
	one, two := bucket(t, d, "one"), bucket(t, d, "two")
	flush(t, one, map[string][]byte{"a": []byte("1")}, "p", 0)
	assert.Empty(t, contents(t, two, ">"))
	require.NoError(t, d.Bus.DropBucket(t.Context(), "one"))
	flush(t, two, map[string][]byte{"a": []byte("2")}, "p", 0)
	assert.Len(t, contents(t, two, ">"), 2)
}

func testStoreNoAliasing(t *testing.T, d Door) {
	t.Helper()
	b := bucket(t, d, "things")
	value := []byte("good")
	require.NoError(t, b.Put(t.Context(), "a", value))
	copy(value, "evil")
	for range 2 {
		entry, err := b.Get(t.Context(), "a")
		require.NoError(t, err)
		assert.Equal(t, "good", string(entry.Value))
		copy(entry.Value, "evil")
	}
}
