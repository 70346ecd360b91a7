package bustest

import (
	"context"
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

func commandTests() map[string]test {
	return map[string]test{
		"send waits for its outcome":                   testSend,
		"a refusal is an outcome":                      testRefusal,
		"posted commands are served in order":          testPostedInOrder,
		"a repeated command takes effect once":         testRepeatedCommand,
		"two senders of one command get its outcome":   testTwoSenders,
		"after an error commands come again, in order": testHandlerError,
		"a command that panics is put aside":           testPoison,
		"an outcome is missing":                        testMissingOutcome,
		"one server per aggregate":                     testHandlerTaken,
		"aggregates are served apart":                  testAggregatesApart,
		"an impatient sender asks again":               testImpatientSender,
		"what is decided while stopping is said":       testDecidedWhileStopping,
		"a command needs an id":                        testCommandWithoutID,
	}
}

// clerk is a handler that accepts what it is given, and notes it.
type clerk struct {
	mu      sync.Mutex
	heard   []monitor.CommandMessage
	batches []int
	// before, when set, is asked first.
	before func([]monitor.CommandMessage) error
}

func (c *clerk) handle(_ context.Context, commands []monitor.CommandMessage) ([]bus.Outcome, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.before != nil {
		if err := c.before(commands); err != nil {
			return nil, err
		}
	}
	c.batches = append(c.batches, len(commands))
	outcomes := make([]bus.Outcome, len(commands))
	for i, m := range commands {
		c.heard = append(c.heard, m)
		kind, id := m.Command.Aggregate()
		outcomes[i] = bus.Outcome{Aggregate: kind, ID: id, Revision: uint64(len(c.heard)), Sequence: 42}
	}
	return outcomes, nil
}

func (c *clerk) ids() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := make([]string, len(c.heard))
	for i, m := range c.heard {
		ids[i] = m.ID
	}
	return ids
}

func serve(t *testing.T, d Door, c *clerk, aggregates ...string) (stop func() error) {
	t.Helper()
	return background(t, func(ctx context.Context) error { return d.Bus.ServeCommands(ctx, aggregates, c.handle) })
}

func send(t *testing.T, d Door, m monitor.CommandMessage) bus.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	outcome, err := d.Bus.Send(ctx, m)
	require.NoError(t, err)
	return outcome
}

func testSend(t *testing.T, d Door) {
	t.Helper()
	var c clerk
	stop := serve(t, d, &c, "service", "check")
	sent := command("one", registerService("web"))
	begun := time.Now()
	outcome := send(t, d, sent)
	assert.Equal(t, bus.Outcome{CommandID: "one", Aggregate: "service", ID: "web", Revision: 1, Sequence: 42}, outcome)
	assert.True(t, outcome.Accepted())
	stored, err := d.Bus.Outcome(t.Context(), "one")
	require.NoError(t, err)
	assert.Equal(t, outcome, stored)
	require.NoError(t, stop())
	heard := c.heard[0]
	assert.NotZero(t, heard.Sequence)
	assert.WithinDuration(t, begun, heard.StoredAt, 5*time.Second)
	assert.True(t, sent.Time.Equal(heard.Time))
	heard.Sequence, heard.StoredAt, heard.Time = 0, time.Time{}, sent.Time
	assert.Equal(t, sent, heard)
}

func testRefusal(t *testing.T, d Door) {
	t.Helper()
	refusals := map[string]*bus.Refusal{
		"gone":    {Code: bus.RefusedNotFound, Message: "no such check"},
		"invalid": {Code: bus.RefusedInvalid, Message: "bad", Problems: []monitor.Problem{{Field: "interval", Message: "is too short"}}},
	}
	stop := background(t, func(ctx context.Context) error {
		return d.Bus.ServeCommands(ctx, []string{"check"}, func(_ context.Context, commands []monitor.CommandMessage) ([]bus.Outcome, error) {
			outcomes := make([]bus.Outcome, len(commands))
			for i, m := range commands {
				outcomes[i].Refusal = refusals[m.ID]
			}
			return outcomes, nil
		})
	})
	gone := send(t, d, command("gone", monitor.PauseCheck{CheckID: "home"}))
	assert.False(t, gone.Accepted())
	require.ErrorIs(t, gone.Refusal, monitor.ErrNotFound)
	invalid := send(t, d, command("invalid", monitor.PauseCheck{CheckID: "home"}))
	assert.Equal(t, refusals["invalid"], invalid.Refusal)
	require.NoError(t, stop())
}

func testPostedInOrder(t *testing.T, d Door) {
	t.Helper()
	const count = 250
	var want []string
	for i := range count {
		id := fmt.Sprintf("c%03d", i)
		want = append(want, id)
		require.NoError(t, d.Bus.Post(t.Context(), command(id, registerService(id))))
	}
	_, err := d.Bus.Outcome(t.Context(), want[0])
	require.ErrorIs(t, err, bus.ErrNoOutcome)
	var c clerk
	stop := serve(t, d, &c, "service")
	eventually(t, func() bool { return len(c.ids()) == count }, "all are served")
	require.NoError(t, stop())
	assert.Equal(t, want, c.ids())
	for _, n := range c.batches {
		assert.LessOrEqual(t, n, bus.MaxCommands)
	}
	assert.Less(t, len(c.batches), count/2, "what is at hand comes together")
	for _, id := range want {
		_, err := d.Bus.Outcome(t.Context(), id)
		require.NoError(t, err, id)
	}
}

func testRepeatedCommand(t *testing.T, d Door) {
	t.Helper()
	var c clerk
	stop := serve(t, d, &c, "service")
	m := command("one", registerService("web"))
	first := send(t, d, m)
	assert.Equal(t, first, send(t, d, m))
	require.NoError(t, d.Bus.Post(t.Context(), m))
	send(t, d, command("two", registerService("shop")))
	require.NoError(t, stop())
	assert.Equal(t, []string{"one", "two"}, c.ids())
}

func testTwoSenders(t *testing.T, d Door) {
	t.Helper()
	var waiting sync.WaitGroup
	outcomes := make([]bus.Outcome, 2)
	for i := range outcomes {
		waiting.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			var err error
			outcomes[i], err = d.Bus.Send(ctx, command("one", registerService("web")))
			assert.NoError(t, err)
		})
	}
	var c clerk
	stop := serve(t, d, &c, "service")
	waiting.Wait()
	require.NoError(t, stop())
	assert.Equal(t, outcomes[0], outcomes[1])
	assert.Equal(t, []string{"one"}, c.ids())
}

var errHandler = errors.New("the log is full")

func testHandlerError(t *testing.T, d Door) {
	t.Helper()
	for _, id := range []string{"a", "b", "c"} {
		require.NoError(t, d.Bus.Post(t.Context(), command(id, registerService(id))))
	}
	c := clerk{before: func([]monitor.CommandMessage) error { return errHandler }}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.ErrorIs(t, d.Bus.ServeCommands(ctx, []string{"service"}, c.handle), errHandler)
	_, err := d.Bus.Outcome(t.Context(), "a")
	require.ErrorIs(t, err, bus.ErrNoOutcome)
	require.NoError(t, d.Bus.Post(t.Context(), command("d", registerService("d"))))
	c.before = nil
	stop := serve(t, d, &c, "service")
	eventually(t, func() bool { return len(c.ids()) == 4 }, "all come again")
	require.NoError(t, stop())
	assert.Equal(t, []string{"a", "b", "c", "d"}, c.ids())
}

func testPoison(t *testing.T, d Door) {
	t.Helper()
	for _, id := range []string{"a", "poison", "b"} {
		require.NoError(t, d.Bus.Post(t.Context(), command(id, registerService(id))))
	}
	poisoned := 0
	c := clerk{before: func(commands []monitor.CommandMessage) error {
		for _, m := range commands {
			if m.ID == "poison" {
				poisoned++
				panic("unexpected")
			}
		}
		return nil
	}}
	stop := serve(t, d, &c, "service")
	eventually(t, func() bool { return len(c.ids()) == 2 }, "the others get through")
	require.NoError(t, stop())
	before := poisoned
	stop = serve(t, d, &c, "service")
	send(t, d, command("c", registerService("c")))
	require.NoError(t, stop())
	assert.Equal(t, []string{"a", "b", "c"}, c.ids())
	assert.Equal(t, before, poisoned, "it does not come again")
	_, err := d.Bus.Outcome(t.Context(), "poison")
	require.ErrorIs(t, err, bus.ErrNoOutcome)
}

func testMissingOutcome(t *testing.T, d Door) {
	t.Helper()
	require.NoError(t, d.Bus.Post(t.Context(), command("a", registerService("a"))))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := d.Bus.ServeCommands(ctx, []string{"service"}, func(context.Context, []monitor.CommandMessage) ([]bus.Outcome, error) { return nil, nil })
	require.ErrorContains(t, err, "0 outcomes for 1 commands")
	var c clerk
	stop := serve(t, d, &c, "service")
	eventually(t, func() bool { return len(c.ids()) == 1 }, "it comes again")
	require.NoError(t, stop())
}

func testHandlerTaken(t *testing.T, d Door) {
	t.Helper()
	var c clerk
	stop := serve(t, d, &c, "service", "check")
	send(t, d, command("one", registerService("web")))
	require.ErrorIs(t, d.Bus.ServeCommands(t.Context(), []string{"execution", "check"}, c.handle), bus.ErrHandlerTaken)
	require.NoError(t, stop())
	stop = serve(t, d, &c, "execution", "check")
	send(t, d, command("two", monitor.PauseCheck{CheckID: "home"}))
	require.NoError(t, stop())
}

func testAggregatesApart(t *testing.T, d Door) {
	t.Helper()
	var services, executions clerk
	stopServices, stopExecutions := serve(t, d, &services, "service"), serve(t, d, &executions, "execution")
	send(t, d, command("s", registerService("web")))
	send(t, d, command("e", monitor.ExecuteChecks{Location: Here}))
	send(t, d, command("x", monitor.ExecuteChecks{Location: "No. 1 > *"}))
	require.NoError(t, stopServices())
	require.NoError(t, stopExecutions())
	assert.Equal(t, []string{"s"}, services.ids())
	assert.Equal(t, []string{"e", "x"}, executions.ids())
}

func testImpatientSender(t *testing.T, d Door) {
	t.Helper()
	m := command("one", registerService("web"))
	hurried, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := d.Bus.Send(hurried, m)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var c clerk
	stop := serve(t, d, &c, "service")
	assert.True(t, send(t, d, m).Accepted())
	require.NoError(t, stop())
	assert.Equal(t, []string{"one"}, c.ids())
}

func testDecidedWhileStopping(t *testing.T, d Door) {
	t.Helper()
	begun, goOn := make(chan struct{}), make(chan struct{})
	c := clerk{before: func([]monitor.CommandMessage) error {
		close(begun)
		<-goOn
		return nil
	}}
	stop := serve(t, d, &c, "service")
	require.NoError(t, d.Bus.Post(t.Context(), command("one", registerService("web"))))
	receive(t, begun, "the command")
	time.AfterFunc(50*time.Millisecond, func() { close(goOn) })
	require.NoError(t, stop())
	outcome, err := d.Bus.Outcome(t.Context(), "one")
	require.NoError(t, err)
	assert.True(t, outcome.Accepted())
}

func testCommandWithoutID(t *testing.T, d Door) {
	t.Helper()
	require.ErrorIs(t, d.Bus.Post(t.Context(), command("", registerService("web"))), bus.ErrNoCommandID)
	_, err := d.Bus.Send(t.Context(), command("", registerService("web")))
	require.ErrorIs(t, err, bus.ErrNoCommandID)
}
