package monitor

import (
	"slices"
	"strings"
)

// Board is the fold of EVENTS: all services, checks, open incidents and runners as they stand. It
// decides commands and verdicts against that state. It is not safe for concurrent use.
//
// A writer that appends several decisions at once stages each one's events with Stage, so that the
// next decision sees them, then calls Settle with what was written, or Undo when nothing was.
type Board struct {
	sequence  uint64
	checks    map[string]*checkState
	services  map[string]*serviceState
	incidents map[string]*incidentState
	runners   map[string]*runnerState
	pages     map[string]*pageState
	// corrections are those withdrawn, too.
	corrections map[string]*correctionState
	// members holds the checks of each service.
	members map[string]*membership
	// staged holds, while events are staged, how to put back each aggregate that they touched.
	staged map[[2]string]func()
}

// membership are the ids of a service's checks, and how many there are of each status.
type membership struct {
	ids map[string]struct{}
	census
}

type checkState struct {
	Check
	Deleted bool `json:"deleted,omitempty"`
	// Incidents counts those that the check ever had: the next one's number.
	Incidents uint64  `json:"incidents,omitempty"`
	History   history `json:"history"`
}

type serviceState struct {
	Service
	Deleted bool    `json:"deleted,omitempty"`
	History history `json:"history"`
}

type incidentState struct {
	Incident
	History history `json:"history"`
}

type runnerState struct {
	Runner
	History history `json:"history"`
}

// history is what is kept of an aggregate's events besides its state.
type history struct {
	// Sequence is the last event's: what an append expects.
	Sequence uint64 `json:"sequence"`
	// Commands are the latest that took effect, oldest first, so that a repeat is recognised.
	Commands []commandMark `json:"commands,omitempty"`
}

type commandMark struct {
	ID       string `json:"id"`
	Sequence uint64 `json:"sequence"`
	Revision uint64 `json:"revision"`
}

// rememberedCommands is how many command ids are kept per aggregate. A client that repeats a
// command does so within seconds, so a few dozen changes later is never.
const rememberedCommands = 32

// NewBoard returns the fold of nothing.
func NewBoard() *Board {
	return &Board{
		checks:      make(map[string]*checkState),
		services:    make(map[string]*serviceState),
		incidents:   make(map[string]*incidentState),
		runners:     make(map[string]*runnerState),
		pages:       make(map[string]*pageState),
		corrections: make(map[string]*correctionState),
		members:     make(map[string]*membership),
	}
}

// Sequence returns the sequence of the last event folded.
func (b *Board) Sequence() uint64 { return b.sequence }

// Check returns a check that is not deleted.
func (b *Board) Check(id string) (Check, bool) {
	if c := b.checks[id]; c != nil && !c.Deleted {
		return c.Check, true
	}
	return Check{}, false
}

// Service returns a service that is not deleted.
func (b *Board) Service(id string) (Service, bool) {
	if s := b.services[id]; s != nil && !s.Deleted {
		return s.Service, true
	}
	return Service{}, false
}

// Checks returns all checks, sorted by id.
func (b *Board) Checks() []Check {
	all := make([]Check, 0, len(b.checks))
	for _, c := range b.checks {
		if !c.Deleted {
			all = append(all, c.Check)
		}
	}
	slices.SortFunc(all, func(x, y Check) int { return strings.Compare(x.ID, y.ID) })
	return all
}

// Services returns all services, sorted by id.
func (b *Board) Services() []Service {
	all := make([]Service, 0, len(b.services))
	for _, s := range b.services {
		if !s.Deleted {
			all = append(all, s.Service)
		}
	}
	slices.SortFunc(all, func(x, y Service) int { return strings.Compare(x.ID, y.ID) })
	return all
}

// ChecksOf returns the checks of a service, sorted by id.
func (b *Board) ChecksOf(service string) []Check {
	if b.members[service] == nil {
		return []Check{}
	}
	all := make([]Check, 0, len(b.members[service].ids))
	for id := range b.members[service].ids {
		all = append(all, b.checks[id].Check)
	}
	slices.SortFunc(all, func(x, y Check) int { return strings.Compare(x.ID, y.ID) })
	return all
}

// OpenIncidents returns the open incidents, sorted by id.
func (b *Board) OpenIncidents() []Incident {
	all := make([]Incident, 0, len(b.incidents))
	for _, i := range b.incidents {
		if i.Open() {
			all = append(all, i.Incident)
		}
	}
	slices.SortFunc(all, func(x, y Incident) int { return strings.Compare(x.ID, y.ID) })
	return all
}

// Runners returns the runners that have joined and not left, sorted by id.
func (b *Board) Runners() []Runner {
	all := make([]Runner, 0, len(b.runners))
	for _, r := range b.runners {
		if r.LeftAt.IsZero() {
			all = append(all, r.Runner)
		}
	}
	slices.SortFunc(all, func(x, y Runner) int { return strings.Compare(x.ID, y.ID) })
	return all
}

// LastSequence returns the sequence of the last event of an aggregate, deleted ones included, and 0
// when it has none: what an append about it expects.
func (b *Board) LastSequence(kind, id string) uint64 {
	if h := b.history(kind, id); h != nil {
		return h.Sequence
	}
	return 0
}

// Revision returns the revision of a check, service, page or correction, deleted ones included; 0 for others.
func (b *Board) Revision(kind, id string) uint64 {
	switch kind {
	case "check":
		if c := b.checks[id]; c != nil {
			return c.Revision
		}
	case "service":
		if s := b.services[id]; s != nil {
			return s.Revision
		}
	case "page":
		if p := b.pages[id]; p != nil {
			return p.Revision
		}
	case "correction":
		if c := b.corrections[id]; c != nil {
			return c.Revision
		}
	}
	return 0
}

// ForgetPositions makes every status open to results again whose deciding position lies beyond
// last, the end of RESULTS. Such a position is from a log that is no more, as when RESULTS was lost
// and begun anew; kept, it would hold the check's status for ever.
func (b *Board) ForgetPositions(last uint64) (forgotten int) {
	for _, c := range b.checks {
		if c.DecidedAt.Sequence > last {
			c.DecidedAt = Position{}
			forgotten++
		}
	}
	return forgotten
}

func (b *Board) history(kind, id string) *history {
	switch kind {
	case "check":
		if c := b.checks[id]; c != nil {
			return &c.History
		}
	case "service":
		if s := b.services[id]; s != nil {
			return &s.History
		}
	case "incident":
		if i := b.incidents[id]; i != nil {
			return &i.History
		}
	case "page":
		if p := b.pages[id]; p != nil {
			return &p.History
		}
	case "correction":
		if c := b.corrections[id]; c != nil {
			return &c.History
		}
	case "runner":
		if r := b.runners[id]; r != nil {
			return &r.History
		}
	}
	return nil
}
