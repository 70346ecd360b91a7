package readmodel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/vedette/vedette/pkg/monitor"
)

// strand is one kind of what a timeline follows. It folds the events as the read model of the present
// does, so that the past shows what that showed.
type strand interface {
	kind() string
	// spread is over how many pages the kind is.
	spread() uint32
	// about returns the id of what an event changes and by what its page is chosen; not ok for an
	// event about something else.
	about(e monitor.Event) (id, home string, ok bool)
	// take folds an event and returns the step to which it leads, if to any.
	take(m monitor.EventMessage, id string) (s step, changed bool)
	// now is how something that is there stands, whole.
	now(id string) step
	restore(s step) error
}

// How many pages each kind has. A page of ten thousand checks holds some eighty.
const (
	checkPages    = 128
	servicePages  = 16
	incidentPages = 16
	runnerPages   = 1
)

// strands are those of a timeline.
func strands() []strand {
	checks, services, incidents, runners := newChecks(), newServices(), newIncidents(), newRunners()
	return []strand{
		&strandOf[checkEntry]{
			name: "check", pages: checkPages, fold: checks, views: &checks.views,
			changes:  func(e monitor.Event) (id, home string, ok bool) { id, ok = checkOf(e); return id, id, ok },
			over:     func(*checkEntry) bool { return false },
			sequence: func(c *checkEntry) uint64 { return c.Sequence },
			read:     readStanding, write: writeStanding, same: sameDefinition,
		},
		&strandOf[serviceEntry]{
			name: "service", pages: servicePages, fold: services, views: &services.views, changes: ofKind("service"),
			over:     func(*serviceEntry) bool { return false },
			sequence: func(s *serviceEntry) uint64 { return s.Sequence }, read: readWhole[serviceEntry],
		},
		&strandOf[IncidentView]{
			name: "incident", pages: incidentPages, fold: incidents, views: &incidents.views, changes: incidentOf,
			over:     func(i *IncidentView) bool { return !i.Open() },
			sequence: func(i *IncidentView) uint64 { return i.Sequence }, read: readWhole[IncidentView],
		},
		&strandOf[RunnerView]{
			name: "runner", pages: runnerPages, fold: runners, views: &runners.views, changes: ofKind("runner"),
			over:     func(r *RunnerView) bool { return !r.LeftAt.IsZero() },
			sequence: func(r *RunnerView) uint64 { return r.Sequence }, read: readWhole[RunnerView],
		},
	}
}

func ofKind(kind string) func(monitor.Event) (id, home string, ok bool) {
	return func(e monitor.Event) (id, home string, ok bool) {
		of, id := e.Aggregate()
		return id, id, of == kind
	}
}

// incidentOf puts the incidents of a check on one page.
func incidentOf(e monitor.Event) (id, home string, ok bool) {
	switch e := e.(type) {
	case monitor.IncidentOpened:
		return e.IncidentID, e.CheckID, true
	case monitor.IncidentResolved:
		return e.IncidentID, e.CheckID, true
	default:
		return "", "", false
	}
}

// strandOf is a strand of what a read model of the present shows as V.
type strandOf[V any] struct {
	name    string
	pages   uint32
	fold    Projection
	views   *views[V]
	changes func(monitor.Event) (id, home string, ok bool)
	// over says that nothing comes any more: what is shown stays, but needs not be carried on.
	over     func(*V) bool
	sequence func(*V) uint64
	read     func(definition, body []byte) (*V, error)
	// write and same are set where definitions are kept apart: same says whether two are one.
	write func(*V) (definition, body []byte)
	same  func(before, after *V) bool
}

func (s *strandOf[V]) kind() string { return s.name }

func (s *strandOf[V]) spread() uint32 { return s.pages }

func (s *strandOf[V]) about(e monitor.Event) (id, home string, ok bool) { return s.changes(e) }

func (s *strandOf[V]) take(m monitor.EventMessage, id string) (step, bool) {
	before := s.views.byID[id]
	s.fold.Apply(m)
	_, changed := s.views.dirty[id]
	clear(s.views.dirty)
	if !changed {
		return step{}, false
	}
	after := s.views.byID[id]
	if after == nil {
		return step{id: id, sequence: m.Sequence, gone: true}, true
	}
	next := s.now(id)
	if s.same != nil && before != nil && s.same(before, after) {
		next.definition = nil
	}
	if s.over(after) { // a block knows only what is not over, so neither must we
		delete(s.views.byID, id)
		next.gone = true
	}
	return next, true
}

func (s *strandOf[V]) now(id string) step {
	view := s.views.byID[id]
	one := step{id: id, sequence: s.sequence(view)}
	if s.write == nil {
		one.body = encode(view)
	} else {
		one.definition, one.body = s.write(view)
	}
	return one
}

func (s *strandOf[V]) restore(one step) error {
	view, err := s.read(one.definition, one.body)
	if err != nil {
		return fmt.Errorf("read how %s %s stood: %w", s.name, one.id, err)
	}
	s.views.byID[one.id] = view
	return nil
}

// sameDefinition compares what would be written, which is all that is known after a restart.
func sameDefinition(before, after *checkEntry) bool {
	return reflect.DeepEqual(before.Definition, after.Definition) ||
		bytes.Equal(encode(before.Definition), encode(after.Definition))
}

// readWhole reads what is kept without a definition of its own.
func readWhole[V any](_, body []byte) (*V, error) {
	view := new(V)
	return view, json.Unmarshal(body, view)
}
