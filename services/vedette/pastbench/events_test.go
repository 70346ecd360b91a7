package pastbench_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// perAppend is how many events are appended together, at least.
const perAppend = 500

// scribe decides what happened as the decider does, and appends it.
type scribe struct {
	t       testing.TB
	fleet   *fleet
	log     bus.EventLog
	board   *monitor.Board
	pending []monitor.EventMessage
	// last is where the last event of each aggregate is, expect those of the pending ones before these.
	last, expect map[bus.Aggregate]uint64
}

// writeEvents writes ninety days of events.
func writeEvents(t testing.TB, f *fleet, log bus.EventLog) uint64 {
	s := &scribe{t: t, fleet: f, log: log, board: monitor.NewBoard(), last: make(map[bus.Aggregate]uint64), expect: make(map[bus.Aggregate]uint64)}
	s.send(f.begin, monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "fleet"}})
	for i := range others {
		s.send(f.begin, monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: fmt.Sprint("service-", i)}})
	}
	for i := range f.checks {
		s.send(f.begin, monitor.RegisterCheck{Definition: f.checks[i].definition})
	}
	for n, a := range f.acts() {
		check := &f.checks[a.check]
		if a.execution < 0 {
			d := check.definition
			d.Name += fmt.Sprint(", edited on ", a.at.Format(time.DateOnly))
			s.send(a.at, monitor.UpdateCheck{Definition: d})
			continue
		}
		s.judge(a, check, uint64(n+1))
	}
	for i := range f.checks { // so that they are not executed any more
		s.send(f.end, monitor.PauseCheck{CheckID: f.checks[i].definition.ID})
	}
	s.flush()
	return s.board.Sequence()
}

// send obeys a command.
func (s *scribe) send(at time.Time, c monitor.Command) {
	decision, err := s.board.Decide(monitor.CommandMessage{Command: c}, at)
	require.NoError(s.t, err)
	s.add(at, decision.Events)
}

// judge decides what an execution led to.
func (s *scribe) judge(a act, check *subject, n uint64) {
	position := monitor.Position{Sequence: n}
	if a.check < fleetCount && a.execution >= s.fleet.kept() {
		position = s.fleet.position(check, a.execution)
	}
	v := monitor.Verdict{
		Status: monitor.StatusUp, At: check.finished(a.execution), Position: position,
		ResultID: fmt.Sprint(check.definition.ID, ".", a.execution),
	}
	if check.failing(a.execution) {
		v.Status, v.Reason = monitor.StatusDown, failure
	}
	events := s.board.Judge(check.definition.ID, v)
	require.NotEmpty(s.t, events)
	s.add(a.at, events)
}

func (s *scribe) add(at time.Time, events []monitor.Event) {
	for i, revision := range s.board.Revisions(events) {
		about := bus.AggregateOf(events[i])
		if _, known := s.expect[about]; !known {
			s.expect[about] = s.last[about]
		}
		sequence := s.board.Sequence() + 1
		s.last[about] = sequence
		m := monitor.EventMessage{Event: events[i], Meta: monitor.Meta{
			ID: fmt.Sprint("past-", sequence), Source: "/vedette/decider", Time: at, Sequence: sequence, Revision: revision,
		}}
		s.board.Evolve(m)
		s.pending = append(s.pending, m)
	}
	if len(s.pending) >= perAppend {
		s.flush()
	}
}

func (s *scribe) flush() {
	if len(s.pending) == 0 {
		return
	}
	written, err := s.log.Append(s.t.Context(), bus.Batch{Events: s.pending, Expect: s.expect})
	require.NoError(s.t, err)
	require.Equal(s.t, s.board.Sequence(), written[len(written)-1].Sequence)
	s.pending = s.pending[:0]
	clear(s.expect)
}
