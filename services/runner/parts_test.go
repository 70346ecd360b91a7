package runner

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestOptions(t *testing.T) {
	opt := Options{Engine: quick{}}.withDefaults()
	require.NoError(t, opt.validate())
	assert.True(t, monitor.ValidID(opt.ID), opt.ID)
	assert.NotEqual(t, opt.ID, NewID(), "two runners of one process are told apart")
	assert.Equal(t, 64, opt.Concurrency)

	err := Options{ID: "A.b", Location: "*", Concurrency: 5000, ShutdownGrace: -1, References: []string{"nowhere"}}.validate()
	for _, part := range []string{"id", "location", "concurrency", "engine", "grace", "nowhere"} {
		require.ErrorContains(t, err, part)
	}
}

func TestFitKeepsTheOutcomeAndTheBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := monitor.Result{
			ID: "home.3.x.north", CheckID: "home", Outcome: monitor.OutcomeFailure,
			DurationMS: rapid.SampledFrom([]float64{1, math.NaN(), math.Inf(1)}).Draw(t, "duration"),
			Error:      strings.Repeat("é\xff<", rapid.IntRange(0, 20000).Draw(t, "error")),
			Observed:   map[string]any{"body": strings.Repeat("x", rapid.IntRange(0, 40000).Draw(t, "observed"))},
		}
		if rapid.Bool().Draw(t, "wire") {
			r.Wire = []monitor.WireEntry{{What: "sent", Text: strings.Repeat("x", rapid.IntRange(0, 40000).Draw(t, "sent"))}}
		}
		if rapid.Bool().Draw(t, "phases") {
			r.Timings = &monitor.Timings{TLS: math.NaN()}
		}
		for range rapid.IntRange(0, monitor.MaxAssertions).Draw(t, "assertions") {
			r.Assertions = append(r.Assertions, monitor.AssertionResult{
				Expression: strings.Repeat("<", rapid.IntRange(0, 4096).Draw(t, "expression")),
				Passed:     rapid.Bool().Draw(t, "passed"),
				Actual:     strings.Repeat("\x01", rapid.IntRange(0, 300).Draw(t, "actual")),
				Error:      strings.Repeat("&", rapid.IntRange(0, 300).Draw(t, "evaluation")),
			})
		}
		fitted, size := fit(r)
		again, ok := sizeOf(fitted)
		require.True(t, ok, "%d bytes", again)
		require.Equal(t, again, size)
		require.Equal(t, r.ID, fitted.ID)
		require.Equal(t, r.Outcome, fitted.Outcome)
		require.LessOrEqual(t, size, bus.MaxResultSize)
	})
}

func TestQueueBeginsInOrderOfDueTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		start := time.Unix(0, 0)
		for _, offset := range rapid.SliceOf(rapid.IntRange(0, 50)).Draw(t, "offsets") {
			q.push(&task{startAt: start.Add(time.Duration(offset) * time.Second)})
		}
		last := start
		for now := range 60 {
			at := start.Add(time.Duration(now) * time.Second)
			if next, ok := q.next(); ok && rapid.Bool().Draw(t, "end one") {
				q.later[0].state = ended
				require.False(t, next.Before(last))
			}
			q.ripen(at)
			for q.head() != nil {
				head := q.head()
				require.NotEqual(t, ended, head.state)
				require.False(t, head.startAt.Before(last), "in order")
				require.False(t, head.startAt.After(at), "not early")
				last = head.startAt
				q.drop()
			}
		}
		_, ok := q.next()
		require.False(t, ok, "nothing is left behind")
	})
}

func TestPace(t *testing.T) {
	p := newPace(10)
	assert.True(t, p.room(0, 0, 0, 0))
	assert.False(t, p.room(6, 4, 0, 0), "every worker is taken")
	assert.False(t, p.room(6, 2, 0, 2), "every worker may be taken by what is being pulled")
	assert.False(t, p.room(0, 0, 10, 0), "nothing is known yet of how long executions take")
	for range 500 {
		p.observe(10 * time.Millisecond)
	}
	assert.True(t, p.room(0, 0, 250, 0), "quick executions: each worker begins many within the lookahead")
	assert.False(t, p.room(0, 0, 400, 0), "but not any number")
	for range 500 {
		p.observe(20 * time.Second)
	}
	assert.False(t, p.room(0, 0, 10, 0), "slow executions: no more than workers")
	assert.True(t, p.room(0, 0, 9, 0))
}

func TestOutboxSendsInOrderWithinBounds(t *testing.T) {
	now := time.Unix(1000, 0)
	good := monitor.Result{Outcome: monitor.OutcomeSuccess, Trigger: monitor.TriggerSchedule}
	bad := monitor.Result{Outcome: monitor.OutcomeFailure, Trigger: monitor.TriggerSchedule}

	var o outbox
	o.add(done{result: good, size: 1}, now)
	o.prepare(now)
	require.Nil(t, o.parcel, "a success waits for company")
	at, ok := o.next()
	require.True(t, ok)
	require.Equal(t, now.Add(gather), at)
	o.add(done{result: bad, size: 2}, now)
	o.prepare(now)
	require.NotNil(t, o.parcel, "a failure does not")
	require.Len(t, o.parcel.items, 2)
	o.sent()

	for i := range 3 * parcelResults {
		o.add(done{result: good, size: 3 + i}, now)
	}
	o.prepare(now)
	require.Nil(t, o.parcel, "one is out")
	o.settled()
	expected := 3
	for range 10 {
		o.prepare(now)
		if o.parcel == nil {
			break
		}
		bytes := 0
		for _, item := range o.parcel.items {
			require.Equal(t, expected, item.size, "in order")
			bytes += item.size
			expected++
		}
		require.LessOrEqual(t, len(o.parcel.items), parcelResults)
		require.LessOrEqual(t, bytes, parcelBytes)
		o.sent()
		o.settled()
	}
	require.Equal(t, 3+3*parcelResults, expected)
}
