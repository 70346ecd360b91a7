package runner

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

func TestExecutesOnTheMillisecondAndAcknowledgesWhenDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e := &engine{}
		l := w.link()
		stop := start(t, l, Options{Engine: e, Concurrency: 4})
		due := time.Now().Add(250 * time.Millisecond)
		w.dispatch(batch("a", 10, due))
		time.Sleep(time.Second)
		results := w.stored()
		require.Len(t, results, 10)
		for _, r := range results {
			assert.Equal(t, due, r.StartedAt)
		}
		assert.EqualValues(t, 1, l.acks.Load())
		time.Sleep(time.Minute)
		_, most := e.executed()
		assert.Equal(t, 1, most, "an acknowledged batch does not come again")
		stop()
		w.stop()
	})
}

func TestClockBehindDoesNotHoldExecutions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		stop := start(t, w.link(), Options{Engine: &engine{}})
		w.dispatch(batch("a", 1, time.Now().Add(time.Hour)))
		time.Sleep(2 * time.Second)
		w.storedOnce(1)
		stop()
		w.stop()
	})
}

func TestNeverMoreAtOnceThanConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e := &engine{execute: slow(3 * time.Second)}
		stop := start(t, w.link(), Options{Engine: e, Concurrency: 7})
		for i := range 5 {
			w.dispatch(batch(fmt.Sprint("b", i), 20, time.Now()))
		}
		time.Sleep(time.Second)
		begun, _ := e.executed()
		assert.Equal(t, 7, begun)
		time.Sleep(50 * time.Second)
		w.storedOnce(100)
		assert.Equal(t, 7, e.most)
		stop()
		w.stop()
	})
}

// value returns the sum of a metric.
func value(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	sum, found := 0.0, false
	for _, family := range families {
		if family.GetName() == name {
			found = true
			for _, m := range family.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	require.True(t, found, name)
	return sum
}

func TestResultsLeaveInTheOrderInWhichTheyFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var mu sync.Mutex
		var order []string
		e := &engine{execute: func(ctx context.Context, e monitor.Execution) monitor.Result {
			var n int
			_, _ = fmt.Sscanf(e.Check.ID, "a-%d", &n)
			time.Sleep(time.Duration(1000-10*n) * time.Millisecond)
			mu.Lock()
			order = append(order, e.Check.ID)
			mu.Unlock()
			return resultOf(e, monitor.OutcomeSuccess)
		}}
		stop := start(t, w.link(), Options{Engine: e, Concurrency: 100})
		w.dispatch(batch("a", 100, time.Now()))
		time.Sleep(5 * time.Second)
		var stored []string
		for _, r := range w.stored() {
			stored = append(stored, r.CheckID)
		}
		assert.Equal(t, order, stored)
		assert.Equal(t, "a-99", stored[0])
		stop()
		w.stop()
	})
}

func TestMissedExecutionIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e := &engine{execute: slow(4 * time.Second)}
		registry := prometheus.NewRegistry()
		l := w.link()
		stop := start(t, l, Options{Engine: e, Concurrency: 1, Registerer: registry})
		b := batch("a", 4, time.Now())
		for i := range b.Executions {
			b.Executions[i].NextDueAt = time.Now().Add(5 * time.Second)
		}
		w.dispatch(b)
		time.Sleep(20 * time.Second)
		w.storedOnce(2)
		assert.InDelta(t, 2, value(t, registry, "vedette_runner_missed_total"), 0)
		assert.EqualValues(t, 1, l.acks.Load(), "a missed execution is done with")
		stop()
		w.stop()
	})
}

func TestBatchOfAFormerSchedulerIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		l := w.link()
		stop := start(t, l, Options{Engine: &engine{}})
		for i, fence := range []uint64{5, 7, 6, 0, 7} {
			b := batch(fmt.Sprintf("b%d", i), 1, time.Now())
			b.Fence = fence
			w.dispatch(b)
			time.Sleep(time.Second)
		}
		var checks []string
		for _, r := range w.stored() {
			checks = append(checks, r.CheckID)
		}
		assert.Equal(t, []string{"b0-0", "b1-0", "b3-0", "b4-0"}, checks)
		assert.EqualValues(t, 5, l.acks.Load())
		stop()
		w.stop()
	})
}

func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		stop := start(t, w.link(), Options{Engine: &engine{}, Version: "1.2.3", Concurrency: 9})
		time.Sleep(22 * time.Second)
		reports := w.heard()
		require.Len(t, reports, 5, "at once, then every 5 s")
		assert.Equal(t, "1.2.3", reports[0].Runner.Version)
		assert.Equal(t, 9, reports[0].Runner.Concurrency)
		stop()
		reports = w.heard()
		require.Len(t, reports, 6)
		assert.True(t, reports[5].Stopping)
		w.stop()
	})
}

// Batches come 300 ms before they are due: a runner holds what its workers can do in that time, and
// not only one execution for each of them, so that what somebody waits for does not queue behind.
func TestKeepsUpWithBatchesThatComeEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e := &engine{execute: slow(20 * time.Millisecond)}
		stop := start(t, w.link(), Options{Engine: e, Concurrency: 64})
		const ticks, each = 500, 40 // 2,000 a second; 64 workers can do 3,200
		for i := range ticks {
			w.dispatch(batch(fmt.Sprint("b", i), each, time.Now().Add(300*time.Millisecond)))
			if i == ticks/2 {
				manual := batch("manual", 1, time.Now())
				manual.Executions[0].Trigger = monitor.TriggerManual
				w.dispatch(manual)
			}
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(time.Second)
		w.storedOnce(ticks*each + 1)
		late := 0
		for _, r := range w.stored() {
			if r.Trigger == monitor.TriggerManual {
				assert.Less(t, r.StartedAt.Sub(r.DueAt), 40*time.Millisecond)
			} else if r.StartedAt.Sub(r.DueAt) > 20*time.Millisecond {
				late++
			}
		}
		assert.Less(t, late, ticks*each/20, "but for the first second, in which it learns how quick the checks are")
		stop()
		w.stop()
	})
}
