package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// listening is a bus that notes what is dispatched, and at which location dispatching fails.
type listening struct {
	*bus.Memory
	blocked atomic.Pointer[string]

	mu   sync.Mutex
	sent []monitor.ExecuteChecks
	ids  map[string]int
	at   []time.Time
}

func (b *listening) Dispatch(ctx context.Context, id string, batch monitor.ExecuteChecks) error {
	if blocked := b.blocked.Load(); blocked != nil && *blocked == batch.Location {
		<-ctx.Done()
		return ctx.Err()
	}
	if err := b.Memory.Dispatch(ctx, id, batch); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ids == nil {
		b.ids = make(map[string]int)
	}
	b.ids[id]++
	b.sent, b.at = append(b.sent, batch), append(b.at, time.Now())
	return nil
}

// executions returns how often each due time of a check was dispatched.
func (b *listening) executions(check, location string) map[time.Time]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	due := make(map[time.Time]int)
	for _, batch := range b.sent {
		for _, e := range batch.Executions {
			if e.Check.ID == check && batch.Location == location {
				due[e.DueAt]++
			}
		}
	}
	return due
}

type world struct {
	t   *testing.T
	bus *listening
}

func inBubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, &world{t: t, bus: &listening{Memory: bus.NewMemory()}})
	})
}

func (w *world) start(b Bus) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, b, Options{Validator: lenient{}, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	}()
	return func() {
		cancel()
		require.NoError(w.t, <-done)
	}
}

func (w *world) put(checks ...monitor.Check) {
	bucket, err := w.bus.Bucket(context.Background(), checksBucket)
	require.NoError(w.t, err)
	for _, check := range checks {
		text, err := json.Marshal(check)
		require.NoError(w.t, err)
		require.NoError(w.t, bucket.Put(context.Background(), checkPrefix+check.ID, text))
	}
}

func (w *world) remove(id string) {
	bucket, err := w.bus.Bucket(context.Background(), checksBucket)
	require.NoError(w.t, err)
	entry, err := bucket.Get(context.Background(), bus.CheckpointKey)
	if !errors.Is(err, bus.ErrNoKey) {
		require.NoError(w.t, err)
	}
	_, err = bucket.Flush(context.Background(), map[string][]byte{checkPrefix + id: nil}, []byte("{}"), entry.Revision)
	require.NoError(w.t, err)
}

// requireEvery demands that each due time of a check in [from, to) was dispatched.
func (w *world) requireEvery(check monitor.Check, location string, from, to time.Time) {
	w.t.Helper()
	timetable, err := monitor.NewTimetable(check.Definition)
	require.NoError(w.t, err)
	sent := w.bus.executions(check.ID, location)
	for due := timetable.Next(from); due.Before(to); due = timetable.Next(due) {
		require.Contains(w.t, sent, due)
	}
	for due := range sent {
		require.Equal(w.t, due, timetable.Previous(due), "phase-locked")
	}
}

func fresh(id string, interval time.Duration, locations ...string) monitor.Check {
	check := checkOf(id, interval, locations...)
	check.UpdatedAt = time.Now().Add(-24 * time.Hour)
	return check
}

func TestChecksAreDispatchedAheadOfTheirDueTime(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		check := fresh("home", 10*time.Second, "north", "south")
		w.put(check)
		stop := w.start(w.bus)
		defer stop()
		time.Sleep(time.Second)
		started := time.Now()
		time.Sleep(time.Hour)
		w.requireEvery(check, "north", started, time.Now())
		w.requireEvery(check, "south", started, time.Now())
		for i, batch := range w.bus.sent {
			require.NotZero(t, batch.Fence)
			for _, e := range batch.Executions {
				require.False(t, w.bus.at[i].After(e.DueAt))
				require.LessOrEqual(t, e.DueAt.Sub(w.bus.at[i]), DefaultLead)
			}
		}
		w.remove("home")
		synctest.Wait()
		n := len(w.bus.sent)
		time.Sleep(time.Minute)
		require.Len(t, w.bus.sent, n)
	})
}

func TestASlowLocationDelaysNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		check := fresh("home", 5*time.Second, "slow", "swift")
		w.put(check)
		slow := "slow"
		w.bus.blocked.Store(&slow)
		stop := w.start(w.bus)
		defer stop()
		time.Sleep(time.Second)
		started := time.Now()
		time.Sleep(10 * time.Minute)
		w.requireEvery(check, "swift", started, time.Now())
		require.Empty(t, w.bus.executions("home", "slow"))
		w.bus.blocked.Store(nil)
		resumed := time.Now()
		time.Sleep(10 * time.Minute)
		w.requireEvery(check, "slow", resumed, time.Now())
		for due := range w.bus.executions("home", "slow") {
			require.Less(t, resumed.Sub(due), 5*time.Second, "nothing queues into the past")
		}
	})
}

func TestTakeoverSkipsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var checks []monitor.Check
		for i := range 50 {
			checks = append(checks, fresh(fmt.Sprint("check-", i), 10*time.Second))
		}
		w.put(checks...)
		stop := w.start(w.bus)
		time.Sleep(time.Second)
		started := time.Now()
		for range 20 {
			time.Sleep(30 * time.Second)
			stop()
			time.Sleep(3 * time.Second)
			stop = w.start(w.bus)
		}
		time.Sleep(time.Minute)
		for _, check := range checks {
			w.requireEvery(check, "default", started, time.Now().Add(-10*time.Second))
		}
		stop()
	})
}

func TestRunNowAndTestAreDispatched(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		stop := w.start(w.bus)
		defer stop()
		send := func(id string, c monitor.ExecuteChecks) bus.Outcome {
			outcome, err := w.bus.Send(t.Context(), monitor.CommandMessage{Meta: monitor.Meta{ID: id, Time: time.Now()}, Command: c})
			require.NoError(t, err)
			return outcome
		}
		d := checkOf("home", time.Minute).Definition
		order := monitor.ExecuteChecks{Location: "default", Executions: []monitor.Execution{{Check: d, Revision: 1, Location: "default", Trigger: monitor.TriggerManual}}}
		require.True(t, send("c1", order).Accepted())
		require.Len(t, w.bus.sent, 1)
		require.False(t, w.bus.sent[0].Executions[0].DueAt.IsZero())
		require.Zero(t, w.bus.sent[0].Fence)

		bad := func(change func(*monitor.Execution)) monitor.ExecuteChecks {
			e := order.Executions[0]
			change(&e)
			return monitor.ExecuteChecks{Location: "default", Executions: []monitor.Execution{e}}
		}
		for i, order := range []monitor.ExecuteChecks{
			{Location: "default"},
			{Location: "No Place", Executions: order.Executions},
			bad(func(e *monitor.Execution) { e.Trigger = monitor.TriggerSchedule }),
			bad(func(e *monitor.Execution) { e.Trigger = "" }),
			bad(func(e *monitor.Execution) { e.Location = "elsewhere" }),
			bad(func(e *monitor.Execution) { e.DueAt = time.Now().Add(time.Hour) }),
			bad(func(e *monitor.Execution) { e.Trigger, e.Check.Kind = monitor.TriggerTest, "unheard-of" }),
			bad(func(e *monitor.Execution) { e.Trigger, e.Check.Timeout = monitor.TriggerTest, -1 }),
		} {
			outcome := send(fmt.Sprint("bad", i), order)
			require.False(t, outcome.Accepted(), "%d", i)
			require.Equal(t, bus.RefusedInvalid, outcome.Refusal.Code)
		}
		require.Len(t, w.bus.sent, 1)
		unsaved := bad(func(e *monitor.Execution) { e.Trigger, e.Check.Service = monitor.TriggerTest, "" })
		require.True(t, send("c2", unsaved).Accepted())
	})
}

func TestAnOrderThatWaitedTooLongIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		d := checkOf("home", time.Minute).Definition
		require.NoError(t, w.bus.Post(t.Context(), monitor.CommandMessage{Meta: monitor.Meta{ID: "c1", Time: time.Now()}, Command: monitor.ExecuteChecks{
			Location: "default", Executions: []monitor.Execution{{Check: d, Revision: 1, Location: "default", Trigger: monitor.TriggerManual}},
		}}))
		time.Sleep(time.Hour)
		stop := w.start(w.bus)
		defer stop()
		time.Sleep(time.Second)
		outcome, err := w.bus.Outcome(t.Context(), "c1")
		require.NoError(t, err)
		require.False(t, outcome.Accepted())
	})
}

func TestDispatchIDsFollowFromWhatIsSent(t *testing.T) {
	at := epoch()
	batch := func(fence uint64, ids ...string) monitor.ExecuteChecks {
		c := monitor.ExecuteChecks{Location: "north", Fence: fence}
		for _, id := range ids {
			c.Executions = append(c.Executions, monitor.Execution{Check: monitor.Definition{ID: id}, Location: "north", DueAt: at})
		}
		return c
	}
	require.Equal(t, dispatchID(batch(1, "a", "b")), dispatchID(batch(2, "a", "b")))
	require.NotEqual(t, dispatchID(batch(1, "a", "b")), dispatchID(batch(1, "ab")))
	require.NotEqual(t, dispatchID(batch(1, "a")), dispatchID(batch(1, "a", "b")))
}

func TestQueueBoundsBatchesAndDropsWhatExpired(t *testing.T) {
	q := newQueue()
	at := epoch()
	items := make([]item, 250)
	for i := range items {
		items[i] = item{size: 400, Execution: monitor.Execution{Check: monitor.Definition{ID: fmt.Sprint("c", i)}, DueAt: at, NextDueAt: at.Add(time.Minute)}}
	}
	require.Zero(t, q.put(at, items))
	batch, missed := q.peek(at)
	require.Len(t, batch, monitor.MaxBatch)
	require.Zero(t, missed)
	again, _ := q.peek(at)
	require.Equal(t, batch, again, "it stays until it is sent")
	q.drop(batch)
	require.Equal(t, 150, q.length())
	_, missed = q.peek(at.Add(time.Minute))
	require.Equal(t, 150, missed)
	_, waits := q.oldest()
	require.False(t, waits)
	for i := range items[:3] {
		items[i].size = maxBatchBytes - 1
	}
	q.put(at, items[:3])
	batch, _ = q.peek(at)
	require.Len(t, batch, 1)
	for range 100 {
		q.put(at.Add(time.Hour), items)
	}
	require.LessOrEqual(t, q.length(), 2*sweepFrom, "what nobody takes is bounded")
}
