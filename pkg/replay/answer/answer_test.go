package answer_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/replay"
	"github.com/vedette/vedette/pkg/replay/answer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorded is a log of one service with checks that each fail twice, and when it ended.
func recorded(t *testing.T, checks int) (*bus.Memory, time.Time) {
	t.Helper()
	b := bus.NewMemory()
	write := func(events ...monitor.Event) {
		batch := bus.Batch{Expect: map[bus.Aggregate]uint64{}}
		for i, e := range events {
			batch.Events = append(batch.Events, monitor.EventMessage{Meta: monitor.Meta{ID: fmt.Sprint(time.Now().UnixNano(), "-", i), Time: time.Now()}, Event: e})
			batch.Expect[bus.AggregateOf(e)] = 0
		}
		_, err := b.Append(t.Context(), batch)
		require.NoError(t, err)
	}
	write(monitor.ServiceRegistered{Definition: monitor.ServiceDefinition{ID: "web"}.WithDefaults()})
	for n := range checks {
		write(monitor.CheckRegistered{Definition: monitor.Definition{ID: fmt.Sprint("check-", n), Service: "web", Kind: "http", Target: "t"}.WithDefaults()})
	}
	for i := range 20 {
		time.Sleep(30 * time.Second)
		var results []monitor.EventMessage
		for n := range checks {
			now := time.Now()
			r := monitor.Result{ID: fmt.Sprint(n, "-", i), CheckID: fmt.Sprint("check-", n), Location: "default", DueAt: now, StartedAt: now, Outcome: monitor.OutcomeSuccess}
			if i == 10 || i == 11 {
				r.Outcome = monitor.OutcomeFailure
			}
			results = append(results, monitor.EventMessage{Meta: monitor.Meta{ID: r.ID, Time: now}, Event: monitor.Executed(r)})
		}
		_, err := b.AppendResults(t.Context(), "default", results)
		require.NoError(t, err)
	}
	time.Sleep(time.Second)
	return b, time.Now()
}

func TestWhatIfReadsTheLogsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, now := recorded(t, 3)
		var last answer.Progress
		calls := 0
		q := replay.Question{Service: "web", From: now.Add(-8 * time.Minute), To: now}
		threshold := 2
		q.Change.FailureThreshold = &threshold
		report, err := answer.WhatIf(t.Context(), b, q, nil, answer.Options{Progress: func(p answer.Progress) {
			calls++
			last = p
		}})
		require.NoError(t, err)
		require.Equal(t, 3, report.Would.Incidents)
		require.Equal(t, 3*16, report.Results)
		require.False(t, report.Faithful, "nothing was decided")
		require.Equal(t, "results", last.Reading)
		require.Equal(t, last.Total, last.Done)
		require.Greater(t, calls, 1)

		q.To = now.Add(-5 * time.Minute)
		q.From = now.Add(-6 * time.Minute)
		report, err = answer.WhatIf(t.Context(), b, q, nil, answer.Options{Share: 1})
		require.NoError(t, err)
		require.Equal(t, 3*2, report.Results, "and nothing after")

		q.Service, q.Check = "", "none"
		_, err = answer.WhatIf(t.Context(), b, q, nil, answer.Options{})
		require.ErrorIs(t, err, monitor.ErrNotFound)
		_, err = answer.WhatIf(t.Context(), bus.NewMemory(), q, nil, answer.Options{})
		require.ErrorIs(t, err, monitor.ErrNotFound)
	})
}

// histories holds those results.
type histories struct {
	results []monitor.EventMessage
	reached uint64
	whole   bool
	asked   int
}

func (h *histories) Reached() uint64 { return h.reached }

func (h *histories) Past(_ context.Context, id string, _ time.Time, each func(monitor.Result)) (bool, error) {
	h.asked++
	for _, m := range h.results {
		if r, _ := monitor.ResultOf(m.Event); r.CheckID == id {
			each(r)
		}
	}
	return h.whole, nil
}

func TestWhatCameAfterHistoriesWereWrittenIsReadFromResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := recorded(t, 1)
		time.Sleep(time.Hour)
		from := time.Now()
		store := func(id, check string, outcome monitor.Outcome) {
			r := monitor.Result{ID: id, CheckID: check, Location: "default", DueAt: time.Now(), StartedAt: time.Now(), Outcome: outcome}
			_, err := b.AppendResults(t.Context(), "default", []monitor.EventMessage{{Meta: monitor.Meta{ID: id, Time: time.Now()}, Event: monitor.Executed(r)}})
			require.NoError(t, err)
		}
		for range 6000 {
			store("x", "other", monitor.OutcomeSuccess)
		}
		time.Sleep(time.Second)
		store("in both", "check-0", monitor.OutcomeError) // decides nothing, as nobody is here to decide
		time.Sleep(time.Second)
		store("latest", "check-0", monitor.OutcomeError)
		time.Sleep(time.Second)
		in, err := b.ReadResults(t.Context(), 6020, 1)
		require.NoError(t, err)
		kept := &histories{results: in, whole: true, reached: 6020} // written again since
		threshold := 2
		q := replay.Question{Check: "check-0", From: from, To: time.Now(), Change: replay.Change{FailureThreshold: &threshold}}
		report, err := answer.WhatIf(t.Context(), b, q, nil, answer.Options{History: kept})
		require.NoError(t, err)
		require.Equal(t, "history", report.Source)
		require.Equal(t, 2, report.Results, "each once")
		kept.reached = 0 // being rebuilt
		report, err = answer.WhatIf(t.Context(), b, q, nil, answer.Options{History: kept})
		require.NoError(t, err)
		require.Equal(t, "results", report.Source)
		require.Equal(t, 2, report.Results)
		require.Equal(t, 1, kept.asked)
	})
}

func TestHistoriesTakeThePlaceOfResultsWhereTheyAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, now := recorded(t, 2)
		time.Sleep(time.Hour)
		for range 5000 { // what others found
			r := monitor.Result{ID: "x", CheckID: "other", Location: "default", DueAt: time.Now(), StartedAt: time.Now(), Outcome: monitor.OutcomeSuccess}
			_, err := b.AppendResults(t.Context(), "default", []monitor.EventMessage{{Meta: monitor.Meta{ID: "x", Time: time.Now()}, Event: monitor.Executed(r)}})
			require.NoError(t, err)
		}
		time.Sleep(time.Second)
		all, err := b.ReadResults(t.Context(), 0, 20)
		require.NoError(t, err)
		kept := &histories{results: all, whole: true, reached: 5000}
		opt := answer.Options{History: kept}
		q := replay.Question{Check: "check-0", From: now.Add(-time.Minute), To: time.Now()}
		report, err := answer.WhatIf(t.Context(), b, q, nil, opt)
		require.NoError(t, err)
		require.Equal(t, "results", report.Source, "nothing was decided, so EVENTS do not agree")
		require.Equal(t, 1, kept.asked)

		quiet := now.Add(30 * time.Minute) // everything was said by then: no decision, no result
		q = replay.Question{Check: "check-0", From: quiet, To: time.Now()}
		report, err = answer.WhatIf(t.Context(), b, q, nil, opt)
		require.NoError(t, err)
		require.Equal(t, 2, kept.asked)
		require.Equal(t, "history", report.Source)
		kept.whole = false
		report, err = answer.WhatIf(t.Context(), b, q, nil, opt)
		require.NoError(t, err)
		require.Equal(t, 3, kept.asked)
		require.Equal(t, "results", report.Source, "the history does not reach back far enough")

		q = replay.Question{Check: "check-0", From: now.Add(-time.Minute), To: now}
		_, err = answer.WhatIf(t.Context(), b, q, nil, opt)
		require.NoError(t, err)
		require.Equal(t, 3, kept.asked, "a few messages are read in no time")
	})
}

// short is a log whose beginning was dropped.
type short struct {
	*bus.Memory
	first uint64
}

func (s short) FirstResult(context.Context) (uint64, error) { return s.first, nil }

func TestWhatWasDroppedIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, now := recorded(t, 1)
		q := replay.Question{Service: "web", From: now.Add(-10 * time.Minute), To: now}
		report, err := answer.WhatIf(t.Context(), short{b, 5}, q, nil, answer.Options{})
		require.NoError(t, err)
		require.False(t, report.Complete)
		require.Equal(t, 16, report.Results)
		require.Equal(t, q.From.UTC(), report.From)

		var problems monitor.Problems
		_, err = answer.WhatIf(t.Context(), short{b, 21}, q, nil, answer.Options{})
		require.ErrorAs(t, err, &problems, "none is left")
	})
}

func TestWhatIfEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, now := recorded(t, 1)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := answer.WhatIf(ctx, b, replay.Question{Service: "web", From: now.Add(-5 * time.Minute), To: now}, nil,
			answer.Options{Progress: func(answer.Progress) { cancel() }})
		require.ErrorIs(t, err, context.Canceled)
	})
}
