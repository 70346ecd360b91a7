package replay

import (
	"fmt"
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// maxLead bounds how long before the range results are read from which to know how each location
	// stood when it began.
	maxLead = 8 * 24 * time.Hour
	// margin is how long after the range events and results are still read: what was finished within
	// it may have been stored and decided later.
	margin = time.Minute
)

// Record is what EVENTS tells of a range: how everything stood at its beginning, what was asked
// within it, and what was decided.
type Record struct {
	question Question
	// kept is when the oldest result that is kept was stored; zero when none was ever dropped.
	kept  time.Time
	board *monitor.Board
	// base is the board at the beginning of the longest lead-in, lead the checks' events since.
	base *monitor.Board
	lead map[string][]monitor.EventMessage
	// during are the events of the range, in order.
	during []monitor.EventMessage
	// started says that an event of the range has come.
	started bool
}

// NewRecord returns a record for a question that is valid. board is the fold of EVENTS up to any time
// a week and more before the range, or a new one, and is the record's from then on. kept is when the
// oldest result that is kept was stored, zero when none was ever dropped: where the range reaches
// further back it begins there. It fails when all of the range lies before.
func NewRecord(q Question, board *monitor.Board, kept time.Time) (*Record, error) {
	if !kept.IsZero() && !kept.Before(q.To) {
		return nil, monitor.Problems{{Field: "to", Message: fmt.Sprintf("the results before %s are not kept any more: choose a later range", kept.UTC().Format(time.RFC3339))}}
	}
	r := &Record{question: q, kept: kept, board: board, lead: make(map[string][]monitor.EventMessage)}
	if kept.After(q.From) {
		r.question.From = kept
	}
	return r, nil
}

// LeadBegins is the latest time at which the board given to NewRecord may stand.
func LeadBegins(from time.Time) time.Time { return from.Add(-maxLead) }

// Event takes the next event. It reports whether more are wanted.
func (r *Record) Event(m monitor.EventMessage) (more bool) {
	if !m.Time.Before(r.question.until()) {
		return false
	}
	if !r.started && m.Time.Before(r.question.From) {
		if r.base == nil && !m.Time.Before(LeadBegins(r.question.From)) {
			r.base = r.board.Clone()
		}
		r.board.Evolve(m)
		if kind, id := m.Event.Aggregate(); r.base != nil && kind == "check" {
			r.lead[id] = append(r.lead[id], m)
		}
		return true
	}
	r.started = true
	if m.Sequence > r.board.Sequence() {
		r.during = append(r.during, m)
	}
	return true
}

// scope returns the ids of the checks that the question is about, sorted: for a service those that
// belonged to it at any time of the range.
func (r *Record) scope() ([]string, error) {
	q := r.question
	if q.Check != "" {
		_, there := r.board.Check(q.Check)
		if !there && !slices.ContainsFunc(r.during, func(m monitor.EventMessage) bool {
			e, ok := m.Event.(monitor.CheckRegistered)
			return ok && e.Definition.ID == q.Check
		}) {
			return nil, r.missing("check", q.Check)
		}
		return []string{q.Check}, nil
	}
	_, there := r.board.Service(q.Service)
	ids := make(map[string]struct{})
	for _, c := range r.board.ChecksOf(q.Service) {
		ids[c.ID] = struct{}{}
	}
	for _, m := range r.during {
		switch e := m.Event.(type) {
		case monitor.ServiceRegistered:
			there = there || e.Definition.ID == q.Service
		case monitor.CheckRegistered:
			addMember(ids, e.Definition, q.Service)
		case monitor.CheckUpdated:
			addMember(ids, e.Definition, q.Service)
		default:
		}
	}
	if !there {
		return nil, r.missing("service", q.Service)
	}
	if len(ids) == 0 {
		return nil, monitor.Problems{{Field: "service", Message: fmt.Sprintf("%s had no checks between %s", q.Service, r.span())}}
	}
	all := make([]string, 0, len(ids))
	for id := range ids {
		all = append(all, id)
	}
	slices.Sort(all)
	return all, nil
}

func addMember(ids map[string]struct{}, d monitor.Definition, service string) {
	if d.Service == service {
		ids[d.ID] = struct{}{}
	}
}

func (r *Record) missing(kind, id string) error {
	return fmt.Errorf("%s %s between %s: %w", kind, id, r.span(), monitor.ErrNotFound)
}

func (r *Record) span() string {
	return r.question.From.UTC().Format(time.RFC3339) + " and " + r.question.To.UTC().Format(time.RFC3339)
}

// request is a command that the record shows to have been obeyed at a time.
type request struct {
	at      time.Time
	about   string
	command monitor.Command
}

// requests turns the events of definitions back into the commands that caused them: those of checks
// by id, and those of services.
func requests(events []monitor.EventMessage) (checks map[string][]request, services []request) {
	checks = make(map[string][]request)
	// open holds, per check, the command of its last update, which may also have paused or resumed it.
	open := make(map[string]string)
	for _, m := range events {
		kind, id := m.Event.Aggregate()
		ask := func(c monitor.Command) {
			if kind == "service" {
				services = append(services, request{m.Time, id, c})
				return
			}
			checks[id] = append(checks[id], request{m.Time, id, c})
		}
		// alter makes an update that paused or resumed as well the one command that it was.
		alter := func(paused bool) bool {
			if m.CommandID == "" || open[id] != m.CommandID {
				return false
			}
			last := &checks[id][len(checks[id])-1]
			update, ok := last.command.(monitor.UpdateCheck)
			if ok {
				update.Definition.Paused = paused
				last.command = update
			}
			return ok
		}
		switch e := m.Event.(type) {
		case monitor.CheckRegistered:
			ask(monitor.RegisterCheck{Definition: e.Definition})
		case monitor.CheckUpdated:
			ask(monitor.UpdateCheck{Definition: e.Definition})
			open[id] = m.CommandID
		case monitor.CheckPaused:
			if !alter(true) {
				ask(monitor.PauseCheck{CheckID: e.CheckID})
			}
		case monitor.CheckResumed:
			if !alter(false) {
				ask(monitor.ResumeCheck{CheckID: e.CheckID})
			}
		case monitor.CheckDeleted:
			ask(monitor.DeleteCheck{CheckID: e.CheckID})
		case monitor.ServiceRegistered:
			ask(monitor.RegisterService{Definition: e.Definition})
		case monitor.ServiceUpdated:
			ask(monitor.UpdateService{Definition: e.Definition})
		case monitor.ServiceDeleted:
			ask(monitor.DeleteService{ServiceID: e.ServiceID})
		case monitor.CheckSucceeded, monitor.CheckFailed, monitor.CheckStatusChanged, monitor.ServiceStatusChanged,
			monitor.IncidentOpened, monitor.IncidentResolved, monitor.RunnerJoined, monitor.RunnerLeft,
			monitor.PageRegistered, monitor.PageUpdated, monitor.PageDeleted,
			monitor.CorrectionAdded, monitor.CorrectionWithdrawn:
		}
	}
	return checks, services
}
