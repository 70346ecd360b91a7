package bustest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

func executionTests() map[string]test {
	return map[string]test{
		"dispatched, pulled, acknowledged":        testExecutions,
		"a location that is not open":             testNoLocation,
		"locations are apart":                     testLocationsApart,
		"a repeated dispatch is no second batch":  testRepeatedDispatch,
		"without a sign of life it comes again":   testAckWait,
		"what is kept alive stays":                testKeepAlive,
		"what is returned comes at once":          testReturn,
		"what nobody survives does not come back": testMaxDeliveries,
		"each batch goes to one runner":           testManyRunners,
		"pull has bounds":                         testPullBounds,
	}
}

func due(location, check string) monitor.ExecuteChecks {
	return monitor.ExecuteChecks{Location: location, Fence: 5, Executions: []monitor.Execution{{
		Check:    monitor.Definition{ID: check, Kind: "http", Target: "http://127.0.0.1/", Interval: monitor.Duration(time.Minute), Labels: map[string]string{"a": "b"}},
		Revision: 3, Location: location, DueAt: meta("").Time, NextDueAt: meta("").Time.Add(time.Minute), Trigger: monitor.TriggerSchedule,
	}}}
}

func dispatch(t *testing.T, d Door, location, check string) {
	t.Helper()
	require.NoError(t, d.Bus.Dispatch(t.Context(), "dispatch-"+location+"-"+check, due(location, check)))
}

func openLocation(t *testing.T, d Door, location string) Runner {
	t.Helper()
	require.NoError(t, d.Bus.OpenLocation(t.Context(), location))
	return d.Runner(t, location)
}

// pull waits for the next batch.
func pull(t *testing.T, r bus.ExecutionSource) bus.Delivery {
	t.Helper()
	delivery, err := r.Pull(t.Context(), bus.MaxPullWait)
	require.NoError(t, err)
	return delivery
}

func checkOf(d bus.Delivery) string { return d.Batch().Executions[0].Check.ID }

func requireNothing(t *testing.T, r bus.ExecutionSource) {
	t.Helper()
	_, err := r.Pull(t.Context(), 100*time.Millisecond)
	require.ErrorIs(t, err, bus.ErrNothing)
}

func testExecutions(t *testing.T, d Door) {
	t.Helper()
	r := openLocation(t, d, Here)
	requireNothing(t, r)
	dispatch(t, d, Here, "a")
	dispatch(t, d, Here, "b")
	first := pull(t, r)
	assert.Equal(t, due(Here, "a"), first.Batch())
	second := pull(t, r)
	assert.Equal(t, "b", checkOf(second))
	require.NoError(t, first.Ack(t.Context()))
	require.NoError(t, second.Ack(t.Context()))
	requireNothing(t, r)
	waiting := make(chan string, 1)
	go func() {
		delivery, err := r.Pull(t.Context(), bus.MaxPullWait)
		if assert.NoError(t, err) {
			assert.NoError(t, delivery.Ack(t.Context()))
			waiting <- checkOf(delivery)
		}
	}()
	dispatch(t, d, Here, "c")
	assert.Equal(t, "c", receive(t, waiting, "what was waited for"))
}

func testNoLocation(t *testing.T, d Door) {
	t.Helper()
	r := d.Runner(t, Here)
	_, err := r.Pull(t.Context(), 100*time.Millisecond)
	require.ErrorIs(t, err, bus.ErrNoLocation)
	dispatch(t, d, Here, "a")
	require.NoError(t, d.Bus.OpenLocation(t.Context(), Here))
	require.NoError(t, d.Bus.OpenLocation(t.Context(), Here))
	assert.Equal(t, "a", checkOf(pull(t, r)), "what came before waits")
}

func testLocationsApart(t *testing.T, d Door) {
	t.Helper()
	here, there := openLocation(t, d, Here), openLocation(t, d, There)
	dispatch(t, d, There, "a")
	requireNothing(t, here)
	assert.Equal(t, "a", checkOf(pull(t, there)))
}

func testRepeatedDispatch(t *testing.T, d Door) {
	t.Helper()
	r := openLocation(t, d, Here)
	for range 3 {
		dispatch(t, d, Here, "a")
	}
	require.NoError(t, pull(t, r).Ack(t.Context()))
	dispatch(t, d, Here, "a")
	requireNothing(t, r)
}

func testAckWait(t *testing.T, d Door) {
	t.Helper()
	r := openLocation(t, d, Here)
	dispatch(t, d, Here, "a")
	begun := time.Now()
	lost := pull(t, r)
	again := pull(t, r)
	assert.Equal(t, "a", checkOf(again))
	assert.GreaterOrEqual(t, time.Since(begun), bus.AckWait-100*time.Millisecond)
	assert.Less(t, time.Since(begun), bus.AckWait+2*time.Second)
	require.NoError(t, lost.Ack(t.Context()), "whoever executed it first may say so")
	require.NoError(t, again.Ack(t.Context()))
}

func testKeepAlive(t *testing.T, d Door) {
	t.Helper()
	r := openLocation(t, d, Here)
	dispatch(t, d, Here, "a")
	delivery := pull(t, r)
	for begun := time.Now(); time.Since(begun) < bus.AckWait+time.Second; {
		require.NoError(t, delivery.KeepAlive())
		_, err := r.Pull(t.Context(), time.Second)
		require.ErrorIs(t, err, bus.ErrNothing)
	}
	require.NoError(t, delivery.Ack(t.Context()))
}

func testReturn(t *testing.T, d Door) {
	t.Helper()
	r := openLocation(t, d, Here)
	dispatch(t, d, Here, "a")
	dispatch(t, d, Here, "b")
	first := pull(t, r)
	require.NoError(t, first.Return())
	begun := time.Now()
	again := pull(t, r)
	assert.Equal(t, "a", checkOf(again))
	assert.Less(t, time.Since(begun), time.Second)
	require.NoError(t, again.Ack(t.Context()))
	assert.Equal(t, "b", checkOf(pull(t, r)))
}

func testMaxDeliveries(t *testing.T, d Door) {
	t.Helper()
	r := openLocation(t, d, Here)
	dispatch(t, d, Here, "poison")
	for range bus.MaxDeliveries {
		delivery := pull(t, r)
		assert.Equal(t, "poison", checkOf(delivery))
		require.NoError(t, delivery.Return())
	}
	requireNothing(t, r)
	dispatch(t, d, Here, "a")
	assert.Equal(t, "a", checkOf(pull(t, r)), "it holds nothing up")
}

func testManyRunners(t *testing.T, d Door) {
	t.Helper()
	const batches, runners = 60, 3
	require.NoError(t, d.Bus.OpenLocation(t.Context(), Here))
	for i := range batches {
		dispatch(t, d, Here, fmt.Sprint("c", i))
	}
	var mu sync.Mutex
	times := make(map[string]int)
	var pulling sync.WaitGroup
	for range runners {
		r := d.Runner(t, Here)
		pulling.Go(func() {
			for {
				delivery, err := r.Pull(t.Context(), 500*time.Millisecond)
				if errors.Is(err, bus.ErrNothing) {
					return
				}
				if !assert.NoError(t, err) || !assert.NoError(t, delivery.Ack(t.Context())) {
					return
				}
				mu.Lock()
				times[checkOf(delivery)]++
				mu.Unlock()
			}
		})
	}
	pulling.Wait()
	require.Len(t, times, batches)
	for check, n := range times {
		assert.Equal(t, 1, n, check)
	}
}

func testPullBounds(t *testing.T, d Door) {
	t.Helper()
	r := openLocation(t, d, Here)
	for _, wait := range []time.Duration{-1, 0, bus.MaxPullWait + 1} {
		_, err := r.Pull(t.Context(), wait)
		require.ErrorContains(t, err, "bounds")
	}
}
