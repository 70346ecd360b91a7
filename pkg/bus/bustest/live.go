package bustest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

func liveTests() map[string]test {
	return map[string]test{
		"results are announced":        testLiveResults,
		"a test is heard by its asker": testLiveTests,
		"runners are heard":            testLiveRunners,
		"stop waits for the handler":   testLiveStop,
		"listening ends with ctx":      testLiveEnds,
	}
}

func testLiveResults(t *testing.T, d Door) {
	t.Helper()
	heard := make(chan monitor.EventMessage, 10)
	stop, err := d.Bus.OnResult(t.Context(), func(m monitor.EventMessage) { heard <- m })
	require.NoError(t, err)
	for _, id := range []string{"a", "b"} {
		require.NoError(t, d.Bus.AnnounceResult(succeeded(id)))
	}
	same(t, succeeded("a"), receive(t, heard, "the first"))
	same(t, succeeded("b"), receive(t, heard, "the second"))
	stop()
}

func testLiveTests(t *testing.T, d Door) {
	t.Helper()
	mine, _ := monitor.ResultOf(succeeded("draft.0.Mine.here").Event)
	other, _ := monitor.ResultOf(succeeded("draft.0.other.here").Event)
	heard := make(chan monitor.Result, 10)
	stop, err := d.Bus.OnTest(t.Context(), mine.ID, func(r monitor.Result) { heard <- r })
	require.NoError(t, err)
	for _, r := range []monitor.Result{other, mine, other, mine} {
		require.NoError(t, d.Bus.AnnounceTest(r))
	}
	assert.Equal(t, mine, receive(t, heard, "the test"))
	assert.Equal(t, mine, receive(t, heard, "the test again"))
	stop()
	assert.Empty(t, heard)
}

func testLiveRunners(t *testing.T, d Door) {
	t.Helper()
	heard := make(chan bus.Report, 10)
	stop, err := d.Bus.OnRunner(t.Context(), func(r bus.Report) { heard <- r })
	require.NoError(t, err)
	report := reportOf("Host.Example:1")
	require.NoError(t, d.Bus.AnnounceRunner(report))
	require.Len(t, report.Results, 1, "it is the caller's")
	report.Results = nil
	assert.Equal(t, report, receive(t, heard, "the runner"))
	stop()
}

func testLiveStop(t *testing.T, d Door) {
	t.Helper()
	begun := make(chan struct{})
	var ended atomic.Bool
	stop, err := d.Bus.OnRunner(t.Context(), func(bus.Report) {
		close(begun)
		time.Sleep(50 * time.Millisecond)
		ended.Store(true)
	})
	require.NoError(t, err)
	require.NoError(t, d.Bus.AnnounceRunner(reportOf("r")))
	receive(t, begun, "the runner")
	stop()
	assert.True(t, ended.Load())
	require.NoError(t, d.Bus.AnnounceRunner(reportOf("r")), "nobody listens, and that is well")
}

func testLiveEnds(t *testing.T, d Door) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var heard atomic.Int64
	stop, err := d.Bus.OnRunner(ctx, func(bus.Report) { heard.Add(1) })
	require.NoError(t, err)
	cancel()
	other := make(chan struct{}, 1)
	stopOther, err := d.Bus.OnRunner(t.Context(), func(bus.Report) { other <- struct{}{} })
	require.NoError(t, err)
	require.NoError(t, d.Bus.AnnounceRunner(reportOf("r")))
	receive(t, other, "the runner, by another")
	stop()
	stopOther()
	assert.Zero(t, heard.Load())
}
