package bus_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

func joined(id string) monitor.EventMessage {
	return monitor.EventMessage{Meta: monitor.Meta{ID: id}, Event: monitor.RunnerJoined{RunnerID: id}}
}

func TestASlowSubscriberHoldsBackOnlyThosePublishing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := bus.NewRouter()
		var slow, swift atomic.Int64
		require.NoError(t, bus.SubscribeAsync(r, bus.Async{Queue: 2, Failed: func(_ monitor.EventMessage, err error) { assert.NoError(t, err) }},
			func(ctx context.Context, _ monitor.Meta, _ monitor.RunnerJoined) error {
				time.Sleep(time.Second)
				slow.Add(1)
				return ctx.Err()
			}))
		require.NoError(t, bus.Subscribe(r, func(context.Context, monitor.Meta, monitor.RunnerJoined) error { swift.Add(1); return nil }))
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		err := r.Publish(ctx, joined("a"), joined("b"), joined("c"), joined("d"))
		require.ErrorIs(t, err, context.DeadlineExceeded, "one in hand, two in the queue, one too many")
		assert.EqualValues(t, 4, swift.Load())
		begun := time.Now()
		r.Close()
		assert.EqualValues(t, 3, slow.Load())
		assert.Equal(t, 2500*time.Millisecond, time.Since(begun), "what is in the queue is handled before Close returns")
		require.ErrorIs(t, r.Publish(t.Context(), joined("e")), bus.ErrClosed)
		require.ErrorIs(t, bus.Subscribe(r, func(context.Context, monitor.Meta, monitor.RunnerJoined) error { return nil }), bus.ErrClosed)
		r.Close()
	})
}

func TestWhatSubscribersFailAtIsTold(t *testing.T) {
	r := bus.NewRouter()
	broken := errors.New("broken")
	told := make(chan error, 2)
	fail := func(_ context.Context, meta monitor.Meta, _ monitor.RunnerJoined) error {
		if meta.ID == "panics" {
			panic("unexpected")
		}
		return broken
	}
	require.NoError(t, bus.Subscribe(r, fail))
	require.NoError(t, bus.SubscribeAsync(r, bus.Async{Failed: func(_ monitor.EventMessage, err error) { told <- err }}, fail))
	require.ErrorContains(t, bus.SubscribeAsync(r, bus.Async{}, fail), "Failed is required")
	var crash *bus.PanicError
	require.ErrorIs(t, r.Publish(t.Context(), joined("fails")), broken)
	require.ErrorAs(t, r.Publish(t.Context(), joined("panics")), &crash)
	assert.Contains(t, string(crash.Stack), "router_test.go")
	r.Close()
	require.ErrorIs(t, <-told, broken)
	require.ErrorAs(t, <-told, &crash)
}

func TestSubscribersCannotChangeEachOthersEvents(t *testing.T) {
	r := bus.NewRouter()
	m := monitor.EventMessage{Event: monitor.ServiceRegistered{Definition: monitor.ServiceDefinition{ID: "web", Labels: map[string]string{"team": "web"}}}}
	for range 2 {
		require.NoError(t, bus.Subscribe(r, func(_ context.Context, _ monitor.Meta, e monitor.ServiceRegistered) error {
			assert.Equal(t, "web", e.Definition.Labels["team"])
			e.Definition.Labels["team"] = "vandals"
			return nil
		}))
	}
	require.NoError(t, r.Publish(t.Context(), m))
	assert.Equal(t, "web", m.Event.(monitor.ServiceRegistered).Definition.Labels["team"])
}

func TestACommandThatCannotBeDecidedFailsTheBatch(t *testing.T) {
	r := bus.NewRouter()
	full := errors.New("disk is full")
	require.NoError(t, bus.Handle(r, func(context.Context, monitor.Meta, monitor.PauseCheck) (bus.Outcome, error) {
		return bus.Outcome{}, full
	}))
	require.Error(t, bus.Handle(r, func(context.Context, monitor.Meta, monitor.Command) (bus.Outcome, error) { return bus.Outcome{}, nil }))
	_, err := r.HandleCommands(t.Context(), []monitor.CommandMessage{{Meta: monitor.Meta{ID: "one"}, Command: monitor.PauseCheck{}}})
	require.ErrorIs(t, err, full)
	require.ErrorContains(t, err, "one")
	_, err = r.HandleCommands(t.Context(), []monitor.CommandMessage{{Command: monitor.PauseCheck{}}, {Command: monitor.ResumeCheck{}}})
	require.ErrorIs(t, err, bus.ErrNoHandler)
}
