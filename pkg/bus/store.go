package bus

import "context"

// Store keeps read models, one bucket each.
type Store interface {
	// Bucket opens a bucket, creating it where needed. name is [a-z][a-z0-9_]*: "checks".
	Bucket(ctx context.Context, name string) (Bucket, error)
	// DropBucket removes a bucket and all in it: those who watch it see every key deleted, and what
	// is written to it afterwards. Dropping one that does not exist is no error.
	DropBucket(ctx context.Context, name string) error
	// DeleteBucket removes a bucket for good. Its name must not be used again: those who still watch
	// it may never learn of another bucket of that name. Deleting one that does not exist is no error.
	DeleteBucket(ctx context.Context, name string) error
	// Buckets returns the names of the buckets that there are, sorted.
	Buckets(ctx context.Context) ([]string, error)
}

// CheckpointKey is the key under which a bucket holds its projection's checkpoint.
const CheckpointKey = "checkpoint"

// MaxFlush is the most keys of one Flush, besides the checkpoint.
const MaxFlush = 998

// Bucket is one read model. Keys are [A-Za-z0-9_=.-]+, dots separating tokens.
type Bucket interface {
	// Get returns the entry of a key. ErrNoKey: there is none.
	Get(ctx context.Context, key string) (Entry, error)
	// List returns the live entries whose keys match pattern ("page.*", ">" for all).
	List(ctx context.Context, pattern string) ([]Entry, error)
	// Flush writes all puts (nil deletes the key) and the checkpoint in one atomic batch, provided
	// that the checkpoint's revision is still expect (0: there is none), and returns the
	// checkpoint's new revision. *ConflictError: somebody else moved it; nothing was written.
	Flush(ctx context.Context, puts map[string][]byte, checkpoint []byte, expect uint64) (uint64, error)
	// Put writes one key without touching the checkpoint, expecting nothing.
	Put(ctx context.Context, key string, value []byte) error
	// Watch calls handle with the current entries whose keys match pattern, then with every change
	// in order, deletions marked, and blocks until ctx ends (then nil). caughtUp (may be nil) is
	// called once, when the current entries have been handled. After a lost connection it goes on
	// with the latest value of what changed meanwhile.
	Watch(ctx context.Context, pattern string, handle func([]Entry), caughtUp func()) error
}

// Entry is a key with its value.
type Entry struct {
	Key      string
	Value    []byte
	Revision uint64
	Deleted  bool
}
