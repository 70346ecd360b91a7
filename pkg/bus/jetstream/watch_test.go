package jetstream_test

import (
	"context"
	"sync"
	"testing"
	"time"

	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
)

// An operator who deletes a bucket has it rebuilt. Those who watch it must not go on showing what was.
func TestAWatchSeesThatItsBucketIsAnother(t *testing.T) {
	server := started(t)
	b := open(t, server)
	bucket, err := b.Bucket(t.Context(), "things")
	require.NoError(t, err)
	_, err = bucket.Flush(t.Context(), map[string][]byte{"page.1": []byte("old"), "page.2": []byte("old")}, []byte("old"), 0)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	held := make(map[string]string)
	shows := func(want map[string]string) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return assert.ObjectsAreEqual(want, held)
		}
	}
	ended := make(chan error, 1)
	go func() {
		ended <- bucket.Watch(ctx, "page.*", func(entries []bus.Entry) {
			mu.Lock()
			defer mu.Unlock()
			for _, e := range entries {
				if held[e.Key] = string(e.Value); e.Deleted {
					delete(held, e.Key)
				}
			}
		}, nil)
	}()
	require.Eventually(t, shows(map[string]string{"page.1": "old", "page.2": "old"}), 10*time.Second, 10*time.Millisecond)
	js, err := natsjs.New(app(t, server))
	require.NoError(t, err)
	require.NoError(t, js.DeleteStream(t.Context(), "KV_vedette_things"))
	var again bus.Bucket
	persist(t, func() error { again, err = b.Bucket(t.Context(), "things"); return err })
	persist(t, func() error { return again.Put(t.Context(), "page.1", []byte("new")) })
	require.Eventually(t, shows(map[string]string{"page.1": "new"}), 20*time.Second, 10*time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
}
