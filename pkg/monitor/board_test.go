package monitor

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// scene is a random but possible run of commands and results over a few checks.
type scene struct {
	board   *Board
	tallies *Tallies
	log     []EventMessage
	results []EventMessage
	now     time.Time
}

func newScene() *scene { return &scene{board: NewBoard(), tallies: NewTallies(), now: epoch()} }

func (s *scene) step(r *rapid.T) {
	s.now = s.now.Add(time.Duration(rapid.IntRange(1, 60).Draw(r, "seconds")) * time.Second)
	id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "check")
	service := rapid.SampledFrom([]string{"web", "shop"}).Draw(r, "service")
	d := Definition{ID: id, Service: service, Kind: "http", Target: "t", FailureThreshold: rapid.IntRange(1, 3).Draw(r, "threshold"), Paused: rapid.Bool().Draw(r, "paused")}.WithDefaults()
	switch rapid.IntRange(0, 9).Draw(r, "action") {
	case 0:
		s.command(RegisterService{Definition: ServiceDefinition{ID: service, Rollup: rapid.SampledFrom(Rollups()).Draw(r, "policy")}})
	case 1:
		s.command(RegisterCheck{Definition: d})
	case 2:
		s.command(UpdateCheck{Definition: d})
	case 3:
		s.command(rapid.SampledFrom([]Command{PauseCheck{CheckID: id}, ResumeCheck{CheckID: id}, DeleteCheck{CheckID: id}, DeleteService{ServiceID: service}}).Draw(r, "command"))
	default:
		s.result(id, rapid.SampledFrom(Outcomes()).Draw(r, "outcome"))
	}
}

func (s *scene) command(c Command) {
	decision, err := s.board.Decide(CommandMessage{Meta: Meta{ID: fmt.Sprint("c", len(s.log))}, Command: c}, s.now)
	if err == nil {
		s.append(decision.Events)
	}
}

func (s *scene) result(id string, outcome Outcome) {
	r := Result{ID: fmt.Sprint(id, len(s.results)), CheckID: id, Location: DefaultLocation, DueAt: s.now, StartedAt: s.now, Outcome: outcome}
	m := EventMessage{Meta: Meta{Sequence: uint64(len(s.results) + 1), StoredAt: s.now}, Event: Executed(r)}
	s.results = append(s.results, m)
	s.append(judgeResult(s.board, s.tallies, m))
}

// judgeResult is what the decider does with one result.
func judgeResult(b *Board, t *Tallies, m EventMessage) []Event {
	result, _ := ResultOf(m.Event)
	check, ok := b.Check(result.CheckID)
	if !ok || !t.Apply(check.Definition, m) {
		return nil
	}
	return b.Judge(check.ID, t.Verdict(check.Definition, m.StoredAt))
}

func (s *scene) append(events []Event) {
	for _, e := range events {
		m := EventMessage{Meta: Meta{Sequence: s.board.Sequence() + 1, Time: s.now}, Event: e}
		s.board.Evolve(m)
		s.log = append(s.log, m)
	}
}

func snapshotOf(t require.TestingT, v any) string {
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return string(raw)
}

func TestFoldingAgainGivesTheSameBoard(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newScene()
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			s.step(r)
		}
		again := NewBoard()
		for _, m := range s.log {
			again.Evolve(m)
			again.Evolve(m) // a repeat changes nothing
		}
		require.Equal(r, snapshotOf(r, s.board), snapshotOf(r, again))
		var restored Board
		require.NoError(r, json.Unmarshal([]byte(snapshotOf(r, s.board)), &restored))
		require.Equal(r, snapshotOf(r, s.board), snapshotOf(r, &restored))
		for _, service := range s.board.Services() {
			require.Equal(r, s.board.ChecksOf(service.ID), restored.ChecksOf(service.ID))
		}
	})
}

func TestServicesAlwaysShowTheRollUpOfTheirChecks(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newScene()
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			s.step(r)
			for _, service := range s.board.Services() {
				require.Equal(r, RollUp(service.Rollup, s.board.ChecksOf(service.ID)), service.Status, "%+v", s.board.ChecksOf(service.ID))
			}
			open := map[string]bool{}
			for _, incident := range s.board.OpenIncidents() {
				open[incident.ID] = true
			}
			for _, check := range s.board.Checks() {
				require.Equal(r, check.Incident != "", open[check.Incident], "an incident is open exactly while its check says so")
				require.Equal(r, check.Paused, check.Status == StatusPaused)
			}
		}
	})
}

func TestFoldingResultsAgainFromAnyCheckpointDecidesNothingTwice(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newScene()
		s.command(RegisterService{Definition: ServiceDefinition{ID: "web"}})
		for _, id := range []string{"a", "b", "c"} {
			s.command(RegisterCheck{Definition: Definition{ID: id, Service: "web", Kind: "http", Target: "t", FailureThreshold: 2}})
		}
		steps := rapid.IntRange(1, 60).Draw(r, "steps")
		checkpoint := rapid.IntRange(0, steps).Draw(r, "checkpoint")
		saved := snapshotOf(r, s.tallies)
		for i := range steps {
			if i == checkpoint {
				saved = snapshotOf(r, s.tallies)
			}
			s.now = s.now.Add(time.Duration(rapid.IntRange(1, 60).Draw(r, "seconds")) * time.Second)
			s.result(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "check"), rapid.SampledFrom(Outcomes()).Draw(r, "outcome"))
		}
		var restored Tallies
		require.NoError(r, json.Unmarshal([]byte(saved), &restored))
		for _, m := range s.results {
			require.Empty(r, judgeResult(s.board, &restored, m))
		}
		require.Equal(r, snapshotOf(r, s.tallies), snapshotOf(r, &restored))
	})
}

func TestStageUndoSettle(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newScene()
		for range rapid.IntRange(1, 30).Draw(r, "steps") {
			s.step(r)
		}
		before := snapshotOf(r, s.board)
		staged := func() []EventMessage {
			var all []EventMessage
			for range 3 {
				c := rapid.SampledFrom([]Command{
					RegisterService{Definition: ServiceDefinition{ID: "new"}}, DeleteCheck{CheckID: "a"}, PauseCheck{CheckID: "b"},
					RegisterCheck{Definition: Definition{ID: "a", Service: "web", Kind: "http", Target: "t"}},
				}).Draw(r, "command")
				decision, err := s.board.Decide(CommandMessage{Command: c}, s.now)
				if err != nil {
					continue
				}
				for _, e := range decision.Events {
					m := EventMessage{Meta: Meta{Time: s.now}, Event: e}
					s.board.Stage(m)
					all = append(all, m)
				}
			}
			return all
		}
		staged()
		s.board.Undo()
		require.Equal(r, before, snapshotOf(r, s.board))
		all := staged()
		next := s.board.Sequence()
		for i := range all {
			next++
			all[i].Sequence = next
		}
		s.board.Settle(all)
		again := NewBoard()
		for _, m := range append(s.log, all...) {
			again.Evolve(m)
		}
		require.Equal(r, snapshotOf(r, again), snapshotOf(r, s.board))
	})
}

func TestACommandIsRememberedAcrossItsEvents(t *testing.T) {
	s := withHome(t)
	_, err := s.when("pause", after(time.Minute), PauseCheck{CheckID: "home"})
	require.NoError(t, err)
	again, err := s.when("pause", after(time.Minute), PauseCheck{CheckID: "home"})
	require.NoError(t, err)
	require.True(t, again.Duplicate)
	require.EqualValues(t, 2, again.Revision)
	for i := range rememberedCommands + 5 {
		d := homeCheck()
		d.Name = fmt.Sprint("name ", i)
		d.Paused = true
		_, err := s.when(fmt.Sprint("u", i), after(time.Minute), UpdateCheck{Definition: d})
		require.NoError(t, err)
	}
	require.Len(t, s.board.checks["home"].History.Commands, rememberedCommands)
}

func TestALostResultLogDoesNotFreezeTheStatus(t *testing.T) {
	s := withHome(t, func(d *Definition) { d.FailureThreshold = 1 })
	s.results = 1000
	s.result(after(30*time.Second), OutcomeFailure, "default")
	s.results, s.tallies = 0, NewTallies()
	require.Nil(t, s.result(after(60*time.Second), OutcomeSuccess, "default"))
	require.Zero(t, s.board.ForgetPositions(1001))
	require.Equal(t, 1, s.board.ForgetPositions(1))
	require.NotNil(t, s.result(after(90*time.Second), OutcomeSuccess, "default"))
	require.Equal(t, StatusUp, s.status())
}

func BenchmarkVerdict(b *testing.B) {
	d := homeCheck()
	tallies := NewTallies()
	tallies.Apply(d, EventMessage{Meta: Meta{Sequence: 1, StoredAt: epoch()}, Event: Executed(Result{CheckID: "home", Location: "default", DueAt: epoch(), Outcome: OutcomeSuccess})})
	now := after(time.Second)
	for b.Loop() {
		tallies.Verdict(d, now)
	}
}
