package monitor

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRegisterCheck(t *testing.T) {
	s := withWeb(t)
	decision, err := s.when("c1", epoch(), RegisterCheck{Definition: homeCheck()})
	require.NoError(t, err)
	require.Equal(t, []string{"vedette.check.registered.v1"}, kinds(decision.Events))
	require.EqualValues(t, 1, decision.Revision)
	require.Equal(t, StatusUnknown, s.status())

	again, err := s.when("c1", after(time.Second), RegisterCheck{Definition: homeCheck()})
	require.NoError(t, err)
	require.True(t, again.Duplicate, "the same command id takes effect once")
	require.EqualValues(t, 1, again.Revision)
	require.EqualValues(t, 2, again.Sequence)

	_, err = s.when("c2", epoch(), RegisterCheck{Definition: homeCheck()})
	require.ErrorIs(t, err, ErrExists)
}

func TestRegisterCheckReportsEveryProblem(t *testing.T) {
	_, err := newStory(t).when("c1", epoch(), RegisterCheck{Definition: Definition{
		ID: "Home Page", Service: "nowhere", Interval: Duration(time.Millisecond), Timeout: Duration(time.Hour),
		Retries: -1, FailureThreshold: -1, Quorum: 3, Locations: []string{"a", "a"}, Labels: map[string]string{"a b": "c"},
	}})
	var problems Problems
	require.ErrorAs(t, err, &problems)
	fields := map[string]bool{}
	for _, p := range problems {
		fields[p.Field] = true
		require.NotEmpty(t, p.Message)
	}
	for _, field := range []string{"id", "service", "kind", "target", "interval", "timeout", "retries", "failure_threshold", "quorum", "locations[1]", "labels"} {
		require.True(t, fields[field], "%s in %v", field, problems)
	}
}

func TestValidateBounds(t *testing.T) {
	for name, tc := range map[string]struct {
		edit  func(*Definition)
		field string
	}{
		"retries outlast the interval":  {func(d *Definition) { d.Retries, d.Timeout = 3, d.Interval }, "timeout"},
		"degraded after the timeout":    {func(d *Definition) { d.DegradedAfter = d.Timeout }, "degraded_after"},
		"cron beside interval":          {func(d *Definition) { d.Cron, d.TimeZone = "* * * * *", "UTC" }, "cron"},
		"cron that never comes":         {func(d *Definition) { d.Interval, d.Cron, d.TimeZone = 0, "0 0 31 2 *", "UTC" }, "cron"},
		"cron of four fields":           {func(d *Definition) { d.Interval, d.Cron, d.TimeZone = 0, "0 0 31 2", "UTC" }, "cron"},
		"zone of no place":              {func(d *Definition) { d.Interval, d.Cron, d.TimeZone = 0, "0 0 * * *", "Mars/Base" }, "time_zone"},
		"zone without cron":             {func(d *Definition) { d.TimeZone = "UTC" }, "time_zone"},
		"interval over a day":           {func(d *Definition) { d.Interval = Duration(25 * time.Hour) }, "interval"},
		"name too long":                 {func(d *Definition) { d.Name = string(make([]byte, 300)) }, "name"},
		"control characters in a name":  {func(d *Definition) { d.Name = "a\x00b" }, "name"},
		"empty assertion":               {func(d *Definition) { d.Assertions = []string{""} }, "assertions[0]"},
		"location of foreign letters":   {func(d *Definition) { d.Locations = []string{"Wien!"} }, "locations[0]"},
		"options larger than a message": {func(d *Definition) { d.Options = make(json.RawMessage, MaxOptions+1) }, "options"},
	} {
		t.Run(name, func(t *testing.T) {
			d := homeCheck()
			require.Empty(t, d.Validate())
			tc.edit(&d)
			problems := d.Validate()
			require.Len(t, problems, 1, "%v", problems)
			require.Equal(t, tc.field, problems[0].Field)
		})
	}
}

func TestDefaultTimeoutLeavesRoomForRetries(t *testing.T) {
	d := Definition{ID: "x", Service: "web", Kind: "http", Target: "t", Interval: Duration(4 * time.Second), Retries: 1}.WithDefaults()
	require.Equal(t, 2*time.Second, d.Timeout.Std())
	require.Empty(t, d.Validate())
}

func TestUpdateCheck(t *testing.T) {
	s := withHome(t)
	d := homeCheck()
	d.Target = "https://example.org/health"
	_, err := s.when("c1", after(time.Minute), UpdateCheck{Definition: d, ExpectedRevision: 7})
	require.ErrorIs(t, err, ErrRevision)
	decision, err := s.when("c2", after(time.Minute), UpdateCheck{Definition: d, ExpectedRevision: 1})
	require.NoError(t, err)
	require.EqualValues(t, 2, decision.Revision)
	same, err := s.when("c3", after(time.Minute), UpdateCheck{Definition: d})
	require.NoError(t, err)
	require.Empty(t, same.Events, "an update without a difference is no event")
	require.EqualValues(t, 2, same.Revision)
	d.ID = "gone"
	_, err = s.when("c4", after(time.Minute), UpdateCheck{Definition: d})
	require.ErrorIs(t, err, ErrNotFound)
}

func TestUpdateMayPauseAndResume(t *testing.T) {
	s := withHome(t)
	d := homeCheck()
	d.Name, d.Paused = "Home page", true
	decision, err := s.when("c1", after(time.Minute), UpdateCheck{Definition: d})
	require.NoError(t, err)
	require.Equal(t, []string{
		"vedette.check.updated.v1", "vedette.check.paused.v1", "vedette.check.status_changed.v1", "vedette.service.status_changed.v1",
	}, kinds(decision.Events))
	require.EqualValues(t, 3, decision.Revision)
	require.Equal(t, []uint64{2, 3, 3, 1}, withHome(t).board.Revisions(decision.Events))
	require.Equal(t, StatusPaused, s.status())
	check, _ := s.board.Check("home")
	require.True(t, check.Paused)
	require.EqualValues(t, 3, check.Revision)
	d.Paused = false
	decision, err = s.when("c2", after(2*time.Minute), UpdateCheck{Definition: d})
	require.NoError(t, err)
	require.Contains(t, kinds(decision.Events), "vedette.check.resumed.v1")
	require.Equal(t, StatusUnknown, s.status())
}

func TestPauseEndsTheIncidentAndTheServiceFollows(t *testing.T) {
	s := withHome(t)
	s.result(after(1*time.Minute), OutcomeFailure, "default")
	s.result(after(2*time.Minute), OutcomeFailure, "default")
	require.Equal(t, StatusDown, s.serviceStatus())
	decision, err := s.when("c1", after(3*time.Minute), PauseCheck{CheckID: "home"})
	require.NoError(t, err)
	require.Equal(t, []string{
		"vedette.check.paused.v1", "vedette.check.status_changed.v1", "vedette.incident.resolved.v1", "vedette.service.status_changed.v1",
	}, kinds(decision.Events))
	require.Equal(t, "paused", decision.Events[2].(IncidentResolved).Resolution)
	require.EqualValues(t, 60_000, decision.Events[2].(IncidentResolved).DurationMS)
	require.Equal(t, StatusPaused, s.serviceStatus())
	again, err := s.when("c2", after(3*time.Minute), PauseCheck{CheckID: "home"})
	require.NoError(t, err)
	require.Empty(t, again.Events)
	require.Nil(t, s.result(after(4*time.Minute), OutcomeFailure, "default"), "a paused check is not judged")
}

func TestAResumedCheckIsNotJudgedByOlderResults(t *testing.T) {
	s := withHome(t, func(d *Definition) { d.FailureThreshold = 1 })
	_, err := s.when("c1", after(time.Minute), PauseCheck{CheckID: "home"})
	require.NoError(t, err)
	s.result(after(90*time.Second), OutcomeFailure, "default")
	_, err = s.when("c2", after(2*time.Minute), ResumeCheck{CheckID: "home"})
	require.NoError(t, err)
	require.Nil(t, s.judge(after(2*time.Minute)))
	require.NotNil(t, s.result(after(3*time.Minute), OutcomeFailure, "default"))
	require.Equal(t, StatusDown, s.status())
}

func TestDeleteAndRegisterAgain(t *testing.T) {
	s := withHome(t)
	_, err := s.when("c0", after(time.Minute), DeleteService{ServiceID: "web"})
	require.ErrorIs(t, err, ErrInUse)
	decision, err := s.when("c1", after(time.Minute), DeleteCheck{CheckID: "home", ExpectedRevision: 1})
	require.NoError(t, err)
	require.EqualValues(t, 2, decision.Revision)
	_, ok := s.board.Check("home")
	require.False(t, ok)
	require.NotZero(t, s.board.LastSequence("check", "home"), "what is deleted is still expected at its last event")
	_, err = s.when("c2", after(time.Minute), DeleteCheck{CheckID: "home"})
	require.ErrorIs(t, err, ErrNotFound)
	decision, err = s.when("c3", after(2*time.Minute), RegisterCheck{Definition: homeCheck()})
	require.NoError(t, err)
	require.EqualValues(t, 3, decision.Revision, "the revision goes on, so that no execution id comes twice")
	_, err = s.when("c4", after(2*time.Minute), DeleteCheck{CheckID: "home"})
	require.NoError(t, err)
	_, err = s.when("c5", after(2*time.Minute), DeleteService{ServiceID: "web"})
	require.NoError(t, err)
}

func TestUpdateServicePolicyRollsUpAgain(t *testing.T) {
	s := withHome(t, func(d *Definition) { d.FailureThreshold = 1 })
	other := homeCheck()
	other.ID = "other"
	s.given(CheckRegistered{Definition: other})
	s.given(CheckStatusChanged{CheckID: "other", Service: "web", From: StatusUnknown, To: StatusUp, At: after(time.Minute), ResultID: "r"})
	s.result(after(time.Minute), OutcomeFailure, "default")
	require.Equal(t, StatusDown, s.serviceStatus())
	decision, err := s.when("c1", after(2*time.Minute), UpdateService{Definition: ServiceDefinition{ID: "web", Rollup: RollupBest}})
	require.NoError(t, err)
	require.Equal(t, []string{"vedette.service.updated.v1", "vedette.service.status_changed.v1"}, kinds(decision.Events))
	require.Equal(t, StatusUp, s.serviceStatus())
}

func TestMovingACheckRollsUpBothServices(t *testing.T) {
	s := withHome(t, func(d *Definition) { d.FailureThreshold = 1 })
	s.given(ServiceRegistered{Definition: ServiceDefinition{ID: "shop"}.WithDefaults()})
	s.result(after(time.Minute), OutcomeFailure, "default")
	d := homeCheck()
	d.Service = "shop"
	_, err := s.when("c1", after(2*time.Minute), UpdateCheck{Definition: d})
	require.NoError(t, err)
	shop, _ := s.board.Service("shop")
	require.Equal(t, StatusDown, shop.Status)
	require.Equal(t, StatusUnknown, s.serviceStatus())
	require.Len(t, s.board.ChecksOf("shop"), 1)
	require.Empty(t, s.board.ChecksOf("web"))
}
