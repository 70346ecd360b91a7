package monitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDownAfterTheThresholdAndBack(t *testing.T) {
	s := withHome(t, func(d *Definition) { d.SuccessThreshold = 2 })
	require.Equal(t, []string{"vedette.check.status_changed.v1", "vedette.service.status_changed.v1"},
		kinds(s.result(after(30*time.Second), OutcomeSuccess, "default")))
	require.Nil(t, s.result(after(60*time.Second), OutcomeFailure, "default"), "one failure of two")
	require.Equal(t, StatusUp, s.status())

	events := s.result(after(90*time.Second), OutcomeFailure, "default")
	require.Equal(t, []string{"vedette.check.status_changed.v1", "vedette.incident.opened.v1", "vedette.service.status_changed.v1"}, kinds(events))
	require.Equal(t, "status == 200 · actual 503", events[1].(IncidentOpened).Cause)
	require.Equal(t, "home-1", events[1].(IncidentOpened).IncidentID)
	require.Equal(t, "home", events[2].(ServiceStatusChanged).CheckID)
	require.Equal(t, "status == 200 · actual 503", events[2].(ServiceStatusChanged).Reason)
	require.Len(t, s.board.OpenIncidents(), 1)

	require.Nil(t, s.result(after(120*time.Second), OutcomeSuccess, "default"), "one success of two")
	events = s.result(after(150*time.Second), OutcomeSuccess, "default")
	require.Equal(t, []string{"vedette.check.status_changed.v1", "vedette.incident.resolved.v1", "vedette.service.status_changed.v1"}, kinds(events))
	require.EqualValues(t, 60_000, events[1].(IncidentResolved).DurationMS)
	require.Empty(t, s.board.OpenIncidents())

	s.result(after(180*time.Second), OutcomeFailure, "default")
	events = s.result(after(210*time.Second), OutcomeFailure, "default")
	require.Equal(t, "home-2", events[1].(IncidentOpened).IncidentID)
}

func TestALateOrRepeatedResultDecidesNothing(t *testing.T) {
	s := withHome(t, func(d *Definition) { d.FailureThreshold = 1 })
	s.result(after(60*time.Second), OutcomeSuccess, "default")
	require.Nil(t, s.result(after(30*time.Second), OutcomeFailure, "default"))
	require.Nil(t, s.result(after(60*time.Second), OutcomeFailure, "default"))
	require.Equal(t, StatusUp, s.status())
}

func TestAnErrorIsNeverDownButGoesStale(t *testing.T) {
	s := withHome(t, func(d *Definition) { d.FailureThreshold = 1 })
	s.result(after(30*time.Second), OutcomeSuccess, "default")
	for at := 60 * time.Second; at < 5*time.Minute; at += 30 * time.Second {
		s.result(after(at), OutcomeError, "default")
	}
	require.Equal(t, StatusUnknown, s.status(), "no conclusive result for 2 intervals and a timeout")
	check, _ := s.board.Check("home")
	require.Equal(t, after(30*time.Second+70*time.Second), check.StatusSince)
	require.Empty(t, s.board.OpenIncidents())
}

func TestSilenceMakesUnknown(t *testing.T) {
	s := withHome(t)
	s.result(after(30*time.Second), OutcomeSuccess, "default")
	require.Nil(t, s.judge(after(30*time.Second+70*time.Second)))
	events := s.judge(after(30*time.Second + 71*time.Second))
	require.Equal(t, []string{"vedette.check.status_changed.v1", "vedette.service.status_changed.v1"}, kinds(events))
	require.Contains(t, events[0].(CheckStatusChanged).Reason, "no result since")
	require.Empty(t, events[0].(CheckStatusChanged).ResultID)
	require.Nil(t, s.judge(after(time.Hour)), "once")
}

func TestSilenceVoidsWhatWasCounted(t *testing.T) {
	s := withHome(t)
	s.result(after(30*time.Second), OutcomeFailure, "default")
	s.judge(after(10 * time.Minute))
	require.Nil(t, s.result(after(20*time.Minute), OutcomeFailure, "default"), "the failure before the silence is void")
	s.result(after(20*time.Minute+30*time.Second), OutcomeFailure, "default")
	require.Equal(t, StatusDown, s.status())
}

func TestANewCheckIsLeftOutUntilPatienceEnds(t *testing.T) {
	s := withHome(t)
	s.result(after(30*time.Second), OutcomeSuccess, "default")
	second := homeCheck()
	second.ID = "second"
	decision, err := s.when("c1", after(time.Minute), RegisterCheck{Definition: second})
	require.NoError(t, err)
	require.Len(t, decision.Events, 1, "a new check does not make its service unknown")
	judge := func(at time.Duration) []Event {
		return s.board.Judge("second", s.tallies.Verdict(second, after(at)))
	}
	require.Nil(t, judge(2*time.Minute))
	events := judge(time.Minute + 71*time.Second)
	require.Equal(t, []string{"vedette.check.status_changed.v1", "vedette.service.status_changed.v1"}, kinds(events))
	require.Contains(t, events[0].(CheckStatusChanged).Reason, "is a runner at work")
	s.record("", after(3*time.Minute), events)
	require.Nil(t, judge(time.Hour), "once")
}

func TestQuorumOverLocations(t *testing.T) {
	s := withHome(t, func(d *Definition) {
		d.Locations, d.Quorum, d.FailureThreshold = []string{"eu", "us", "ap"}, 2, 1
	})
	for _, location := range []string{"eu", "us", "ap"} {
		s.result(after(30*time.Second), OutcomeSuccess, location)
	}
	require.Equal(t, StatusUp, s.status())
	s.result(after(60*time.Second), OutcomeFailure, "eu")
	require.Equal(t, StatusDegraded, s.status(), "one location of three")
	s.result(after(60*time.Second), OutcomeFailure, "us")
	require.Equal(t, StatusDown, s.status())
	s.result(after(90*time.Second), OutcomeSuccess, "eu")
	require.Equal(t, StatusDegraded, s.status())
	s.result(after(90*time.Second), OutcomeFailure, "elsewhere")
	require.Equal(t, StatusDegraded, s.status(), "a location that the check does not name has no say")
}

func TestGrade(t *testing.T) {
	slow := Definition{DegradedAfter: Duration(500 * time.Millisecond)}
	require.Equal(t, OutcomeSuccess, slow.Grade(true, 500*time.Millisecond))
	require.Equal(t, OutcomeDegraded, slow.Grade(true, 501*time.Millisecond))
	require.Equal(t, OutcomeFailure, slow.Grade(false, time.Millisecond))
	inverted := Definition{Invert: true}
	require.Equal(t, OutcomeFailure, inverted.Grade(true, 0))
	require.Equal(t, OutcomeSuccess, inverted.Grade(false, 0))
}

func TestRollUp(t *testing.T) {
	const u, g, d, x, p, m = StatusUp, StatusDegraded, StatusDown, StatusUnknown, StatusPaused, StatusMaintenance
	for _, tc := range []struct {
		policy Rollup
		checks []Status
		want   Status
	}{
		{RollupWorst, nil, x},
		{RollupWorst, []Status{u, u}, u},
		{RollupWorst, []Status{u, d, g}, d},
		{RollupWorst, []Status{u, g, x}, g},
		{RollupWorst, []Status{u, x}, x},
		{RollupWorst, []Status{u, p, m}, u},
		{RollupWorst, []Status{p, p}, p},
		{RollupWorst, []Status{p, m}, m},
		{RollupBest, []Status{u, d}, u},
		{RollupBest, []Status{d, g}, g},
		{RollupBest, []Status{d, d, p}, d},
		{RollupMajority, []Status{u, u, d}, g},
		{RollupMajority, []Status{u, d, d}, d},
		{RollupMajority, []Status{u, d}, g},
		{RollupMajority, []Status{x, x, u}, x},
		{RollupMajority, []Status{u, u}, u},
	} {
		checks := make([]Check, len(tc.checks))
		for i, s := range tc.checks {
			checks[i].Status = s
		}
		require.Equal(t, tc.want, RollUp(tc.policy, checks), "%s of %v", tc.policy, tc.checks)
	}
	require.Equal(t, u, RollUp(RollupWorst, []Check{{Status: u}, {Status: x, Pending: true}}))
}
