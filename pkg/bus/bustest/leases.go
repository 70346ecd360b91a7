package bustest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func leaseTests() map[string]test {
	return map[string]test{
		"a standby takes over at once from one that stops": testHandOver,
		"a lease that is lost goes to a standby":           testLostLease,
		"an error of the holder's ends holding":            testHolderFails,
		"a holder that gives up gets it again":             testGivesUp,
		"leases are apart":                                 testLeasesApart,
	}
}

// holder is one that wants a lease, and says when it has it.
type holder struct {
	fences chan uint64
	active *atomic.Int64
	stop   func() error
}

func hold(t *testing.T, d Door, lease, name string, active *atomic.Int64) holder {
	t.Helper()
	h := holder{fences: make(chan uint64, 10), active: active}
	h.stop = background(t, func(ctx context.Context) error {
		return d.Bus.Hold(ctx, lease, name, func(ctx context.Context, fence uint64) error {
			assert.EqualValues(t, 1, active.Add(1), "one at a time")
			h.fences <- fence
			<-ctx.Done()
			active.Add(-1)
			return ctx.Err()
		})
	})
	return h
}

func testHandOver(t *testing.T, d Door) {
	t.Helper()
	var active atomic.Int64
	first := hold(t, d, "decider", "one", &active)
	fence := receive(t, first.fences, "the lease")
	second := hold(t, d, "decider", "two", &active)
	for range 3 {
		begun := time.Now()
		require.NoError(t, first.stop())
		next := receive(t, second.fences, "the lease")
		assert.Greater(t, next, fence)
		assert.Less(t, time.Since(begun), 2*time.Second, "released, not run out")
		fence, first = next, second
		second = hold(t, d, "decider", "again", &active)
	}
	require.NoError(t, first.stop())
	receive(t, second.fences, "the lease")
	require.NoError(t, second.stop())
	assert.Zero(t, active.Load())
}

func testLostLease(t *testing.T, d Door) {
	t.Helper()
	fences := make(chan uint64, 10)
	ended := make(chan struct{}, 10)
	stop := background(t, func(ctx context.Context) error {
		return d.Bus.Hold(ctx, "decider", "one", func(ctx context.Context, fence uint64) error {
			fences <- fence
			<-ctx.Done()
			ended <- struct{}{}
			return nil
		})
	})
	fence := receive(t, fences, "the lease")
	for range 2 {
		begun := time.Now()
		d.Revoke(t, "decider")
		receive(t, ended, "the news that it is lost")
		next := receive(t, fences, "the lease again")
		assert.Greater(t, next, fence)
		assert.Less(t, time.Since(begun), 6*time.Second)
		fence = next
	}
	require.NoError(t, stop())
}

func testHolderFails(t *testing.T, d Door) {
	t.Helper()
	err := d.Bus.Hold(t.Context(), "decider", "one", func(context.Context, uint64) error { return errHandler })
	require.ErrorIs(t, err, errHandler)
	var active atomic.Int64
	next := hold(t, d, "decider", "two", &active)
	begun := time.Now()
	receive(t, next.fences, "the lease")
	assert.Less(t, time.Since(begun), 2*time.Second, "it was released")
	require.NoError(t, next.stop())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, d.Bus.Hold(ended, "decider", "one", func(context.Context, uint64) error { return errHandler }))
}

func testGivesUp(t *testing.T, d Door) {
	t.Helper()
	fences := make(chan uint64, 10)
	stop := background(t, func(ctx context.Context) error {
		return d.Bus.Hold(ctx, "decider", "one", func(_ context.Context, fence uint64) error {
			fences <- fence
			return nil
		})
	})
	first := receive(t, fences, "the lease")
	assert.Greater(t, receive(t, fences, "the lease again"), first)
	require.NoError(t, stop())
}

func testLeasesApart(t *testing.T, d Door) {
	t.Helper()
	var decider, scheduler atomic.Int64
	one, two := hold(t, d, "decider", "same", &decider), hold(t, d, "projector.Main", "same", &scheduler)
	receive(t, one.fences, "the one")
	receive(t, two.fences, "the other")
	require.NoError(t, one.stop())
	require.NoError(t, two.stop())
}
