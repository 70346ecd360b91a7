package jetstream

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
)

func opened(t *testing.T) *Bus {
	t.Helper()
	server, err := embedded.Start(embedded.Config{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	user, password := server.User()
	b, err := Connect(t.Context(), Config{Server: Server{InProcess: server, User: user, Password: password}})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.EnsureTopology(t.Context()))
	return b
}

func written(id, service string) monitor.EventMessage {
	return monitor.EventMessage{Meta: monitor.Meta{ID: id, Time: time.Now()}, Event: monitor.ServiceRegistered{Definition: monitor.ServiceDefinition{ID: service}}}
}

func batch(events ...monitor.EventMessage) bus.Batch {
	b := bus.Batch{Events: events, Expect: map[bus.Aggregate]uint64{}}
	for _, e := range events {
		b.Expect[bus.AggregateOf(e.Event)] = 0
	}
	return b
}

func TestALostAnswerIsLookedUp(t *testing.T) {
	b := opened(t)
	stored, never := batch(written("1", "a"), written("2", "b")), batch(written("3", "c"), written("4", "d"))
	_, err := b.Append(t.Context(), stored)
	require.NoError(t, err)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, cause := range []error{context.DeadlineExceeded, nats.ErrTimeout, &bus.ConflictError{}} {
		last, err := b.settle(ended, stored, cause)
		require.NoError(t, err, "it was written, whatever the answer")
		assert.EqualValues(t, 2, last)
		_, err = b.settle(ended, never, cause)
		assert.Equal(t, cause, err, "it was not")
	}
	_, err = b.settle(t.Context(), stored, bus.ErrFull)
	require.ErrorIs(t, err, bus.ErrFull, "what the server refused for another reason is not looked up")
}

// A plain subscription to the events would hear the members of a batch that is then refused.
func TestTheLiveFeedHearsOnlyWhatIsCommitted(t *testing.T) {
	b := opened(t)
	heard := make(chan *nats.Msg, 10)
	subscription, err := b.conn.ChanSubscribe(liveEvents, heard)
	require.NoError(t, err)
	require.NoError(t, b.conn.Flush())
	_, err = b.Append(t.Context(), batch(written("1", "a")))
	require.NoError(t, err)
	_, err = b.Append(t.Context(), batch(written("2", "b"), written("3", "c"), written("4", "a")))
	require.ErrorAs(t, err, new(*bus.ConflictError))
	_, err = b.Append(t.Context(), batch(written("5", "d"), written("6", "e")))
	require.NoError(t, err)
	for i, id := range []string{"1", "5", "6"} {
		m := <-heard
		assert.Equal(t, []string{id}, m.Header["ce-id"])
		assert.Equal(t, string(rune('1'+i)), m.Header.Get("Nats-Sequence"))
	}
	require.NoError(t, subscription.Unsubscribe())
	assert.Empty(t, heard)
}

func TestAppendGivesUpWithItsContext(t *testing.T) {
	b := opened(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Append(ended, batch(written("1", "a")))
	require.ErrorIs(t, err, context.Canceled)
}

func TestALostAnswerToARenewalLosesNoLease(t *testing.T) {
	b := opened(t)
	mine := lease{bus: b, subject: "$KV." + bucketName(bucketLeases) + ".decider", name: "decider", holder: "same", own: "mine"}
	fence, err := mine.take(t.Context())
	require.NoError(t, err)
	require.NoError(t, (&lease{bus: b, subject: mine.subject, holder: "same", own: "mine"}).write(t.Context(), fence), "a renewal, unheard")
	require.True(t, mine.renew(t.Context()))
	require.Greater(t, mine.revision, fence+1)
	require.NoError(t, (&lease{bus: b, subject: mine.subject, holder: "same", own: "another's"}).write(t.Context(), mine.revision))
	require.False(t, mine.renew(t.Context()))
}
