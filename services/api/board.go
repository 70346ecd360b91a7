package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

type runnerView = readmodel.RunnerView

type incidentList struct {
	Listing
	Then
	Open    string `query:"open" enum:"true,false" doc:"true for open incidents only, false for resolved ones only." example:"true"`
	Check   string `query:"check" doc:"Only incidents of this check." example:"home"`
	Service string `query:"service" doc:"Only incidents of this service's checks." example:"web"`
}

type incidentRead struct {
	ID string `path:"id" maxLength:"90" doc:"Id of the incident." example:"home-1"`
}

func (s *server) boardRoutes(d *document) {
	register(d, operation{
		id: "get-overview", method: http.MethodGet, path: "/overview", tag: tagBoard, summary: "Count checks and services by status",
		description: "And how many incidents are open and runners at work. `read_only` says why nothing can be changed, when the event log is damaged. " + ofThePast,
		errors:      []int{http.StatusUnprocessableEntity},
		answer: readmodel.Overview{
			Checks: map[monitor.Status]int{monitor.StatusUp: 41, monitor.StatusDown: 1}, Services: map[monitor.Status]int{monitor.StatusUp: 7, monitor.StatusDown: 1},
			Incidents: 1, Runners: 3, Sequence: 1842,
		},
	}, func(ctx context.Context, in *Then) (*answer, error) {
		board, err := s.boardAt(ctx, *in)
		if err != nil {
			return nil, err
		}
		overview, err := board.Overview(ctx)
		if !in.isPast() {
			overview.ReadOnly = s.readOnly()
		}
		return &answer{Status: http.StatusOK, CacheControl: cachingOf(*in, board), Body: overview}, err
	})
	register(d, operation{
		id: "list-incidents", method: http.MethodGet, path: "/incidents", tag: tagBoard, summary: "List incidents",
		description: "Newest first. An incident is the time for which a check was down. With `at`, as they stood: open where they were not over yet.", errors: []int{http.StatusUnprocessableEntity},
		answer: readmodel.Page[readmodel.IncidentView]{Items: []readmodel.IncidentView{exampleIncident()}, Total: 1},
	}, s.listIncidents)
	register(d, operation{
		id: "get-incident", method: http.MethodGet, path: "/incidents/{id}", tag: tagBoard, summary: "Read an incident",
		description: "When it opened and why, and how it ended.", answer: exampleIncident(),
		errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
	}, func(ctx context.Context, in *incidentRead) (*answer, error) {
		view, err := s.reads.Incident(ctx, in.ID)
		return &answer{Status: http.StatusOK, Body: view}, err
	})
	register(d, operation{
		id: "list-runners", method: http.MethodGet, path: "/runners", tag: tagBoard, summary: "List runners",
		description: "Those at work first, then the latest that have left.",
		answer:      readmodel.Page[runnerView]{Items: []runnerView{exampleRunner()}, Total: 1},
	}, func(ctx context.Context, _ *struct{}) (*answer, error) {
		runners, err := s.reads.Runners(ctx)
		return listed(readmodel.Page[runnerView]{Items: runners, Total: len(runners)}, err)
	})
}

func (s *server) listIncidents(ctx context.Context, in *incidentList) (*answer, error) {
	query := readmodel.IncidentQuery{Check: in.Check, Service: in.Service, Limit: in.Limit, Cursor: in.Cursor}
	if in.Open != "" {
		open := in.Open == "true"
		query.Open = &open
	}
	board, err := s.boardAt(ctx, in.Then)
	if err != nil {
		return nil, err
	}
	page, err := board.Incidents(ctx, query)
	list, err := listed(page, err)
	return list.cached(in.Then, board), err
}

// joined lists the values of an enumeration.
func joined[T ~string](values []T) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, ", ")
}
