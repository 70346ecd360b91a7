package replay

import (
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Trial folds the recorded results of a question's checks under the recorded and the changed policy.
type Trial struct {
	record   *Record
	assessor Assessor
	since    time.Time
	ids      []string
	cases    map[string]*Case
	services []request
	// unfit are the checks that the change does not fit, with the reason.
	unfit map[string]monitor.Problem
}

// NewTrial returns a trial of what a record tells, which is to have all its events. Errors:
// monitor.ErrNotFound for a service or check that did not exist within the range; monitor.Problems
// for a change that fits none of the checks.
func NewTrial(r *Record, assessor Assessor) (*Trial, error) {
	ids, err := r.scope()
	if err != nil {
		return nil, err
	}
	if r.base == nil {
		r.base = r.board
	}
	t := &Trial{record: r, assessor: assessor, ids: ids, cases: make(map[string]*Case, len(ids)), unfit: make(map[string]monitor.Problem)}
	asked, services := requests(r.during)
	t.services = services
	t.since = r.question.From
	fits, problems := 0, monitor.Problems(nil)
	for _, id := range ids {
		d, ok := t.definition(id, asked[id])
		if !ok {
			continue
		}
		if since := r.question.From.Add(-lead(d, r.question.Change, r.question.From)); since.Before(t.since) {
			t.since = since
		}
		if !r.question.Change.ofChecks() {
			continue
		}
		if wrong := (fitting{r.question.Change, assessor}).problems(d); len(wrong) > 0 {
			t.unfit[id] = wrong[0]
			if problems == nil {
				problems = wrong
			}
			continue
		}
		fits++
	}
	if problems != nil && fits == 0 {
		return nil, problems
	}
	for _, id := range ids {
		t.cases[id] = newCase(id, t, r.base, r.lead[id], asked[id])
	}
	for _, m := range r.during {
		if kind, id := m.Event.Aggregate(); kind == "check" && t.cases[id] != nil {
			t.cases[id].learn(m)
		}
	}
	return t, nil
}

// definition returns that which a check had first in the range.
func (t *Trial) definition(id string, asked []request) (monitor.Definition, bool) {
	if check, ok := t.record.board.Check(id); ok {
		return check.Definition, true
	}
	for _, r := range asked {
		if registered, ok := r.command.(monitor.RegisterCheck); ok {
			return registered.Definition, true
		}
	}
	return monitor.Definition{}, false
}

// lead is how long before the range results are wanted: what went stale by then is void, and more in
// a row than the thresholds changes nothing.
func lead(d monitor.Definition, c Change, from time.Time) time.Duration {
	timetable, err := monitor.NewTimetable(d)
	if err != nil { // refused by Validate, so never stored
		return maxLead
	}
	changed := c.on(d)
	stale := timetable.StaleAt(from).Sub(from) // more than one execution
	if changed.StaleAfter != 0 {
		stale = max(stale, changed.StaleAfter.Std())
	}
	inARow := max(d.FailureThreshold, changed.FailureThreshold) + max(d.SuccessThreshold, changed.SuccessThreshold)
	return min(maxLead, stale+time.Duration(inARow+1)*stale/2)
}

// Since and Until say between which times of storing results are wanted: earlier ones than those of
// the range tell how each location stood at its beginning.
func (t *Trial) Since() time.Time { return t.since }

// Until is described at Since.
func (t *Trial) Until() time.Time { return t.record.question.until() }

// Checks returns the ids of the checks that the question is about, sorted.
func (t *Trial) Checks() []string { return slices.Clone(t.ids) }

// Case returns a check's case, nil for a check that is none of Checks.
func (t *Trial) Case(checkID string) *Case { return t.cases[checkID] }

// Result takes a result of any check, in the order of RESULTS; those of others are passed over.
func (t *Trial) Result(m monitor.EventMessage) {
	if _, id := m.Event.Aggregate(); t.cases[id] != nil {
		t.cases[id].Result(m)
	}
}

// happening is something that was decided at a time, or would have been.
type happening struct {
	at      time.Time
	event   monitor.Event
	failing time.Time
}

// hold lets everything that the witnesses noted happen, in order, on a board of all services and
// checks, so that what becomes of services follows.
func (t *Trial) hold(of func(*Case) *witness, change Change) []happening {
	q := t.record.question
	fit := fitting{change, t.assessor}
	var acts []act
	if service, ok := t.record.board.Service(q.Service); ok && change.Rollup != nil {
		acts = append(acts, act{at: q.From, request: monitor.UpdateService{Definition: change.onService(service.ServiceDefinition)}})
	}
	for _, r := range t.services {
		command := r.command
		if r.about == q.Service {
			command = fit.command(command)
		}
		acts = append(acts, act{at: r.at, request: command})
	}
	for _, id := range t.ids {
		acts = append(acts, of(t.cases[id]).acts...)
	}
	slices.SortStableFunc(acts, func(x, y act) int { return x.at.Compare(y.at) })
	board := t.record.board.Clone()
	quiet := newQuiet(change.Maintenance, q.From, q.To)
	var all []happening
	for _, a := range acts {
		all = append(all, quiet.passTo(board, a.at)...)
		var events []monitor.Event
		if a.request != nil {
			decision, err := board.Decide(monitor.CommandMessage{Command: a.request}, a.at)
			if err != nil {
				continue // about a service whose checks are not in question
			}
			events = decision.Events
		} else {
			events = quiet.judge(board, a)
		}
		fold(board, events, a.at)
		for _, e := range events {
			all = append(all, happening{at: a.at, event: e, failing: a.failing})
		}
	}
	return append(all, quiet.passTo(board, q.To)...)
}

// happened returns what was decided within the range according to EVENTS. What a verdict was based
// on comes from the witness.
func (t *Trial) happened() []happening {
	failing := make(map[string]time.Time)
	for _, id := range t.ids {
		for _, a := range t.cases[id].was.acts {
			if !a.failing.IsZero() {
				failing[id+a.verdict.At.String()] = a.failing
			}
		}
	}
	all := make([]happening, 0, len(t.record.during))
	for _, m := range t.record.during {
		h := happening{at: m.Time, event: m.Event}
		if opened, ok := m.Event.(monitor.IncidentOpened); ok {
			h.failing = failing[opened.CheckID+opened.OpenedAt.String()]
		}
		all = append(all, h)
	}
	return all
}
