package backoff_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/process/backoff"
)

func TestPausesGrowUpToTheMostAndBeginAgain(t *testing.T) {
	b := backoff.Backoff{First: time.Second, Most: 5 * time.Second}
	for _, want := range []time.Duration{1, 2, 4, 5, 5} {
		require.Equal(t, want*time.Second, b.Next())
	}
	b.Reset()
	require.Equal(t, time.Second, b.Next())
	require.Equal(t, backoff.DefaultFirst, new(backoff.Backoff).Next())
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b backoff.Backoff
		started := time.Now()
		require.True(t, b.Wait(t.Context()))
		require.Equal(t, backoff.DefaultFirst, time.Since(started))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.False(t, b.Wait(ctx))
		require.Equal(t, backoff.DefaultFirst, time.Since(started))
	})
}
