package replay

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/trace"
)

// traced is ask with what is kept of the results, each check's by itself.
func (w *world) traced(q Question) (report Report, gathered int, err error) {
	record, err := NewRecord(q, monitor.NewBoard(), time.Time{})
	if err != nil {
		return Report{}, 0, err
	}
	for _, m := range w.events {
		if !record.Event(m) {
			break
		}
	}
	trial, err := NewTrial(record, nil)
	if err != nil {
		return Report{}, 0, err
	}
	for _, id := range trial.Checks() {
		for _, m := range w.results {
			r, check, ok := trace.Of(m)
			if ok && check == id && (w.all || !m.StoredAt.Before(trial.Since())) && m.StoredAt.Before(trial.Until()) {
				trial.Case(id).Trace(&r)
			}
		}
	}
	report = trial.Report()
	for _, id := range trial.Checks() {
		gathered += trial.Case(id).run.gathered
	}
	return report, gathered, nil
}

// TestTracesGiveTheReportThatResultsGive asks random questions of random worlds, both ways.
func TestTracesGiveTheReportThatResultsGive(t *testing.T) {
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		w := randomWorld(t, rapid.Bool().Draw(t, "all"))
		for range rapid.IntRange(0, 4).Draw(t, "stretches") { // such as checks have most of the time
			check := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "steady")
			outcome := rapid.SampledFrom([]monitor.Outcome{monitor.OutcomeSuccess, monitor.OutcomeSuccess, monitor.OutcomeFailure, monitor.OutcomeDegraded}).Draw(t, "outcome")
			for range rapid.IntRange(5, 60).Draw(t, "results") {
				w.pass(10 * time.Second)
				known, _ := w.board.Check(check)
				for _, location := range known.Locations {
					w.pass(time.Second)
					w.found(check, location, outcome, func(r *monitor.Result) { r.DurationMS = float64(rapid.IntRange(1, 900).Draw(t, "ms")) })
				}
			}
		}
		q := randomQuestion(t, w)
		if rapid.Bool().Draw(t, "thresholds") {
			q.Change.FailureThreshold, q.Change.SuccessThreshold = ptr(rapid.IntRange(1, 4).Draw(t, "failures")), ptr(rapid.IntRange(1, 3).Draw(t, "successes"))
		}
		if rapid.Bool().Draw(t, "grading") {
			q.Change.Invert, q.Change.DegradedAfter = ptr(rapid.Bool().Draw(t, "invert")), ptr(monitor.Duration(300*time.Millisecond))
		}
		if rapid.IntRange(0, 4).Draw(t, "quorum") == 0 {
			q.Change.Quorum = ptr(2)
		}
		if rapid.IntRange(0, 3).Draw(t, "patience") == 0 {
			q.Change.StaleAfter = ptr(monitor.Duration(rapid.SampledFrom([]int{45, 60, 300}).Draw(t, "stale after")) * monitor.Duration(time.Second))
		}
		want, _, err := w.ask(q, nil)
		have, gathered, again := w.traced(q)
		if err != nil {
			require.Equal(t, err.Error(), again.Error())
			t.Skip(err.Error())
		}
		require.NoError(t, again)
		require.Equal(t, want, have)
		runs += gathered
	})
	require.Greater(t, runs, 100)
}
