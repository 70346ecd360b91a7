package replay

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

func kinds(r Report) []string {
	all := []string{}
	for _, d := range r.Incidents {
		all = append(all, d.Kind)
	}
	return all
}

func TestAHigherThresholdLosesBlipsAndDetectsOutagesLater(t *testing.T) {
	w := withWeb(t)
	w.run("home", "uuduuudddddduuu")
	r := w.answer(w.whole(Change{FailureThreshold: ptr(3)}), nil)
	require.Equal(t, []string{Lost, Moved}, kinds(r))
	require.EqualValues(t, 60_000, r.Incidents[1].LaterMS, "two more failures, 30 s each")
	require.EqualValues(t, 0, *r.Incidents[1].Happened.DetectionMS)
	require.EqualValues(t, 60_000, *r.Incidents[1].Would.DetectionMS)
	require.Equal(t, r.Incidents[1].Happened.ResolvedAt, r.Incidents[1].Would.ResolvedAt)
	require.Equal(t, 2, r.Happened.Incidents)
	require.Equal(t, 1, r.Would.Incidents)
	require.Equal(t, 4, r.Happened.Alerts)
	require.Equal(t, 2, r.Would.Alerts)
	require.EqualValues(t, 7*30_000, r.Happened.DownMS)
	require.EqualValues(t, 4*30_000, r.Would.DownMS)
	require.EqualValues(t, 60_000, r.Would.DetectionMS)
	require.True(t, r.Faithful && r.Complete)
	require.Equal(t, 15, r.Results)
	require.Equal(t, r.Happened.DownMS, r.OfService.Happened.DownMS, "worst of one")
	require.Equal(t, r.Would.DownMS, r.OfService.Would.DownMS)
}

func TestALowerThresholdGainsIncidents(t *testing.T) {
	w := withWeb(t, func(d *monitor.Definition) { d.FailureThreshold = 3 })
	w.run("home", "uuduuddudddu")
	r := w.answer(w.whole(Change{FailureThreshold: ptr(2)}), nil)
	require.Equal(t, []string{Gained, Moved}, kinds(r))
	require.EqualValues(t, -30_000, r.Incidents[1].LaterMS)
}

func TestAnotherQuorumAndRollUp(t *testing.T) {
	w := withWeb(t, func(d *monitor.Definition) { d.Locations = []string{"here", "there"} })
	w.send(monitor.RegisterCheck{Definition: definition("other")})
	for _, outcome := range []monitor.Outcome{monitor.OutcomeSuccess, monitor.OutcomeFailure, monitor.OutcomeSuccess} {
		w.pass(30 * time.Second)
		w.found("home", "here", outcome)
		w.found("home", "there", monitor.OutcomeSuccess)
		w.found("other", monitor.DefaultLocation, monitor.OutcomeSuccess)
	}
	r := w.answer(w.whole(Change{Quorum: ptr(2)}), nil)
	require.Equal(t, []string{Lost}, kinds(r))
	require.EqualValues(t, 30_000, r.Would.DegradedMS, "one of two is down")
	require.Equal(t, "set.quorum: 2 is out of bounds: use 1 to 1", r.Checks[1].Unchanged, "it runs at one location")
	require.Len(t, r.Notes, 1)

	r = w.answer(w.whole(Change{Rollup: ptr(monitor.RollupBest)}), nil)
	require.Equal(t, []string{Kept}, kinds(r))
	require.EqualValues(t, 30_000, r.OfService.Happened.DownMS)
	require.Zero(t, r.OfService.Would.DownMS)

	_, _, err := w.ask(Question{Check: "other", From: epoch(), To: w.now, Change: Change{Quorum: ptr(2), FailureThreshold: ptr(200)}}, nil)
	var problems monitor.Problems
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems, 2, "all at once: %v", problems)
	require.Equal(t, "set.failure_threshold", problems[0].Field)
}

func TestLatencyAndInversionAreGradedAgain(t *testing.T) {
	w := withWeb(t)
	slow := func(r *monitor.Result) { r.DurationMS = 900 }
	for _, edit := range []func(*monitor.Result){slow, func(*monitor.Result) {}, slow} {
		w.pass(30 * time.Second)
		w.found("home", monitor.DefaultLocation, monitor.OutcomeSuccess, edit)
	}
	w.run("home", "d")
	r := w.answer(w.whole(Change{DegradedAfter: ptr(monitor.Duration(500 * time.Millisecond))}), nil)
	require.Equal(t, 2, r.Regraded)
	require.Zero(t, r.Happened.DegradedMS)
	require.Positive(t, r.Would.DegradedMS)

	r = w.answer(w.whole(Change{Invert: ptr(true)}), nil)
	require.Equal(t, 4, r.Regraded)
	require.Equal(t, []string{Gained, Lost}, kinds(r))
	require.Equal(t, "it succeeded, and invert makes that a failure", r.Incidents[0].Would.Cause)

	inverted := withWeb(t, func(d *monitor.Definition) { d.Invert = true })
	inverted.run("home", "uud")
	r = inverted.answer(inverted.whole(Change{Invert: ptr(false)}), nil)
	require.Equal(t, []string{Gained, Lost}, kinds(r), "what failed passes, and what passed fails")
}

// assessing is a kind whose assertions are "yes", "no" and "lost", which needs what was not kept.
type assessing struct{}

func (assessing) Validate(d monitor.Definition) (p monitor.Problems) {
	for _, a := range d.Assertions {
		if a != "yes" && a != "no" && a != "lost" {
			p.Add("assertions[0]", "is not understood")
		}
	}
	return p
}

func (assessing) Assess(d monitor.Definition, _ monitor.Result) (bool, string, bool) {
	return d.Assertions[0] == "yes", "no · actual 1", d.Assertions[0] != "lost"
}

func TestAssertionsAreJudgedAgainOverWhatWasKept(t *testing.T) {
	w := withWeb(t, func(d *monitor.Definition) { d.Assertions, d.Retries = []string{"yes"}, 1 })
	answered := func(r *monitor.Result) {
		r.Observed, r.Assertions = map[string]any{"status": 503}, []monitor.AssertionResult{{Expression: "yes"}}
	}
	w.run("home", "u")
	for range 2 {
		w.pass(30 * time.Second)
		w.found("home", monitor.DefaultLocation, monitor.OutcomeFailure, answered)
	}
	w.run("home", "du") // the first without an answer

	r := w.answer(w.whole(Change{Assertions: []string{"no"}}), assessing{})
	require.Equal(t, 2, r.Regraded, "the successes")
	require.Equal(t, 2, r.Unretried)
	require.Zero(t, r.NotReplayable)
	require.Equal(t, []string{Moved}, kinds(r))
	require.Equal(t, "no · actual 1", r.Incidents[0].Would.Cause)

	loose := withWeb(t, func(d *monitor.Definition) { d.Assertions = []string{"no"} })
	loose.run("home", "u")
	loose.pass(30 * time.Second)
	loose.found("home", monitor.DefaultLocation, monitor.OutcomeFailure, answered)
	loose.run("home", "du")
	r = loose.answer(loose.whole(Change{Assertions: []string{"yes"}}), assessing{})
	require.Equal(t, 1, r.Regraded, "without an answer there is nothing to judge")
	require.Equal(t, []string{Moved}, kinds(r))

	r = w.answer(w.whole(Change{Assertions: []string{"lost"}}), assessing{})
	require.Equal(t, 4, r.NotReplayable)
	require.Equal(t, []string{Kept}, kinds(r), "the recorded outcomes stand")
	require.Contains(t, r.Notes[0], "so that the recorded outcome stands: 4 results")

	_, _, err := w.ask(w.whole(Change{Assertions: []string{"what?"}}), assessing{})
	var problems monitor.Problems
	require.ErrorAs(t, err, &problems)
	require.Equal(t, "set.assertions[0]", problems[0].Field)
}

func TestSilenceIsNeitherUpNorDown(t *testing.T) {
	w := withWeb(t)
	w.run("home", "uud----------uu")
	r := w.answer(w.whole(Change{FailureThreshold: ptr(2)}), nil)
	require.True(t, r.Faithful)
	require.Equal(t, []string{Lost}, kinds(r))
	require.Equal(t, r.Happened.UnknownMS, r.Would.UnknownMS)
	require.Greater(t, r.Happened.UnknownMS, int64(200_000))
	require.Less(t, r.Coverage.Share, 0.5)
	require.Contains(t, r.Notes[0], "expected executions found something")
}

func TestAnIncidentThatWasOpenAtTheBeginningIsCarriedOver(t *testing.T) {
	w := withWeb(t)
	w.run("home", "uudd")
	from := w.now.Add(time.Second)
	w.run("home", "dduu")
	r := w.answer(Question{Check: "home", From: from, To: w.now, Change: Change{SuccessThreshold: ptr(2)}}, nil)
	require.Equal(t, []string{Moved}, kinds(r))
	require.True(t, r.Incidents[0].Happened.Carried && r.Incidents[0].Would.Carried)
	require.Nil(t, r.Incidents[0].Happened.DetectionMS)
	require.Zero(t, r.Happened.Incidents)
	require.Equal(t, 1, r.Happened.Alerts, "its resolution")
	require.Equal(t, 30*time.Second, r.Incidents[0].Would.ResolvedAt.Sub(r.Incidents[0].Happened.ResolvedAt))
	require.Nil(t, r.OfService)
}

func TestOnlyWhatIsKeptIsReplayed(t *testing.T) {
	w := withWeb(t)
	w.run("home", "uuuuuddduuuuu")
	kept := epoch().Add(5 * time.Minute)
	q := w.whole(Change{FailureThreshold: ptr(2)})
	record, err := NewRecord(q, monitor.NewBoard(), kept)
	require.NoError(t, err)
	for _, m := range w.events {
		record.Event(m)
	}
	trial, err := NewTrial(record, nil)
	require.NoError(t, err)
	for _, m := range w.results {
		if !m.StoredAt.Before(kept) {
			trial.Result(m)
		}
	}
	r := trial.Report()
	r.ReachedBack(q.From)
	require.False(t, r.Complete)
	require.Equal(t, q.From, r.From)
	require.Equal(t, kept, r.ReplayedFrom)
	require.Contains(t, r.Notes[0], "results are kept from 2026-03-01T12:05:00Z on")
	require.Empty(t, r.Incidents, "the incident lies before")
	require.True(t, r.Checks[0].Unsettled)

	_, err = NewRecord(q, monitor.NewBoard(), w.now.Add(time.Hour))
	var problems monitor.Problems
	require.ErrorAs(t, err, &problems)
	require.Equal(t, "to", problems[0].Field)
}

func TestChecksThatComeGoAndMove(t *testing.T) {
	w := withWeb(t)
	w.send(monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "shop"}})
	w.run("home", "ud")
	moved := definition("home", func(d *monitor.Definition) { d.Service = "shop" })
	w.send(monitor.UpdateCheck{Definition: moved})
	w.run("home", "du")
	w.send(monitor.UpdateCheck{Definition: definition("home", func(d *monitor.Definition) { d.Paused = true })})
	w.run("home", "--")
	w.send(monitor.ResumeCheck{CheckID: "home"})
	w.run("home", "du")
	w.send(monitor.DeleteCheck{CheckID: "home"})
	w.pass(time.Hour)
	r := w.answer(w.whole(Change{FailureThreshold: ptr(2)}), nil)
	require.True(t, r.Faithful, "%+v", r.Checks)
	require.Equal(t, []string{Lost, Lost}, kinds(r))
	require.Equal(t, 2, r.Happened.Incidents)
	spans := r.Checks[0].Timeline.Happened
	require.True(t, spans[len(spans)-1].To.Before(w.now.Add(-time.Minute)), "it is gone")

	later := Question{Service: "web", From: w.now.Add(-time.Minute), To: w.now}
	_, _, err := w.ask(later, nil)
	var problems monitor.Problems
	require.ErrorAs(t, err, &problems, "no checks are left")
	_, _, err = w.ask(Question{Check: "home", From: later.From, To: later.To}, nil)
	require.ErrorIs(t, err, monitor.ErrNotFound)
	_, _, err = w.ask(Question{Service: "none", From: later.From, To: later.To}, nil)
	require.ErrorIs(t, err, monitor.ErrNotFound)
}

func TestWhatNoDeciderSawIsSaid(t *testing.T) {
	w := withWeb(t)
	w.run("home", "uu")
	board, tallies := w.board.Clone(), w.tallies.Clone()
	n := len(w.events)
	w.run("home", "du")
	w.events, w.board, w.tallies = w.events[:n], board, tallies // nobody decided those two
	w.run("home", "u")
	r := w.answer(w.whole(Change{}), nil)
	require.False(t, r.Faithful)
	require.Equal(t, []string{"home"}, r.Deviating)
	require.Contains(t, r.Notes[0], "as when no decider was at work, so compare with care: one check")
}

func TestQuestionsAreValidated(t *testing.T) {
	fields := func(p monitor.Problems) []string {
		all := []string{}
		for _, problem := range p {
			all = append(all, problem.Field)
		}
		return all
	}
	now := epoch()
	set := func(text string) map[string]json.RawMessage {
		var raw map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(text), &raw))
		return raw
	}
	c, problems := ParseChange(set(`{"failure_threshold":3,"degraded_after":"500ms","assertions":["status == 200"],"rollup":"best","invert":null}`))
	require.Empty(t, problems)
	require.Equal(t, 3, *c.FailureThreshold)
	require.Equal(t, 500*time.Millisecond, c.DegradedAfter.Std())
	require.Nil(t, c.Invert)
	require.False(t, c.Empty())
	require.True(t, Change{}.Empty())
	require.Empty(t, Question{Service: "web", From: now.Add(-time.Hour), To: now, Asked: now, Change: c}.Validate())

	_, problems = ParseChange(set(`{"interval":"1m","options":{},"locations":["x"],"paused":true,"name":"x","timeout":"1s","cron":"","colour":"red","quorum":"2","invert":3,"assertions":"x","rollup":4,"degraded_after":5}`))
	require.Equal(t, []string{
		"set.assertions", "set.colour", "set.cron", "set.degraded_after", "set.interval", "set.invert", "set.locations",
		"set.name", "set.options", "set.paused", "set.quorum", "set.rollup", "set.timeout",
	}, fields(problems))
	require.Contains(t, problems[4].Message, "cannot be replayed: what would have been found at other times is not recorded")

	bad := Change{FailureThreshold: ptr(0), Assertions: []string{}, Rollup: ptr(monitor.Rollup("mean"))}
	require.Equal(t, []string{"set.assertions", "set.failure_threshold", "set.rollup"}, fields(Question{Service: "web", From: now.Add(-time.Hour), To: now, Change: bad}.Validate()))
	require.Equal(t, []string{"service", "from"}, fields(Question{To: now}.Validate()))
	require.Equal(t, []string{"check", "from", "to"}, fields(Question{Service: "web", Check: "home", From: now.Add(time.Hour), To: now.Add(time.Minute), Asked: now}.Validate()))
	require.Equal(t, []string{"check", "from", "set.rollup"}, fields(Question{Check: "A", From: now.Add(-500 * 24 * time.Hour), To: now, Change: Change{Rollup: ptr(monitor.RollupBest)}}.Validate()))
}

func TestExpectedExecutionsFollowTheTimetable(t *testing.T) {
	d := definition("home")
	require.Equal(t, 120, dueBetween(d, epoch(), epoch().Add(time.Hour)))
	d.Interval, d.Cron, d.TimeZone, d.Locations = 0, "*/5 * * * *", "UTC", []string{"here", "there"}
	require.Equal(t, 24, dueBetween(d, epoch(), epoch().Add(time.Hour)))
	require.Zero(t, dueBetween(d, epoch(), epoch()))
}
