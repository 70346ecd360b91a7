package monitor

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// epoch is when the stories of these tests begin.
func epoch() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func after(d time.Duration) time.Time { return epoch().Add(d) }

func homeCheck() Definition {
	return Definition{
		ID: "home", Service: "web", Kind: "http", Target: "https://example.org/",
		Interval: Duration(30 * time.Second), FailureThreshold: 2,
	}.WithDefaults()
}

// story drives a board and tallies as the decider does: what is decided is folded at once.
type story struct {
	t       *testing.T
	board   *Board
	tallies *Tallies
	results uint64
	log     []EventMessage
}

func newStory(t *testing.T) *story {
	t.Helper()
	return &story{t: t, board: NewBoard(), tallies: NewTallies()}
}

// given folds events that happened.
func (s *story) given(events ...Event) *story {
	s.record("", epoch(), events)
	return s
}

func (s *story) record(commandID string, at time.Time, events []Event) {
	for _, e := range events {
		m := EventMessage{Meta: Meta{Sequence: s.board.Sequence() + 1, Time: at, CommandID: commandID}, Event: e}
		s.board.Evolve(m)
		s.log = append(s.log, m)
	}
}

// when decides a command and folds what it leads to.
func (s *story) when(id string, at time.Time, c Command) (Decision, error) {
	s.t.Helper()
	decision, err := s.board.Decide(CommandMessage{Meta: Meta{ID: id}, Command: c}, at)
	s.record(id, at, decision.Events)
	return decision, err
}

// result counts a result of check home, and folds what the verdict leads to.
func (s *story) result(at time.Time, outcome Outcome, location string) []Event {
	s.t.Helper()
	s.results++
	text := ""
	if outcome == OutcomeFailure {
		text = "status == 200 · actual 503"
	}
	r := Result{ID: "r" + at.Format("150405"), CheckID: "home", Service: "web", Location: location, DueAt: at, StartedAt: at, Outcome: outcome, Error: text}
	check, ok := s.board.Check("home")
	require.True(s.t, ok)
	s.tallies.Apply(check.Definition, EventMessage{Meta: Meta{Sequence: s.results, StoredAt: at}, Event: Executed(r)})
	return s.judge(at)
}

func (s *story) judge(at time.Time) []Event {
	s.t.Helper()
	check, ok := s.board.Check("home")
	require.True(s.t, ok)
	events := s.board.Judge("home", s.tallies.Verdict(check.Definition, at))
	s.record("", at, events)
	return events
}

func (s *story) status() Status {
	check, _ := s.board.Check("home")
	return check.Status
}

func (s *story) serviceStatus() Status {
	service, _ := s.board.Service("web")
	return service.Status
}

func kinds(events []Event) []string {
	names := make([]string, len(events))
	for i, e := range events {
		names[i] = e.Type()
	}
	return names
}

func withWeb(t *testing.T) *story {
	t.Helper()
	return newStory(t).given(ServiceRegistered{Definition: ServiceDefinition{ID: "web"}.WithDefaults()})
}

func withHome(t *testing.T, change ...func(*Definition)) *story {
	t.Helper()
	d := homeCheck()
	for _, edit := range change {
		edit(&d)
	}
	return withWeb(t).given(CheckRegistered{Definition: d})
}

func TestDurationIsWrittenShortAndReadStrictly(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`"30s"`: 30 * time.Second, `"1m30s"`: 90 * time.Second, `"5m"`: 5 * time.Minute, `"1h"`: time.Hour,
		`"1h30m"`: 90 * time.Minute, `"250ms"`: 250 * time.Millisecond, `"0s"`: 0, `"10m"`: 10 * time.Minute,
	} {
		var d Duration
		require.NoError(t, json.Unmarshal([]byte(text), &d))
		require.Equal(t, want, d.Std())
		raw, err := json.Marshal(d)
		require.NoError(t, err)
		require.Equal(t, text, string(raw))
	}
	for _, text := range []string{`30`, `"30"`, `"soon"`, `true`} {
		var d Duration
		require.ErrorContains(t, json.Unmarshal([]byte(text), &d), `such as "30s"`, text)
	}
}

func TestEveryTypeIsUniqueAndVersioned(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range Events() {
		require.Regexp(t, `^vedette\.(check|service|incident|runner|page|correction)\.[a-z_]+\.v[0-9]+$`, e.Type())
		require.False(t, seen[e.Type()], e.Type())
		seen[e.Type()] = true
		require.Contains(t, e.Type(), "."+e.Verb()+".")
	}
	for _, c := range Commands() {
		require.False(t, seen[c.Type()], c.Type())
		seen[c.Type()] = true
		require.Contains(t, c.Type(), "."+c.Verb()+".")
	}
}
