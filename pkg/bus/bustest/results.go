package bustest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

func resultTests() map[string]test {
	return map[string]test{
		"results are stored by message":                testResults,
		"follow results goes from past to the present": testFollowResults,
		"only results are taken":                       testNoResult,
		"the ends of the log":                          testEnds,
		"the results since a time":                     testResultsSince,
	}
}

func appendResults(t *testing.T, d Door, results ...monitor.EventMessage) []monitor.EventMessage {
	t.Helper()
	written, err := d.Bus.AppendResults(t.Context(), Here, results)
	require.NoError(t, err)
	return written
}

func positions(events []monitor.EventMessage) []monitor.Position {
	all := make([]monitor.Position, len(events))
	for i, e := range events {
		all[i] = e.Position()
	}
	return all
}

func testResults(t *testing.T, d Door) {
	t.Helper()
	failed := monitor.EventMessage{Meta: meta("f"), Event: monitor.CheckFailed{Result: monitor.Result{ID: "f", CheckID: "home", Outcome: monitor.OutcomeFailure, Error: "status is 503"}}}
	sent := []monitor.EventMessage{succeeded("a"), failed, succeeded("b")}
	want := []monitor.Position{{Sequence: 1}, {Sequence: 1, Index: 1}, {Sequence: 1, Index: 2}}
	assert.Equal(t, want, positions(appendResults(t, d, sent...)))
	written := appendResults(t, d, succeeded("c"))
	assert.Equal(t, []monitor.Position{{Sequence: 2}}, positions(written))
	none, err := d.Bus.AppendResults(t.Context(), Here, nil)
	require.NoError(t, err)
	assert.Empty(t, none)

	read, err := d.Bus.ReadResults(t.Context(), 0, 1)
	require.NoError(t, err)
	assert.Equal(t, want, positions(read), "a message is read whole")
	for i := range sent {
		same(t, sent[i], read[i])
		assert.False(t, read[i].StoredAt.IsZero())
	}
	read, err = d.Bus.ReadResults(t.Context(), 1, 1<<30)
	require.NoError(t, err)
	assert.Equal(t, []monitor.Position{{Sequence: 2}}, positions(read))
	read, err = d.Bus.ReadResults(t.Context(), 2, 10)
	require.NoError(t, err)
	assert.Empty(t, read)
}

func testFollowResults(t *testing.T, d Door) {
	t.Helper()
	var want []monitor.Position
	add := func(message int) {
		appendResults(t, d, succeeded(fmt.Sprint(message, "-0")), succeeded(fmt.Sprint(message, "-1")))
		want = append(want, monitor.Position{Sequence: uint64(message)}, monitor.Position{Sequence: uint64(message), Index: 1})
	}
	for i := range 50 {
		add(i + 1)
	}
	var all, late reader
	follow := func(r *reader, after uint64) func() error {
		return background(t, func(ctx context.Context) error { return d.Bus.FollowResults(ctx, after, r.take, r.arrived) })
	}
	stopAll, stopLate := follow(&all, 0), follow(&late, 49)
	eventually(t, func() bool { return len(all.arrivals()) == 1 && len(late.arrivals()) == 1 }, "both have caught up")
	for i := range 10 {
		add(51 + i)
	}
	eventually(t, func() bool { return all.has() == 120 && late.has() == 22 }, "new results come")
	require.NoError(t, stopAll())
	require.NoError(t, stopLate())
	assert.Equal(t, want, positions(all.events))
	assert.Equal(t, want[98:], positions(late.events))
	assert.Equal(t, []int{100}, all.arrivals())
	require.ErrorIs(t, d.Bus.FollowResults(t.Context(), 0, func([]monitor.EventMessage) error { return errHandler }, nil), errHandler)
}

func testNoResult(t *testing.T, d Door) {
	t.Helper()
	_, err := d.Bus.AppendResults(t.Context(), Here, []monitor.EventMessage{succeeded("a"), registered("web")})
	require.ErrorContains(t, err, "no result")
	require.Error(t, d.Bus.AnnounceResult(registered("web")))
}

func testEnds(t *testing.T, d Door) {
	t.Helper()
	ends := func() (first, last uint64) {
		first, err := d.Bus.FirstResult(t.Context())
		require.NoError(t, err)
		last, err = d.Bus.LastResult(t.Context())
		require.NoError(t, err)
		return first, last
	}
	_, last := ends()
	assert.Zero(t, last)
	appendResults(t, d, succeeded("a"))
	appendResults(t, d, succeeded("b"), succeeded("c"))
	first, last := ends()
	assert.EqualValues(t, 1, first)
	assert.EqualValues(t, 2, last)
}

func testResultsSince(t *testing.T, d Door) {
	t.Helper()
	since := func(at time.Time) uint64 {
		after, err := d.Bus.ResultsSince(t.Context(), at)
		require.NoError(t, err)
		return after
	}
	assert.Zero(t, since(time.Now()), "there are none")
	for i := range 3 {
		appendResults(t, d, succeeded(fmt.Sprint("message-", i)))
		time.Sleep(time.Millisecond) // the times of storing differ
	}
	stored, err := d.Bus.ReadResults(t.Context(), 0, 3)
	require.NoError(t, err)
	require.Len(t, stored, 3)
	assert.Zero(t, since(time.Unix(0, 0)))
	assert.Zero(t, since(stored[0].StoredAt))
	assert.EqualValues(t, 1, since(stored[0].StoredAt.Add(1)))
	assert.EqualValues(t, 1, since(stored[1].StoredAt), "at the time itself")
	assert.EqualValues(t, 2, since(stored[2].StoredAt))
	assert.EqualValues(t, 3, since(time.Now().Add(time.Hour)), "none is as late")
}
