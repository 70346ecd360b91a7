package readmodel

import (
	"context"
	"fmt"
	"iter"
	"maps"

	"github.com/vedette/vedette/pkg/monitor"
)

// Incident implements IncidentRepository.
func (r *Reader) Incident(_ context.Context, id string) (IncidentView, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	i := r.board.incidents[incidentPrefix+token(id)]
	if i == nil {
		return IncidentView{}, fmt.Errorf("incident %s: %w", id, monitor.ErrNotFound)
	}
	return r.board.incident(i, r.now()), nil
}

// Incidents implements IncidentRepository.
func (r *Reader) Incidents(_ context.Context, query IncidentQuery) (Page[IncidentView], error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	now := r.now()
	return listIncidents(query, maps.Values(r.board.incidents), func(i *IncidentView) IncidentView { return r.board.incident(i, now) })
}

// listIncidents makes a page of incidents given in any order.
func listIncidents(query IncidentQuery, all iter.Seq[*IncidentView], view func(*IncidentView) IncidentView) (Page[IncidentView], error) {
	list := listOf("incidents", query.Open, query.Check, query.Service)
	s, err := newSelection[*IncidentView](order{descending: true}, list, query.Limit, query.Cursor)
	if err != nil {
		return Page[IncidentView]{}, err
	}
	for i := range all {
		if (query.Open != nil && *query.Open != i.Open()) ||
			(query.Check != "" && query.Check != i.CheckID) || (query.Service != "" && query.Service != i.Service) {
			continue
		}
		s.offer(place{Number: float64(i.OpenedAt.UnixMicro()), ID: i.ID}, i)
	}
	return pageFrom(s, view), nil
}
