package explain_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/explain"
	"github.com/vedette/vedette/pkg/monitor"
)

// story is a log as gate and decider write it.
type story struct {
	t     *testing.T
	bus   *bus.Memory
	board *monitor.Board
	tally *monitor.Tallies
	now   time.Time
}

func newStory(t *testing.T) *story {
	s := &story{t: t, bus: bus.NewMemory(), board: monitor.NewBoard(), tally: monitor.NewTallies(), now: time.Now().UTC().Add(-time.Hour)}
	s.command("alice", monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "web"}})
	s.command("alice", monitor.RegisterCheck{Definition: monitor.Definition{ID: "home", Service: "web", Kind: "http", Target: "http://127.0.0.1/", FailureThreshold: 2}})
	return s
}

func (s *story) write(events []monitor.Event, meta monitor.Meta) (written []monitor.EventMessage) {
	s.t.Helper()
	if len(events) == 0 {
		return nil
	}
	batch := bus.Batch{Expect: make(map[bus.Aggregate]uint64)}
	for i, revision := range s.board.Revisions(events) {
		of := bus.AggregateOf(events[i])
		batch.Expect[of] = s.board.LastSequence(of.Kind, of.ID)
		meta.ID, meta.Source, meta.Time, meta.Revision = cloudevents.NewID(), "/vedette/decider", s.now, revision
		batch.Events = append(batch.Events, monitor.EventMessage{Meta: meta, Event: events[i]})
	}
	written, err := s.bus.Append(s.t.Context(), batch)
	require.NoError(s.t, err)
	for _, m := range written {
		s.board.Evolve(m)
	}
	return written
}

func (s *story) command(actor string, c monitor.Command) []monitor.EventMessage {
	s.t.Helper()
	s.now = s.now.Add(time.Second)
	id := cloudevents.NewID()
	m := monitor.CommandMessage{Meta: monitor.Meta{ID: id, Actor: actor, Time: s.now}, Command: c}
	decision, err := s.board.Decide(m, s.now)
	require.NoError(s.t, err)
	return s.write(decision.Events, monitor.Meta{CommandID: id, CausationID: id, CorrelationID: id, Actor: actor})
}

// result stores what an execution found, and decides what follows.
func (s *story) result(outcome monitor.Outcome) (found monitor.EventMessage, decided []monitor.EventMessage) {
	s.t.Helper()
	s.now = s.now.Add(30 * time.Second)
	check, ok := s.board.Check("home")
	require.True(s.t, ok)
	execution := monitor.Execution{Check: check.Definition, Revision: check.Revision, Location: "default", DueAt: s.now}
	r := monitor.Result{
		ID: execution.ID(), CheckID: "home", Service: "web", Revision: check.Revision, Location: "default", DueAt: s.now, StartedAt: s.now,
		NextDueAt: s.now.Add(30 * time.Second), DurationMS: 41.7, Outcome: outcome, Attempts: 1,
	}
	if outcome == monitor.OutcomeFailure {
		r.Error = "status == 200 · actual 503"
		r.Assertions = []monitor.AssertionResult{{Expression: "latency_ms < 900.0", Passed: true}, {Expression: "status == 200", Actual: "503"}}
	}
	stored, err := s.bus.AppendResults(s.t.Context(), "default", []monitor.EventMessage{
		{Meta: monitor.Meta{ID: cloudevents.NewID(), Source: "/vedette/gate", Time: s.now}, Event: monitor.Executed(r)},
	})
	require.NoError(s.t, err)
	hearing, counted := s.tally.Hear(check.Definition, stored[0])
	require.True(s.t, counted)
	return stored[0], s.write(s.board.Judge("home", hearing.Verdict), monitor.Meta{CausationID: stored[0].ID, CorrelationID: stored[0].ID})
}

func (s *story) explain(of string) explain.Explanation {
	s.t.Helper()
	e, err := explain.Explain(s.t.Context(), s.bus, of)
	require.NoError(s.t, err, of)
	return e
}

func roles(e explain.Explanation) (all []explain.Role) {
	for _, l := range e.Chain {
		all = append(all, l.Role)
	}
	return all
}

// outage is a check that came up, was changed, and went down at its second failure.
func (s *story) outage() (first, deciding monitor.EventMessage, decided []monitor.EventMessage) {
	s.t.Helper()
	s.result(monitor.OutcomeSuccess)
	check, _ := s.board.Check("home")
	d := check.Definition
	d.Assertions = []string{"latency_ms < 900.0", "status == 200"}
	s.command("bob", monitor.UpdateCheck{Definition: d})
	first, none := s.result(monitor.OutcomeFailure)
	require.Empty(s.t, none)
	deciding, decided = s.result(monitor.OutcomeFailure)
	require.Len(s.t, decided, 3)
	return first, deciding, decided
}

func TestAnOutageIsExplainedFromEveryEnd(t *testing.T) {
	s := newStory(t)
	first, deciding, decided := s.outage()
	result, _ := monitor.ResultOf(deciding.Event)
	want := []explain.Role{explain.RoleResult, explain.RoleCheckStatus, explain.RoleIncident, explain.RoleServiceStatus}
	for _, of := range []string{
		decided[0].ID, decided[1].ID, decided[2].ID, fmt.Sprint(decided[1].Sequence), "home-1", "incident:home-1", "home", "check:home", deciding.ID, result.ID,
	} {
		e := s.explain(of)
		require.Equal(t, want, roles(e), of)
		require.Equal(t, deciding.ID, e.Chain[0].ID)
		for _, link := range e.Chain[:3] {
			require.NotNil(t, link.Definition, link.Role)
			require.Equal(t, "check/home", link.Definition.Aggregate)
			require.EqualValues(t, 2, link.Definition.Revision, "that of the time, by bob")
			require.Equal(t, "bob", link.Definition.Actor)
			require.Len(t, link.Definition.Check.Assertions, 2)
		}
		require.Equal(t, "service/web", e.Chain[3].Definition.Aggregate)
		require.NotNil(t, e.Chain[3].Definition.Service)
	}
	e := s.explain("home-1")
	require.Equal(t, decided[1].ID, e.Event.ID)
	require.Equal(t, []monitor.AssertionResult{{Expression: "status == 200", Actual: "503"}}, e.Chain[0].Failed)
	require.Equal(t, "Check home was executed from default: failure in 41.7ms: assertion status == 200 did not hold, actual 503.", e.Chain[0].Summary)
	require.Contains(t, e.Chain[1].Summary, "Check home went from up to down: ")
	require.Contains(t, e.Chain[2].Summary, "Incident home-1 opened: ")
	require.Contains(t, e.Chain[3].Summary, "Service web went from up to down with check home")
	require.Equal(t, []string{"No notification is recorded: the notifier has told its log, and no channel."}, e.Missing)

	alone := s.explain(first.ID)
	require.Equal(t, []explain.Role{explain.RoleResult}, roles(alone))
	require.Contains(t, alone.Chain[0].Summary, "It changed no status.")
}

func TestTheDefinitionIsThatOfTheTime(t *testing.T) {
	s := newStory(t)
	_, deciding, decided := s.outage()
	check, _ := s.board.Check("home")
	d := check.Definition
	d.FailureThreshold = 9
	s.command("carol", monitor.UpdateCheck{Definition: d})
	_, recovery := s.result(monitor.OutcomeSuccess)
	require.Len(t, recovery, 3)
	require.EqualValues(t, 2, s.explain(deciding.ID).Chain[0].Definition.Revision)
	opened := s.explain("home-1")
	require.Equal(t, decided[1].ID, opened.Event.ID)
	require.Equal(t, recovery[1].ID, opened.Chain[len(opened.Chain)-1].ID, "with how it ended")
	require.Contains(t, opened.Chain[len(opened.Chain)-1].Summary, "Incident home-1 was over after 31s: recovered.")
	ended := s.explain(recovery[1].ID)
	require.Equal(t, []explain.Role{explain.RoleResult, explain.RoleIncident, explain.RoleCheckStatus, explain.RoleIncident, explain.RoleServiceStatus}, roles(ended))
	require.EqualValues(t, 3, ended.Chain[2].Definition.Revision)
	require.EqualValues(t, 2, ended.Chain[1].Definition.Revision)
}

func TestWhatACommandLedTo(t *testing.T) {
	s := newStory(t)
	s.outage()
	paused := s.command("dave", monitor.PauseCheck{CheckID: "home"})
	require.Len(t, paused, 4)
	for _, of := range []string{paused[0].CommandID, paused[1].ID, "home"} {
		e := s.explain(of)
		require.Equal(t, explain.RoleCommand, e.Chain[0].Role)
		require.Contains(t, e.Chain[0].Summary, "dave asked for it, by command "+paused[0].CommandID)
		require.Equal(t, []explain.Role{explain.RoleCommand, explain.RoleIncident, explain.RoleDefinition, explain.RoleCheckStatus, explain.RoleIncident, explain.RoleServiceStatus}, roles(e))
		require.Equal(t, "Check home was paused, revision 3.", e.Chain[2].Summary)
	}
}

func TestSilenceHasNoResult(t *testing.T) {
	s := newStory(t)
	s.result(monitor.OutcomeSuccess)
	s.now = s.now.Add(3 * time.Hour)
	check, _ := s.board.Check("home")
	decided := s.write(s.board.Judge("home", s.tally.Silence(check, s.now)), monitor.Meta{})
	require.Len(t, decided, 2)
	e := s.explain("home")
	require.Equal(t, []explain.Role{explain.RoleCheckStatus, explain.RoleServiceStatus}, roles(e))
	require.Empty(t, e.Missing)
	require.Contains(t, e.Chain[0].Summary, "went from up to unknown")
}

func TestAResultThatIsGoneIsSaidToBe(t *testing.T) {
	s := newStory(t)
	_, deciding, decided := s.outage()
	e, err := explain.Explain(t.Context(), expired{s.bus}, decided[0].ID)
	require.NoError(t, err)
	require.Equal(t, []explain.Role{explain.RoleCheckStatus, explain.RoleIncident, explain.RoleServiceStatus}, roles(e))
	result, _ := monitor.ResultOf(deciding.Event)
	require.Contains(t, e.Missing[0], "The result "+result.ID+" that decided it is no longer kept")
}

func TestWhatDoesNotExistIsNamed(t *testing.T) {
	s := newStory(t)
	s.outage()
	for _, of := range []string{"", "nothing", "0", "999", cloudevents.NewID(), "home.1.abc.default", "check:nothing", "check:", "incident:home-2", "service:web", "a.b.c.d"} {
		_, err := explain.Explain(t.Context(), s.bus, of)
		require.ErrorIs(t, err, monitor.ErrNotFound, of)
	}
}

func TestAnEventIsFoundInALongLog(t *testing.T) {
	s := newStory(t)
	var ids []string
	for n := range 3000 {
		ids = append(ids, s.write([]monitor.Event{monitor.RunnerJoined{RunnerID: fmt.Sprint("r", n), Location: "default"}}, monitor.Meta{})[0].ID)
	}
	for _, n := range []int{0, 1, 1499, 2998, 2999} {
		e := s.explain(ids[n])
		require.Equal(t, []explain.Role{explain.RoleRunner}, roles(e), "its neighbours have nothing to do with it")
		require.Equal(t, fmt.Sprintf("Runner r%d joined at location default.", n), e.Chain[0].Summary)
	}
}

// expired is a log whose results are past their age.
type expired struct{ *bus.Memory }

func (expired) FirstResult(context.Context) (uint64, error) { return 1000, nil }
