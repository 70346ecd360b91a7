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

func ingestTests() map[string]test {
	return map[string]test{
		"a report is answered":                 testDeliver,
		"without a gate it is to be repeated":  testNoGate,
		"gates share the work":                 testGatesShare,
		"what is in hand is answered":          testGateStops,
		"reports are handled at the same time": testReportsAtOnce,
	}
}

func reportOf(runner string) bus.Report {
	r, _ := monitor.ResultOf(succeeded("a").Event)
	return bus.Report{
		Runner:  monitor.Runner{ID: runner, Location: Here, Host: "Example", Version: "1", Concurrency: 8},
		Results: []monitor.Result{r}, Stopping: true,
	}
}

func gate(t *testing.T, d Door, handle func(ctx context.Context, location string, report bus.Report) error) (stop func() error) {
	t.Helper()
	return background(t, func(ctx context.Context) error { return d.Bus.ServeIngest(ctx, handle) })
}

// deliverable waits until a gate takes reports: those before it are lost.
func deliverable(t *testing.T, r bus.Ingest) {
	t.Helper()
	eventually(t, func() bool { return r.Deliver(t.Context(), Here, bus.Report{}) == nil }, "a gate is there")
}

func testDeliver(t *testing.T, d Door) {
	t.Helper()
	r := d.Runner(t, Here)
	answers := map[string]error{"refused": fmt.Errorf("%w: too many results", bus.ErrRefused), "busy": errors.New("disk is full")}
	heard := make(chan bus.Report, 10)
	stop := gate(t, d, func(_ context.Context, location string, report bus.Report) error {
		assert.Equal(t, Here, location)
		if report.Runner.ID != "" {
			heard <- report
		}
		return answers[report.Runner.ID]
	})
	deliverable(t, r)
	require.NoError(t, r.Deliver(t.Context(), Here, reportOf("good")))
	assert.Equal(t, reportOf("good"), receive(t, heard, "the report"))
	err := r.Deliver(t.Context(), Here, reportOf("refused"))
	require.ErrorIs(t, err, bus.ErrRefused)
	require.ErrorContains(t, err, "too many results")
	err = r.Deliver(t.Context(), Here, reportOf("busy"))
	require.ErrorContains(t, err, "disk is full")
	require.NotErrorIs(t, err, bus.ErrRefused)
	require.NoError(t, stop())
}

func testNoGate(t *testing.T, d Door) {
	t.Helper()
	err := d.Runner(t, Here).Deliver(t.Context(), Here, reportOf("r"))
	require.Error(t, err)
	require.NotErrorIs(t, err, bus.ErrRefused)
}

func testGatesShare(t *testing.T, d Door) {
	t.Helper()
	r := d.Runner(t, Here)
	var mu sync.Mutex
	taken := make(map[string]int)
	take := func(name string) func(context.Context, string, bus.Report) error {
		return func(context.Context, string, bus.Report) error {
			mu.Lock()
			defer mu.Unlock()
			taken[name]++
			return nil
		}
	}
	count := func(name string) int {
		mu.Lock()
		defer mu.Unlock()
		return taken[name]
	}
	stopOne, stopTwo := gate(t, d, take("one")), gate(t, d, take("two"))
	deliverable(t, r)
	eventually(t, func() bool {
		return r.Deliver(t.Context(), Here, reportOf("r")) == nil && count("one") > 3 && count("two") > 3
	}, "both get some")
	require.NoError(t, stopOne())
	before := count("one")
	deliverable(t, r)
	assert.Equal(t, before, count("one"))
	require.NoError(t, stopTwo())
}

func testGateStops(t *testing.T, d Door) {
	t.Helper()
	r := d.Runner(t, Here)
	inHand, goOn := make(chan struct{}), make(chan struct{})
	stop := gate(t, d, func(ctx context.Context, _ string, report bus.Report) error {
		if report.Runner.ID == "" {
			return nil
		}
		close(inHand)
		<-goOn
		return ctx.Err()
	})
	deliverable(t, r)
	answer := make(chan error, 1)
	go func() { answer <- r.Deliver(t.Context(), Here, reportOf("r")) }()
	receive(t, inHand, "the report")
	time.AfterFunc(50*time.Millisecond, func() { close(goOn) })
	require.NoError(t, stop())
	require.NoError(t, receive(t, answer, "the answer"))
}

func testReportsAtOnce(t *testing.T, d Door) {
	t.Helper()
	r := d.Runner(t, Here)
	var both sync.WaitGroup
	both.Add(2)
	stop := gate(t, d, func(_ context.Context, _ string, report bus.Report) error {
		if report.Runner.ID != "" {
			both.Done()
			both.Wait()
		}
		return nil
	})
	deliverable(t, r)
	answers := make(chan error, 2)
	for i := range 2 {
		go func() { answers <- r.Deliver(t.Context(), Here, reportOf(fmt.Sprint("r", i))) }()
	}
	require.NoError(t, receive(t, answers, "the first answer"))
	require.NoError(t, receive(t, answers, "the second answer"))
	require.NoError(t, stop())
}
