package demo_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/services/vedette/demo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The history is one that the decider could have decided, is marked as made up, and ends where what
// really happens begins.
func TestHistory(t *testing.T) {
	now := time.Now()
	targets, err := demo.StartTargets(t.Context(), time.Now)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, targets.Close()) })
	memory := bus.NewMemory()
	require.NoError(t, targets.Write(t.Context(), memory, now))

	events, err := memory.Read(t.Context(), 0, 100_000, bus.Filter{})
	require.NoError(t, err)
	board := monitor.NewBoard()
	opened, last := 0, time.Time{}
	for _, m := range events {
		board.Evolve(m)
		require.Equal(t, "demo", m.Actor)
		require.True(t, m.Time.Before(now) && !m.Time.Before(now.Add(-demo.Past-time.Second)), m.Time)
		if _, ok := m.Event.(monitor.IncidentOpened); ok {
			opened++
		}
		last = m.Time
	}
	require.Len(t, board.Checks(), 40)
	require.GreaterOrEqual(t, opened, 4)
	require.Less(t, now.Sub(last), 20*time.Minute)
	statuses := make(map[monitor.Status]int)
	table, err := kinds.Table()
	require.NoError(t, err)
	for _, c := range board.Checks() {
		statuses[c.Status]++
		require.Empty(t, append(c.Validate(), table.Validate(c.Definition)...), c.ID)
		require.Equal(t, "made-up", c.Labels["demo"])
	}
	require.Zero(t, statuses[monitor.StatusUnknown])
	require.Positive(t, statuses[monitor.StatusDown])
	require.Positive(t, statuses[monitor.StatusDegraded])
	require.Greater(t, statuses[monitor.StatusUp], 25)

	results, err := memory.ReadResults(t.Context(), 0, 100_000)
	require.NoError(t, err)
	require.InDelta(t, 40*360, len(results), 40*3)
	for _, m := range results {
		r, _ := monitor.ResultOf(m.Event)
		require.Equal(t, "demo", r.Runner)
		require.Equal(t, map[string]any{"made_up": true}, r.Observed)
	}
}

// What the targets do is what was made up of them.
func TestTargets(t *testing.T) {
	targets, err := demo.StartTargets(t.Context(), time.Now)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, targets.Close()) })
	table, err := kinds.Table()
	require.NoError(t, err)
	engine := executor.NewEngine(table, executor.Environment{Runner: "r1"})
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	memory := bus.NewMemory()
	require.NoError(t, targets.Write(t.Context(), memory, time.Now()))
	events, err := memory.Read(t.Context(), 0, 100_000, bus.Filter{Aggregate: "check"})
	require.NoError(t, err)
	want := map[string]monitor.Outcome{
		"steady-home": monitor.OutcomeSuccess, "failing-bank": monitor.OutcomeFailure, "certificate": monitor.OutcomeSuccess,
		"smtp": monitor.OutcomeSuccess, "queue-jobs": "", "slow-find": "",
	}
	for _, m := range events {
		e, ok := m.Event.(monitor.CheckRegistered)
		expected, named := want[e.Definition.ID]
		if !ok || !named {
			continue
		}
		d := e.Definition
		d.DegradedAfter = 0 // which a busy machine may exceed
		r := engine.Execute(t.Context(), monitor.Execution{Check: d, Location: "default", DueAt: time.Now()})
		require.NotEqual(t, monitor.OutcomeError, r.Outcome, r.Error)
		if expected != "" {
			require.Equal(t, expected, r.Outcome, "%s: %s", d.ID, r.Error)
		}
		delete(want, d.ID)
	}
	require.Empty(t, want)
}
