package jetstream_test

import (
	"context"
	"testing"
	"time"

	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// The server takes 1,000 consumers a stream at most, and keeps for minutes one that has fallen silent.
func TestReadingLeavesNoConsumersBehind(t *testing.T) {
	server := started(t)
	b := open(t, server)
	_, err := b.Append(t.Context(), batchOf(registered("a"), registered("b")))
	require.NoError(t, err)
	for range 50 {
		_, err := b.Read(t.Context(), 0, 10, bus.Filter{})
		require.NoError(t, err)
		_, err = b.ReadResults(t.Context(), 0, 10)
		require.NoError(t, err)
	}
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		require.NoError(t, b.Follow(ctx, 0, bus.Filter{}, func([]monitor.EventMessage) error {
			cancel()
			return nil
		}, nil))
	}
	js, err := natsjs.New(app(t, server))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		left := 0
		for _, name := range []string{"EVENTS", "RESULTS"} {
			stream, err := js.Stream(t.Context(), name)
			require.NoError(t, err)
			left += stream.CachedInfo().State.Consumers
		}
		return left == 0
	}, 10*time.Second, 20*time.Millisecond)
}
