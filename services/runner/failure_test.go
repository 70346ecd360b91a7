package runner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestKilledRunnerLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.link()
		doomed := &engine{execute: slow(time.Minute)}
		killed := start(t, first, Options{ID: "doomed", Engine: doomed, Concurrency: 4, ShutdownGrace: time.Millisecond})
		w.dispatch(batch("a", 50, time.Now()))
		time.Sleep(time.Second)
		begun, _ := doomed.executed()
		require.Equal(t, 4, begun, "in the middle of the batch")

		e := &engine{}
		stop := start(t, w.link(), Options{ID: "heir", Engine: e, Concurrency: 64})
		time.Sleep(10*time.Second - time.Second)
		begun, _ = e.executed()
		require.Zero(t, begun, "what is kept alive stays where it is")
		first.isCut.Store(true)
		time.Sleep(bus.AckWait + time.Second)
		w.storedOnce(50)
		killed()
		stop()
		w.stop()
	})
}

func TestGateAwayHoldsResultsAndStopsPulling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		away := errors.New("nobody there")
		w.set(func(bus.Report) error { return away }, nil)
		e := &engine{}
		stop := start(t, w.link(), Options{Engine: e, Concurrency: 16})
		const batches = 60
		for i := range batches {
			b := batch(fmt.Sprint("b", i), 100, time.Now())
			for j := range b.Executions {
				b.Executions[j].NextDueAt = time.Time{}
			}
			w.dispatch(b)
		}
		time.Sleep(30 * time.Second)
		begun, _ := e.executed()
		// outbox, parcel, a stalled result for each worker, and nothing beyond.
		assert.LessOrEqual(t, begun, maxOutbox+parcelResults+16)
		assert.GreaterOrEqual(t, begun, maxOutbox)
		assert.Empty(t, w.stored())

		w.set(nil, nil)
		time.Sleep(30 * time.Second)
		w.storedOnce(batches * 100)
		executions, most := e.executed()
		assert.Equal(t, batches*100, executions)
		assert.Equal(t, 1, most, "nothing was executed twice")
		stop()
		w.stop()
	})
}

func TestLostAnswerIsDeliveredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		times := 0
		w.set(nil, func(r bus.Report) error {
			if len(r.Results) > 0 {
				if times++; times == 1 {
					return errors.New("answer lost")
				}
			}
			return nil
		})
		l := w.link()
		stop := start(t, l, Options{Engine: &engine{}})
		w.dispatch(batch("a", 3, time.Now()))
		time.Sleep(5 * time.Second)
		results := w.stored()
		require.Len(t, results, 6, "the test's gate remembers nothing")
		for i := range 3 {
			assert.Equal(t, results[i].ID, results[i+3].ID, "again, in the same order")
		}
		assert.EqualValues(t, 1, l.acks.Load())
		stop()
		w.stop()
	})
}

func TestRefusedResultAloneIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.set(func(r bus.Report) error {
			for _, result := range r.Results {
				if strings.HasSuffix(result.CheckID, "-7") {
					return fmt.Errorf("%w: %s", bus.ErrRefused, result.CheckID)
				}
			}
			return nil
		}, nil)
		l := w.link()
		registry := prometheus.NewRegistry()
		stop := start(t, l, Options{Engine: &engine{}, Registerer: registry})
		w.dispatch(batch("a", 30, time.Now()))
		time.Sleep(5 * time.Second)
		w.storedOnce(29)
		assert.EqualValues(t, 1, l.acks.Load())
		assert.InDelta(t, 1, value(t, registry, "vedette_runner_refused_results_total"), 0)
		assert.InDelta(t, 0, value(t, registry, "vedette_runner_executions_in_hand"), 0)
		stop()
		w.stop()
	})
}

func TestRedeliveredBatchIsNotExecutedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e := &engine{execute: slow(8 * time.Second)}
		l := w.link()
		l.silent.Store(true)
		stop := start(t, l, Options{Engine: e, Concurrency: 10})
		w.dispatch(batch("a", 5, time.Now()))
		time.Sleep(20 * time.Second)
		w.storedOnce(5)
		_, most := e.executed()
		assert.Equal(t, 1, most)
		assert.GreaterOrEqual(t, l.acks.Load(), int64(2), "it had been delivered again, and every delivery is ended")
		stop()
		w.stop()
	})
}

func TestPanicIsAnErrorOfTheCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e := &engine{execute: func(_ context.Context, e monitor.Execution) monitor.Result {
			if e.Check.ID == "a-1" {
				panic("unexpected answer")
			}
			return resultOf(e, monitor.OutcomeSuccess)
		}}
		stop := start(t, w.link(), Options{Engine: e})
		w.dispatch(batch("a", 3, time.Now()))
		time.Sleep(time.Second)
		results := w.stored()
		require.Len(t, results, 3)
		for _, r := range results {
			if r.CheckID == "a-1" {
				assert.Equal(t, monitor.OutcomeError, r.Outcome)
				assert.Contains(t, r.Error, "unexpected answer")
				assert.Equal(t, "runner-1", r.Runner)
			}
		}
		stop()
		w.stop()
	})
}

func TestIsolatedRunnerIsNotBelieved(t *testing.T) {
	reference, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	m, err := newMetrics(nil)
	require.NoError(t, err)
	failure := monitor.Result{Outcome: monitor.OutcomeFailure, Error: "connection refused"}
	look := func(addresses ...string) *references {
		return &references{addresses: addresses, metrics: m, condition: &condition{log: Options{}.withDefaults().Log}}
	}

	assert.Equal(t, failure, look().believe(t.Context(), failure), "without references every failure is believed")
	both := look(gone.Addr().String(), reference.Addr().String())
	assert.Equal(t, failure, both.believe(t.Context(), failure), "one that answers is enough")
	alone := look(gone.Addr().String())
	isolated := alone.believe(t.Context(), failure)
	assert.Equal(t, monitor.OutcomeError, isolated.Outcome)
	assert.Contains(t, isolated.Error, "connection refused")
	good := monitor.Result{Outcome: monitor.OutcomeSuccess}
	assert.Equal(t, good, alone.believe(t.Context(), good))
	require.NoError(t, reference.Close())
}

func TestFailedAcknowledgementIsMadeGoodWithoutExecutingAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e := &engine{}
		l := w.link()
		l.deaf.Store(true)
		stop := start(t, l, Options{Engine: e})
		w.dispatch(batch("a", 3, time.Now()))
		time.Sleep(2 * time.Second)
		w.storedOnce(3)
		l.deaf.Store(false)
		time.Sleep(10 * time.Second)
		assert.EqualValues(t, 1, l.acks.Load())
		_, most := e.executed()
		assert.Equal(t, 1, most)
		w.storedOnce(3)
		stop()
		w.stop()
	})
}
