package replay

import (
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// act is something that happens to one check or service at a time: a request or a verdict.
type act struct {
	at      time.Time
	request monitor.Command
	checkID string
	verdict monitor.Verdict
	// failing is since when the check had been failing, for a verdict by a result.
	failing time.Time
}

// witness follows one check under one policy, as the decider would, and notes what mattered. It holds
// a board of this check alone, since what becomes of a check depends on no other.
type witness struct {
	id      string
	board   *monitor.Board
	tallies *monitor.Tallies
	// requests are those of the range that are still to come.
	requests []request
	fit      fitting

	check monitor.Check
	known bool
	// clock is the time of the last act; evaluated the time for which a verdict was last asked;
	// deadline is when silence is to be looked at next, and may be early.
	clock, evaluated, deadline time.Time
	// failing is, per location, since when every conclusive result was a failure.
	failing map[string]time.Time
	acts    []act
}

// newWitness returns one for a check as it stood at the beginning of the lead-in.
func newWitness(id string, base *monitor.Board, services []string, fit fitting) *witness {
	w := &witness{id: id, board: monitor.NewBoard(), tallies: monitor.NewTallies(), fit: fit, failing: make(map[string]time.Time)}
	for _, service := range services {
		w.board.PutService(monitor.Service{ServiceDefinition: monitor.ServiceDefinition{ID: service}.WithDefaults()})
	}
	if check, ok := base.Check(id); ok {
		w.board.PutCheck(check)
	}
	w.look()
	return w
}

// look takes note of how the check stands.
func (w *witness) look() { w.check, w.known = w.board.Check(w.id) }

// recall folds an event of the time before the range.
func (w *witness) recall(m monitor.EventMessage) {
	w.board.Evolve(m)
	if _, deleted := m.Event.(monitor.CheckDeleted); deleted {
		w.tallies.Forget(w.id)
	}
	w.look()
}

// warm counts a result from before the range, which decides nothing.
func (w *witness) warm(m monitor.EventMessage, r monitor.Result) {
	if !w.known || !w.tallies.Apply(w.check.Definition, m) {
		return
	}
	w.note(r)
	if stored := storedAt(m); stored.After(w.evaluated) {
		w.evaluated = stored
	}
}

// begin is the beginning of the range: what was stored before it and not yet decided is, and the
// changed policy comes into force.
func (w *witness) begin(from time.Time) {
	w.clock = from
	if !w.known {
		return
	}
	switch {
	case !w.evaluated.IsZero():
		w.judge(w.tallies.Verdict(w.check.Definition, w.evaluated), from, true)
	case w.check.Pending:
		w.evaluated = w.check.StatusSince
	default:
		w.evaluated = from
	}
	w.deadline = w.tallies.Deadline(w.check, w.evaluated)
	if d, changed := w.fit.on(w.check.Definition); changed {
		w.obey(request{from, w.id, monitor.UpdateCheck{Definition: d}})
	}
}

// hear takes a result of the range.
func (w *witness) hear(m monitor.EventMessage, r monitor.Result) {
	stored := storedAt(m)
	w.passTo(stored)
	if !w.known {
		return
	}
	if stored.Before(w.clock) { // two locations' results may be told out of order
		stored = w.clock
	}
	hearing, ok := w.tallies.Hear(w.check.Definition, m)
	if !ok {
		return
	}
	w.clock = stored
	if hearing.WasSilent {
		w.judge(hearing.Silence, stored, false)
	}
	w.note(r)
	w.judge(hearing.Verdict, stored, true)
	if stored.After(w.evaluated) {
		w.evaluated = stored
	}
	if w.deadline.IsZero() {
		w.deadline = w.tallies.Deadline(w.check, w.evaluated)
	}
}

// note keeps since when a location has been failing.
func (w *witness) note(r monitor.Result) {
	switch r.Outcome {
	case monitor.OutcomeFailure:
		if _, failing := w.failing[r.Location]; !failing {
			w.failing[r.Location] = r.FinishedAt()
		}
	case monitor.OutcomeSuccess, monitor.OutcomeDegraded:
		delete(w.failing, r.Location)
	case monitor.OutcomeError:
	}
}

// passTo lets everything happen that happens before a time: requests and silences, in order.
func (w *witness) passTo(to time.Time) {
	for {
		silent := w.nextSilence(to)
		requested := len(w.requests) > 0 && w.requests[0].at.Before(to)
		switch {
		case requested && (silent.IsZero() || !silent.Before(w.requests[0].at)):
			w.obey(w.requests[0])
			w.requests = w.requests[1:]
		case !silent.IsZero():
			w.clock = silent
			w.judge(w.tallies.Silence(w.check, silent), silent, false)
			w.evaluated = silent
			w.deadline = w.tallies.Deadline(w.check, silent)
		default:
			return
		}
	}
}

// nextSilence returns when a silence is to be judged before a time: the instant after its deadline;
// zero when none is.
func (w *witness) nextSilence(to time.Time) time.Time {
	if !w.known || w.deadline.IsZero() || !w.deadline.Before(to) {
		return time.Time{}
	}
	w.deadline = w.tallies.Deadline(w.check, w.evaluated) // results may have put it off
	if w.deadline.IsZero() || !w.deadline.Before(to) {
		return time.Time{}
	}
	at := w.deadline.Add(1)
	if at.Before(w.clock) {
		return w.clock
	}
	return at
}

// obey decides a request as the decider would at that time, and looks at what it does to the watch.
func (w *witness) obey(r request) {
	w.clock = r.at
	command := w.fit.command(r.command)
	decision, err := w.board.Decide(monitor.CommandMessage{Command: command}, r.at)
	if err != nil {
		return // was obeyed, so cannot fail but for a check that is not known here
	}
	w.acts = append(w.acts, act{at: r.at, request: command, checkID: w.id})
	fold(w.board, decision.Events, r.at)
	w.look()
	for _, e := range decision.Events {
		switch e.(type) {
		case monitor.CheckDeleted:
			w.tallies.Forget(w.id)
			w.evaluated, w.deadline = time.Time{}, time.Time{}
			clear(w.failing)
		case monitor.CheckUpdated:
			w.watch(time.Time{})
		case monitor.CheckRegistered, monitor.CheckPaused, monitor.CheckResumed:
			w.watch(r.at)
		default:
		}
	}
}

func (w *witness) watch(evaluated time.Time) {
	w.evaluated = evaluated
	w.deadline = w.tallies.Deadline(w.check, evaluated)
}

// judge notes a verdict that changes something.
func (w *witness) judge(v monitor.Verdict, at time.Time, byResult bool) {
	events := w.board.Judge(w.id, v)
	if len(events) == 0 {
		return
	}
	a := act{at: at, checkID: w.id, verdict: v}
	if byResult {
		for _, since := range w.failing {
			if a.failing.IsZero() || since.Before(a.failing) {
				a.failing = since
			}
		}
	}
	w.acts = append(w.acts, a)
	fold(w.board, events, at)
	w.look()
}

// fold writes events to a board that nobody else writes to.
func fold(b *monitor.Board, events []monitor.Event, at time.Time) {
	for _, e := range events {
		b.Evolve(monitor.EventMessage{Meta: monitor.Meta{Sequence: b.Sequence() + 1, Time: at}, Event: e})
	}
}

// storedAt is when a result was stored, as the decider counts it.
func storedAt(m monitor.EventMessage) time.Time {
	if m.StoredAt.IsZero() {
		return m.Time
	}
	return m.StoredAt
}
