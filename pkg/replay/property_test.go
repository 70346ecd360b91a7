package replay

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/monitor"
)

// step does something random, at whole seconds.
func (w *world) step(r *rapid.T) {
	w.pass(time.Duration(rapid.SampledFrom([]int{1, 3, 7, 20, 31, 65, 150}).Draw(r, "seconds")) * time.Second)
	id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "check")
	service := rapid.SampledFrom([]string{"web", "web", "web", "shop"}).Draw(r, "service")
	locations := map[string][]string{"a": {"here"}, "b": {"here", "there"}, "c": {"here", "there", "moon"}}[id]
	if w.all {
		locations = rapid.SampledFrom([][]string{{"here"}, {"here"}, {"here", "there"}, {"here", "there", "moon"}}).Draw(r, "locations")
	}
	draw := func() monitor.Definition {
		return definition(id, func(d *monitor.Definition) {
			d.Service, d.Locations = service, locations
			d.FailureThreshold, d.SuccessThreshold = rapid.IntRange(1, 3).Draw(r, "failures"), rapid.IntRange(1, 2).Draw(r, "successes")
			d.Quorum = rapid.IntRange(1, len(locations)).Draw(r, "quorum")
			d.Interval = rapid.SampledFrom([]monitor.Duration{monitor.Duration(20 * time.Second), monitor.DefaultInterval}).Draw(r, "interval")
			d.Paused = rapid.IntRange(0, 5).Draw(r, "paused") == 0
		})
	}
	switch rapid.IntRange(0, 24).Draw(r, "action") {
	case 0:
		w.try(monitor.UpdateService{Definition: monitor.ServiceDefinition{ID: service, Rollup: rapid.SampledFrom(monitor.Rollups()).Draw(r, "policy")}})
	case 1:
		w.try(monitor.RegisterCheck{Definition: draw()})
	case 2:
		w.try(monitor.UpdateCheck{Definition: draw()})
	case 3:
		w.try(rapid.SampledFrom([]monitor.Command{monitor.PauseCheck{CheckID: id}, monitor.ResumeCheck{CheckID: id}, monitor.DeleteCheck{CheckID: id}}).Draw(r, "command"))
	default:
		outcome := rapid.SampledFrom([]monitor.Outcome{
			monitor.OutcomeSuccess, monitor.OutcomeSuccess, monitor.OutcomeSuccess, monitor.OutcomeDegraded,
			monitor.OutcomeFailure, monitor.OutcomeFailure, monitor.OutcomeFailure, monitor.OutcomeError,
		}).Draw(r, "outcome")
		late := time.Duration(0)
		if w.all && rapid.IntRange(0, 9).Draw(r, "late") == 0 {
			late = 40 * time.Second
		}
		w.found(id, rapid.SampledFrom([]string{"here", "here", "there", "moon"}).Draw(r, "location"), outcome, func(result *monitor.Result) {
			result.DueAt, result.StartedAt = result.DueAt.Add(-late), result.StartedAt.Add(-late)
		})
	}
}

// randomWorld is one whose checks change their locations, and whose results may come late, when it
// gives all results. A replay that begins with the results shortly before its range knows neither
// what a location that a check had long ago found then, nor for what time it last did.
func randomWorld(r *rapid.T, all bool) *world {
	w := newWorld(r)
	w.all = all
	w.send(monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "web"}})
	w.send(monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "shop"}})
	w.send(monitor.RegisterCheck{Definition: definition("a", func(d *monitor.Definition) { d.Locations = []string{"here"} })})
	w.send(monitor.RegisterCheck{Definition: definition("b", func(d *monitor.Definition) { d.Locations = []string{"here", "there"} })})
	for range rapid.IntRange(1, 80).Draw(r, "steps") {
		w.step(r)
	}
	w.pass(time.Minute)
	return w
}

// randomQuestion asks about a random part of a world's time, which begins and ends between seconds.
func randomQuestion(r *rapid.T, w *world) Question {
	length := int(w.now.Sub(epoch()) / time.Second)
	from := rapid.IntRange(0, length-2).Draw(r, "from")
	to := rapid.IntRange(from+1, length-1).Draw(r, "to")
	q := Question{Asked: w.now, From: epoch().Add(time.Duration(from)*time.Second + 600*time.Millisecond), To: epoch().Add(time.Duration(to)*time.Second + 600*time.Millisecond)}
	if rapid.Bool().Draw(r, "of a check") {
		q.Check = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "asked")
		return q
	}
	q.Service = "web"
	return q
}

func TestWithAnUnchangedPolicyTheAnswerIsWhatHappened(t *testing.T) {
	settled := 0
	rapid.Check(t, func(r *rapid.T) {
		w := randomWorld(r, rapid.Bool().Draw(r, "all"))
		q := randomQuestion(r, w)
		report, trial, err := w.ask(q, nil)
		if err != nil {
			r.Skip(err.Error())
		}
		for _, c := range report.Checks {
			if c.Unsettled {
				r.Skip("the results before the range do not tell")
			}
		}
		settled++
		require.Equal(r, decisionsOf(q, trial.happened()), decisionsOf(q, trial.hold(func(c *Case) *witness { return c.would }, q.Change)))
		require.True(r, report.Faithful, "%+v", report.Checks)
		requireAlike(r, report.Happened, report.Would, float64(len(report.Checks)*500))
		for _, d := range report.Incidents {
			require.Equal(r, Kept, d.Kind)
		}
		if report.OfService != nil {
			require.Len(r, report.OfService.Timeline.Would, len(report.OfService.Timeline.Happened))
		}
	})
	require.Greater(t, settled, 20)
}

// requireAlike compares sums, leaving to the durations what may lie between an instant and the
// decider's next look, in milliseconds.
func requireAlike(t require.TestingT, happened, would Sums, slack float64) {
	require.InDelta(t, happened.DownMS, would.DownMS, slack)
	require.InDelta(t, happened.DegradedMS, would.DegradedMS, slack)
	require.InDelta(t, happened.UnknownMS, would.UnknownMS, slack)
	would.DownMS, would.DegradedMS, would.UnknownMS = happened.DownMS, happened.DegradedMS, happened.UnknownMS
	require.Equal(t, happened, would)
}

// decisionsOf returns the decisions about what a question is about, without the times of those that
// the decider makes when it looks.
func decisionsOf(q Question, all []happening) []monitor.Event {
	found := []monitor.Event{}
	for _, h := range all {
		switch e := h.event.(type) {
		case monitor.CheckStatusChanged:
			if (e.Service != q.Service && e.CheckID != q.Check) || !e.At.Before(q.To) || e.From == e.To {
				continue
			}
			if e.ResultID == "" && e.To == monitor.StatusUnknown {
				// What was seen last may lie before the results from which a replay begins.
				e.At, e.Reason, e.Position = e.At.Truncate(time.Second), "", monitor.Position{}
			}
			found = append(found, e)
		case monitor.ServiceStatusChanged:
			if e.ServiceID == q.Service && e.At.Before(q.To) {
				e.At = e.At.Truncate(time.Second)
				found = append(found, e)
			}
		case monitor.IncidentOpened:
			if (e.Service == q.Service || e.CheckID == q.Check) && e.OpenedAt.Before(q.To) {
				found = append(found, e)
			}
		case monitor.IncidentResolved:
			if (e.Service == q.Service || e.CheckID == q.Check) && e.ResolvedAt.Before(q.To) {
				found = append(found, e)
			}
		default:
		}
	}
	return found
}

func TestAChangedPolicyGivesAPossibleStory(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := randomWorld(r, false)
		q := randomQuestion(r, w)
		q.Change.FailureThreshold = ptr(rapid.IntRange(1, 4).Draw(r, "threshold"))
		q.Change.SuccessThreshold = ptr(rapid.IntRange(1, 3).Draw(r, "successes"))
		if q.Service != "" {
			q.Change.Rollup = ptr(rapid.SampledFrom(monitor.Rollups()).Draw(r, "rollup"))
		}
		report, _, err := w.ask(q, nil)
		if err != nil {
			r.Skip(err.Error())
		}
		require.Empty(r, q.Validate())
		happened, would := 0, 0
		for _, d := range report.Incidents {
			require.Equal(r, d.Kind == Gained, d.Happened == nil)
			require.Equal(r, d.Kind == Lost, d.Would == nil)
			if d.Happened != nil && !d.Happened.Carried {
				happened++
			}
			if d.Would != nil && !d.Would.Carried {
				would++
			}
		}
		require.Equal(r, report.Happened.Incidents, happened)
		require.Equal(r, report.Would.Incidents, would)
		for _, c := range report.Checks {
			for _, spans := range [][]Span{c.Timeline.Happened, c.Timeline.Would} {
				for i, span := range spans {
					require.False(r, span.To.Before(span.From))
					require.False(r, i > 0 && span.From.Before(spans[i-1].To))
				}
			}
		}
	})
}
