package jetstream_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLeasesOfTheDeadCanBeEnded(t *testing.T) {
	server := serve(t, t.TempDir())
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	dead, alive := open(t, server), open(t, server)

	fences := make(chan uint64, 2)
	hold := func(ctx context.Context, fence uint64) error {
		fences <- fence
		<-ctx.Done()
		return nil
	}
	life, die := context.WithCancel(t.Context())
	buried := make(chan error, 1)
	go func() { buried <- dead.Hold(life, "scheduler", "dead", hold) }()
	first := <-fences
	dead.Close() // it can neither renew the lease nor release it
	die()
	require.NoError(t, <-buried)

	require.NoError(t, alive.EndLeases(t.Context()))
	require.NoError(t, alive.EndLeases(t.Context()), "again is no harm")
	ctx, cancel := context.WithCancel(t.Context())
	held := make(chan error, 1)
	began := time.Now()
	go func() { held <- alive.Hold(ctx, "scheduler", "alive", hold) }()
	require.Greater(t, <-fences, first, "fences grow")
	require.Less(t, time.Since(began), 2*time.Second, "nobody waits for it to run out")
	cancel()
	require.NoError(t, <-held)
}
