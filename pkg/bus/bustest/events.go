package bustest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

func eventTests() map[string]test {
	return map[string]test{
		"what is appended is read":                    testAppendAndRead,
		"an expectation that does not hold":           testConflict,
		"a batch needs an expectation per aggregate":  testNoExpectation,
		"a batch has bounds":                          testBatchBounds,
		"several events of one aggregate":             testSameAggregate,
		"a repeated batch is written once":            testRepeatedBatch,
		"one of many writers wins":                    testRivalWriters,
		"follow goes on from the past to the present": testFollow,
		"a handler's error ends following":            testFollowFails,
		"caught up is said once":                      testCaughtUp,
		"filters select by aggregate":                 testFilters,
		"read is bounded":                             testRead,
		"what is stored cannot be changed":            testNoAliasing,
		"probe":                                       testProbe,
	}
}

func appendAll(t *testing.T, d Door, events ...monitor.EventMessage) []monitor.EventMessage {
	t.Helper()
	written, err := d.Bus.Append(t.Context(), fresh(events...))
	require.NoError(t, err)
	return written
}

func testAppendAndRead(t *testing.T, d Door) {
	t.Helper()
	one, two := registered("one"), registered("two")
	two.CommandID, two.CausationID, two.CorrelationID, two.Actor, two.Revision = "", "", "", "", 0
	written := appendAll(t, d, one, two)
	assert.Equal(t, []uint64{1, 2}, sequences(written))
	same(t, one, written[0])
	read, err := d.Bus.Read(t.Context(), 0, 10, bus.Filter{})
	require.NoError(t, err)
	assert.Equal(t, []uint64{1, 2}, sequences(read))
	same(t, one, read[0])
	same(t, two, read[1])
	assert.False(t, read[0].StoredAt.IsZero())
	last, err := d.Bus.Last(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 2, last)
}

// conflict demands that err is one, about the expected sequence.
func conflict(t *testing.T, err error, expected uint64) {
	t.Helper()
	var c *bus.ConflictError
	require.ErrorAs(t, err, &c)
	assert.Equal(t, expected, c.Expected)
}

func requireLast(t *testing.T, d Door, want uint64) {
	t.Helper()
	last, err := d.Bus.Last(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, last)
}

func testConflict(t *testing.T, d Door) {
	t.Helper()
	appendAll(t, d, registered("one"), registered("two"))
	_, err := d.Bus.Append(t.Context(), fresh(deleted("one")))
	conflict(t, err, 0)
	_, err = d.Bus.Append(t.Context(), fresh(registered("three"), registered("four"), deleted("two")))
	conflict(t, err, 0)
	late := fresh(registered("five"))
	late.Expect[bus.AggregateOf(late.Events[0].Event)] = 2
	_, err = d.Bus.Append(t.Context(), late)
	conflict(t, err, 2)
	requireLast(t, d, 2)

	right := fresh(registered("three"), deleted("two"))
	right.Expect[bus.Aggregate{Kind: "service", ID: "two"}] = 2
	written, err := d.Bus.Append(t.Context(), right)
	require.NoError(t, err)
	assert.Equal(t, []uint64{3, 4}, sequences(written))
}

func testNoExpectation(t *testing.T, d Door) {
	t.Helper()
	_, err := d.Bus.Append(t.Context(), bus.Batch{Events: []monitor.EventMessage{registered("one")}})
	require.ErrorIs(t, err, bus.ErrNoExpectation)
	second := fresh(registered("one"))
	second.Events = append(second.Events, registered("two"))
	_, err = d.Bus.Append(t.Context(), second)
	require.ErrorIs(t, err, bus.ErrNoExpectation)
	requireLast(t, d, 0)
}

func testBatchBounds(t *testing.T, d Door) {
	t.Helper()
	_, err := d.Bus.Append(t.Context(), bus.Batch{})
	require.ErrorContains(t, err, "bounds")
	var events []monitor.EventMessage
	for i := range bus.MaxAppend + 1 {
		events = append(events, registered(fmt.Sprint("s", i)))
	}
	_, err = d.Bus.Append(t.Context(), fresh(events...))
	require.ErrorContains(t, err, "bounds")
	written := appendAll(t, d, events[:bus.MaxAppend]...)
	assert.Equal(t, upTo(bus.MaxAppend), sequences(written))
	requireLast(t, d, bus.MaxAppend)
}

func testSameAggregate(t *testing.T, d Door) {
	t.Helper()
	written := appendAll(t, d, registered("one"), registered("two"), deleted("one"))
	assert.Equal(t, upTo(3), sequences(written))
	again := registered("one")
	again.ID = "again"
	batch := fresh(again)
	_, err := d.Bus.Append(t.Context(), batch)
	conflict(t, err, 0)
	batch.Expect[bus.AggregateOf(again.Event)] = 3
	written, err = d.Bus.Append(t.Context(), batch)
	require.NoError(t, err)
	assert.EqualValues(t, 4, written[0].Sequence)
}

func testRepeatedBatch(t *testing.T, d Door) {
	t.Helper()
	for _, batch := range []bus.Batch{fresh(registered("one")), fresh(registered("two"), deleted("two"), registered("three"))} {
		first, err := d.Bus.Append(t.Context(), batch)
		require.NoError(t, err)
		again, err := d.Bus.Append(t.Context(), batch)
		require.NoError(t, err, "it was written: its answer may have been lost")
		assert.Equal(t, sequences(first), sequences(again))
	}
	requireLast(t, d, 4)
}

func testRivalWriters(t *testing.T, d Door) {
	t.Helper()
	var writers sync.WaitGroup
	var won atomic.Int64
	for i := range 8 {
		writers.Go(func() {
			mine := registered("one")
			mine.ID = fmt.Sprint("writer-", i)
			_, err := d.Bus.Append(t.Context(), fresh(mine))
			if err == nil {
				won.Add(1)
				return
			}
			assert.ErrorAs(t, err, new(*bus.ConflictError))
		})
	}
	writers.Wait()
	assert.EqualValues(t, 1, won.Load())
	requireLast(t, d, 1)
}

// reader follows and keeps what it is handed.
type reader struct {
	mu       sync.Mutex
	events   []monitor.EventMessage
	caughtUp []int // how many events there were then
}

func (r *reader) take(events []monitor.EventMessage) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, events...)
	return nil
}

func (r *reader) arrived() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.caughtUp = append(r.caughtUp, len(r.events))
}

func (r *reader) has() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.events)
}

func (r *reader) arrivals() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]int(nil), r.caughtUp...)
}

func (r *reader) follow(t *testing.T, d Door, after uint64, filter bus.Filter) (stop func() error) {
	t.Helper()
	return background(t, func(ctx context.Context) error { return d.Bus.Follow(ctx, after, filter, r.take, r.arrived) })
}

func testFollow(t *testing.T, d Door) {
	t.Helper()
	var events []monitor.EventMessage
	for i := range 700 {
		events = append(events, registered(fmt.Sprint("s", i)))
	}
	appendAll(t, d, events[:600]...)
	var all, late reader
	stopAll := all.follow(t, d, 0, bus.Filter{})
	stopLate := late.follow(t, d, 500, bus.Filter{})
	eventually(t, func() bool { return len(all.arrivals()) == 1 && len(late.arrivals()) == 1 }, "both have caught up")
	for _, e := range events[600:] {
		appendAll(t, d, e)
	}
	eventually(t, func() bool { return all.has() == 700 && late.has() == 200 }, "new events come")
	require.NoError(t, stopAll())
	require.NoError(t, stopLate())
	assert.Equal(t, upTo(700), sequences(all.events))
	assert.Equal(t, upTo(700)[500:], sequences(late.events))
	assert.Equal(t, []int{600}, all.arrivals())
	for i := range events {
		same(t, events[i], all.events[i])
	}
}

func testFollowFails(t *testing.T, d Door) {
	t.Helper()
	appendAll(t, d, registered("one"), registered("two"))
	failed := errors.New("cannot fold")
	require.ErrorIs(t, d.Bus.Follow(t.Context(), 0, bus.Filter{}, func([]monitor.EventMessage) error { return failed }, nil), failed)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, d.Bus.Follow(ended, 0, bus.Filter{}, func([]monitor.EventMessage) error { return nil }, nil))
}

func testCaughtUp(t *testing.T, d Door) {
	t.Helper()
	var empty reader
	stop := empty.follow(t, d, 0, bus.Filter{})
	eventually(t, func() bool { return len(empty.arrivals()) == 1 }, "an empty log is soon read")
	appendAll(t, d, registered("one"), registered("two"))
	eventually(t, func() bool { return empty.has() == 2 }, "what comes after")
	require.NoError(t, stop())
	assert.Equal(t, []int{0}, empty.arrivals())
	for name, where := range map[string]struct {
		after  uint64
		filter bus.Filter
	}{"at the end": {after: 2}, "nothing selected": {filter: bus.Filter{Aggregate: "check"}}} {
		var r reader
		stop := r.follow(t, d, where.after, where.filter)
		eventually(t, func() bool { return len(r.arrivals()) == 1 }, "caught up %s", name)
		require.NoError(t, stop())
		assert.Zero(t, r.has(), name)
	}
}

func testFilters(t *testing.T, d Door) {
	t.Helper()
	joined := func(id string) monitor.EventMessage {
		return monitor.EventMessage{Meta: meta("joined-" + id), Event: monitor.RunnerJoined{RunnerID: id, Location: Here}}
	}
	appendAll(t, d, registered("web"), registered("web-2"), joined("Host.Example:1"), joined("host > *"), joined("web"), deleted("web"))
	for _, c := range []struct {
		filter bus.Filter
		want   []uint64
	}{
		{bus.Filter{}, upTo(6)},
		{bus.Filter{Aggregate: "service"}, []uint64{1, 2, 6}},
		{bus.Filter{Aggregate: "runner"}, []uint64{3, 4, 5}},
		{bus.Filter{Aggregate: "service", ID: "web"}, []uint64{1, 6}},
		{bus.Filter{Aggregate: "runner", ID: "Host.Example:1"}, []uint64{3}},
		{bus.Filter{Aggregate: "runner", ID: "host > *"}, []uint64{4}},
		{bus.Filter{Aggregate: "runner", ID: "nobody"}, []uint64{}},
		{bus.Filter{Aggregate: "service", ID: "web", Verb: "registered"}, []uint64{1}},
		{bus.Filter{Aggregate: "service", ID: "web", Verb: "updated"}, []uint64{}},
	} {
		read, err := d.Bus.Read(t.Context(), 0, 100, c.filter)
		require.NoError(t, err)
		assert.Equal(t, c.want, sequences(read), "%+v", c.filter)
		latest, err := d.Bus.Latest(t.Context(), c.filter)
		if len(c.want) == 0 {
			require.ErrorIs(t, err, bus.ErrNoEvent, "%+v", c.filter)
			continue
		}
		require.NoError(t, err)
		same(t, read[len(read)-1], latest)
		assert.Equal(t, c.want[len(c.want)-1], latest.Sequence, "%+v", c.filter)
		assert.False(t, latest.StoredAt.IsZero())
	}
	var services reader
	stop := services.follow(t, d, 1, bus.Filter{Aggregate: "service"})
	eventually(t, func() bool { return services.has() == 2 }, "the selected are followed")
	require.NoError(t, stop())
	assert.Equal(t, []uint64{2, 6}, sequences(services.events))
}

func testRead(t *testing.T, d Door) {
	t.Helper()
	appendAll(t, d, registered("a"), registered("b"), registered("c"), registered("d"))
	for _, c := range []struct {
		after uint64
		limit int
		want  []string
	}{
		{0, 100, []string{"a", "b", "c", "d"}}, {1, 2, []string{"b", "c"}}, {3, 1 << 30, []string{"d"}}, {4, 10, []string{}}, {40, 10, []string{}},
	} {
		read, err := d.Bus.Read(t.Context(), c.after, c.limit, bus.Filter{})
		require.NoError(t, err)
		assert.Equal(t, c.want, subjects(read), "%d after %d", c.limit, c.after)
	}
}

func testNoAliasing(t *testing.T, d Door) {
	t.Helper()
	vandalize := func(m monitor.EventMessage) {
		m.Event.(monitor.ServiceRegistered).Definition.Labels["team"] = "vandals" //nolint:forcetypeassert // it is one
	}
	given := registered("one")
	written := appendAll(t, d, given)
	vandalize(given)
	vandalize(written[0])
	for range 2 {
		read, err := d.Bus.Read(t.Context(), 0, 1, bus.Filter{})
		require.NoError(t, err)
		same(t, registered("one"), read[0])
		vandalize(read[0])
	}
}

func testProbe(t *testing.T, d Door) {
	t.Helper()
	for range 3 {
		require.NoError(t, d.Bus.Probe(t.Context()))
	}
	requireLast(t, d, 0)
	last, err := d.Bus.LastResult(t.Context())
	require.NoError(t, err)
	assert.Zero(t, last)
}
