package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vedette/vedette/pkg/monitor"
)

// filter selects events. Empty fields select all.
type filter struct {
	types          []string
	service, check string
	// kind and id are of the aggregate.
	kind, id string
	// results has RESULTS merged in.
	results bool
}

// matches reports whether an event is wanted.
func (f *filter) matches(m monitor.EventMessage) bool {
	if len(f.types) > 0 && !slices.Contains(f.types, m.Event.Type()) {
		return false
	}
	if f.kind != "" {
		kind, id := m.Event.Aggregate()
		if kind != f.kind || f.id != "" && id != f.id {
			return false
		}
	}
	if f.service == "" && f.check == "" {
		return true
	}
	service, check := about(m.Event)
	return (f.service == "" || service == f.service) && (f.check == "" || check == f.check)
}

// about returns the service and the check that an event is about, where it is.
func about(e monitor.Event) (service, check string) {
	switch e := e.(type) {
	case monitor.CheckRegistered:
		return e.Definition.Service, e.Definition.ID
	case monitor.CheckUpdated:
		return e.Definition.Service, e.Definition.ID
	case monitor.CheckDeleted:
		return e.Service, e.CheckID
	case monitor.CheckPaused:
		return e.Service, e.CheckID
	case monitor.CheckResumed:
		return e.Service, e.CheckID
	case monitor.CheckSucceeded:
		return e.Result.Service, e.Result.CheckID
	case monitor.CheckFailed:
		return e.Result.Service, e.Result.CheckID
	case monitor.CheckStatusChanged:
		return e.Service, e.CheckID
	case monitor.ServiceRegistered:
		return e.Definition.ID, ""
	case monitor.ServiceUpdated:
		return e.Definition.ID, ""
	case monitor.ServiceDeleted:
		return e.ServiceID, ""
	case monitor.ServiceStatusChanged:
		return e.ServiceID, ""
	case monitor.IncidentOpened:
		return e.Service, e.CheckID
	case monitor.IncidentResolved:
		return e.Service, e.CheckID
	case monitor.CorrectionAdded:
		return e.Definition.Service, e.Definition.Check
	case monitor.CorrectionWithdrawn:
		return e.Service, e.Check
	case monitor.RunnerJoined, monitor.RunnerLeft, monitor.PageRegistered, monitor.PageUpdated, monitor.PageDeleted:
	}
	return "", ""
}

// filterOf reads the parameters of a filter.
func filterOf(types []string, service, check, aggregate string, results bool) (*filter, monitor.Problems) {
	f := &filter{types: types, service: service, check: check, results: results}
	var p monitor.Problems
	known := eventTypes()
	for _, t := range f.types {
		if !slices.Contains(known, t) {
			p.Add("type", "%.80q is not known: use one of %s", t, strings.Join(known, ", "))
		}
	}
	for field, id := range map[string]string{"service": service, "check": check} {
		if id != "" && !monitor.ValidID(id) {
			p.Add(field, "%.80q is no id: use 1 to 64 characters of a-z, 0-9, _ and -", id)
		}
	}
	f.kind, f.id, _ = strings.Cut(aggregate, "/")
	kinds := []string{"check", "service", "incident", "runner", "page", "correction", "result"}
	if aggregate != "" && !slices.Contains(kinds, f.kind) {
		p.Add("aggregate", "%.80q is not known: use KIND or KIND/ID, where KIND is %s", aggregate, strings.Join(kinds, ", "))
	}
	slices.SortFunc(p, func(x, y monitor.Problem) int { return strings.Compare(x.Field, y.Field) })
	return f, p
}

func eventTypes() []string {
	var types []string
	for _, e := range monitor.Events() {
		types = append(types, e.Type())
	}
	return types
}

// frame is an event as it goes over an event stream, but for its id.
func frame(kind string, data []byte) []byte {
	return fmt.Appendf(make([]byte, 0, len(kind)+len(data)+20), "event: %s\ndata: %s\n\n", kind, data)
}
