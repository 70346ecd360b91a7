package replay

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

func epoch() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// world is a monitor at work, as the decider does it: it decides commands and results as they come,
// and looks for silences every 250 ms.
type world struct {
	t       require.TestingT
	now     time.Time
	board   *monitor.Board
	tallies *monitor.Tallies
	events  []monitor.EventMessage
	results []monitor.EventMessage
	// evaluated is what the decider's watch knows of each check.
	evaluated map[string]time.Time
	commands  int
	// all gives a trial all results, not only those that it wants.
	all bool
}

const look = 250 * time.Millisecond

func newWorld(t require.TestingT) *world {
	return &world{t: t, now: epoch(), board: monitor.NewBoard(), tallies: monitor.NewTallies(), evaluated: make(map[string]time.Time)}
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	end := w.now.Add(d)
	for at := w.now.Truncate(look).Add(look); at.Before(end); at = at.Add(look) {
		w.now = at
		for _, id := range slices.Sorted(maps.Keys(w.evaluated)) {
			check, ok := w.board.Check(id)
			if !ok {
				continue
			}
			deadline := w.tallies.Deadline(check, w.evaluated[id])
			if deadline.IsZero() || !at.After(deadline) {
				continue
			}
			w.write(w.board.Judge(id, w.tallies.Silence(check, at)), "")
			w.evaluated[id] = at
		}
	}
	w.now = end
}

func (w *world) write(events []monitor.Event, command string) {
	revisions := w.board.Revisions(events)
	for i, e := range events {
		m := monitor.EventMessage{Event: e, Meta: monitor.Meta{Sequence: w.board.Sequence() + 1, Time: w.now, CommandID: command, Revision: revisions[i]}}
		w.board.Evolve(m)
		w.events = append(w.events, m)
	}
}

// try sends a command that may be refused.
func (w *world) try(c monitor.Command) bool {
	w.commands++
	id := fmt.Sprint("command-", w.commands)
	decision, err := w.board.Decide(monitor.CommandMessage{Meta: monitor.Meta{ID: id}, Command: c}, w.now)
	if err != nil {
		return false
	}
	w.write(decision.Events, id)
	for _, e := range decision.Events {
		_, about := e.Aggregate()
		switch e.(type) {
		case monitor.CheckDeleted:
			w.tallies.Forget(about)
			delete(w.evaluated, about)
		case monitor.CheckUpdated:
			w.evaluated[about] = time.Time{}
		case monitor.CheckRegistered, monitor.CheckPaused, monitor.CheckResumed:
			w.evaluated[about] = w.now
		default:
		}
	}
	return true
}

func (w *world) send(c monitor.Command) { require.True(w.t, w.try(c), "%+v", c) }

// found stores a result that was due and finished a moment ago.
func (w *world) found(check, location string, outcome monitor.Outcome, edit ...func(*monitor.Result)) {
	due := w.now.Add(-time.Second)
	r := monitor.Result{
		ID: fmt.Sprint(check, "-", len(w.results)), CheckID: check, Location: location, DueAt: due, StartedAt: due, DurationMS: 40,
		Outcome: outcome, Attempts: 1, Trigger: monitor.TriggerSchedule, Revision: w.board.Revision("check", check),
	}
	if outcome == monitor.OutcomeFailure {
		r.Error = "status 503"
	}
	for _, e := range edit {
		e(&r)
	}
	m := monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{Sequence: uint64(len(w.results) + 1), Time: w.now, StoredAt: w.now}}
	w.results = append(w.results, m)
	known, ok := w.board.Check(check)
	if !ok {
		return
	}
	hearing, ok := w.tallies.Hear(known.Definition, m)
	if !ok {
		return
	}
	if hearing.WasSilent {
		w.write(w.board.Judge(check, hearing.Silence), "")
	}
	w.write(w.board.Judge(check, hearing.Verdict), "")
	if w.now.After(w.evaluated[check]) {
		w.evaluated[check] = w.now
	}
}

// ask replays what the world recorded.
func (w *world) ask(q Question, assessor Assessor) (Report, *Trial, error) {
	record, err := NewRecord(q, monitor.NewBoard(), time.Time{})
	if err != nil {
		return Report{}, nil, err
	}
	for _, m := range w.events {
		if !record.Event(m) {
			break
		}
	}
	trial, err := NewTrial(record, assessor)
	if err != nil {
		return Report{}, nil, err
	}
	for _, m := range w.results {
		if (w.all || !m.StoredAt.Before(trial.Since())) && m.StoredAt.Before(trial.Until()) {
			trial.Result(m)
		}
	}
	return trial.Report(), trial, nil
}

func (w *world) answer(q Question, assessor Assessor) Report {
	report, _, err := w.ask(q, assessor)
	require.NoError(w.t, err)
	return report
}

func definition(id string, edit ...func(*monitor.Definition)) monitor.Definition {
	d := monitor.Definition{ID: id, Service: "web", Kind: "http", Target: "https://example.org/"}
	for _, e := range edit {
		e(&d)
	}
	return d.WithDefaults()
}

func withWeb(t require.TestingT, edit ...func(*monitor.Definition)) *world {
	w := newWorld(t)
	w.send(monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "web"}})
	w.send(monitor.RegisterCheck{Definition: definition("home", edit...)})
	return w
}

// run stores a result every 30 s: u is a success, d a failure, e an error, - none.
func (w *world) run(check, outcomes string) {
	for _, letter := range outcomes {
		w.pass(30 * time.Second)
		switch letter {
		case 'u':
			w.found(check, monitor.DefaultLocation, monitor.OutcomeSuccess)
		case 'd':
			w.found(check, monitor.DefaultLocation, monitor.OutcomeFailure)
		case 'e':
			w.found(check, monitor.DefaultLocation, monitor.OutcomeError)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// whole is about all that the world recorded.
func (w *world) whole(c Change) Question {
	w.pass(time.Second)
	return Question{Service: "web", From: epoch(), To: w.now, Change: c}
}
