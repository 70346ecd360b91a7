package readmodel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// incidentsPerPage is how many incidents of each page are looked for at least in a past, so that
// together they are as many as the present shows.
const incidentsPerPage = keptIncidents / incidentPages

// incidentsAt returns the incidents as they stood at an instant.
func (r *Reader) incidentsAt(ctx context.Context, at time.Time) ([]*IncidentView, error) {
	bucket, err := r.bucket(TimelineName)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var all []*IncidentView
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, p := range r.pagesAt(at, "incident") {
		group.Go(func() error {
			found, err := r.incidentsOf(ctx, bucket, p, at)
			if err != nil {
				return fmt.Errorf("incidents at %s: %w", at.Format(time.RFC3339Nano), err)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, found...)
			return nil
		})
	}
	return all, group.Wait()
}

// incidentsOf goes through the blocks of a page from that of the instant back, until there are enough.
// What a later block knows of an incident came later.
func (r *Reader) incidentsOf(ctx context.Context, bucket bus.Bucket, p pageAt, at time.Time) ([]*IncidentView, error) {
	seen := make(map[string]struct{})
	var all []*IncidentView
	b, err := r.blockAt(ctx, bucket, p, at)
	for {
		if err != nil {
			return nil, err
		}
		latest, torn := b.latestAt(at)
		if torn != nil {
			return nil, torn
		}
		for id, one := range latest {
			if _, known := seen[id]; known || len(one.body) == 0 {
				continue
			}
			seen[id] = struct{}{}
			if err := addView(&all, one, readWhole[IncidentView]); err != nil {
				return nil, fmt.Errorf("read how incident %s stood: %w", id, err)
			}
		}
		if b.Number == 0 || len(all) >= incidentsPerPage {
			return all, nil
		}
		before := b.Number - 1
		b, err = r.block(ctx, bucket, fmt.Sprintf("%s%s.%d", blockPrefix, p.name, before))
		if errors.Is(err, bus.ErrNoKey) {
			return all, nil
		}
	}
}

// IncidentEvents returns the events about the incidents of a check after one, up to an instant, in order.
// They tell all but which execution opened an incident.
func (r *Reader) IncidentEvents(ctx context.Context, checkID string, after uint64, to time.Time) ([]monitor.EventMessage, error) {
	bucket, err := r.bucket(TimelineName)
	if err != nil {
		return nil, err
	}
	home := pageNamed("incident", checkID, incidentPages)
	pages := slices.DeleteFunc(r.pagesAt(to, "incident"), func(p pageAt) bool { return p.name != home })
	if len(pages) == 0 {
		return nil, nil
	}
	var events []monitor.EventMessage
	b, err := r.blockAt(ctx, bucket, pages[0], to)
	for {
		if err != nil {
			return nil, fmt.Errorf("incidents of check %s: %w", checkID, err)
		}
		some, first, torn := b.incidentEvents(checkID, after, to)
		if torn != nil {
			return nil, fmt.Errorf("incidents of check %s: %w", checkID, torn)
		}
		events = slices.Concat(some, events)
		if b.Number == 0 || first <= after {
			return events, nil
		}
		b, err = r.block(ctx, bucket, fmt.Sprintf("%s%s.%d", blockPrefix, home, b.Number-1))
	}
}

// incidentEvents returns those events that the steps of a block were made of, and the sequence of its
// first step.
func (b *block) incidentEvents(checkID string, after uint64, to time.Time) (events []monitor.EventMessage, first uint64, err error) {
	for text := b.text; len(text) > 0; {
		s, rest, ok := readStep(text)
		if !ok {
			return nil, 0, errTornBlock
		}
		text = rest
		if first == 0 {
			first = s.sequence
		}
		if s.sequence <= after || s.at.After(to) {
			continue
		}
		view, err := readWhole[IncidentView](nil, s.body)
		if err != nil {
			return nil, 0, fmt.Errorf("read how incident %s stood: %w", s.id, err)
		}
		if view.CheckID == checkID {
			events = append(events, incidentEvent(s, view.Incident))
		}
	}
	return events, first, nil
}

// incidentEvent is the event that led to a step of an incident.
func incidentEvent(s step, i monitor.Incident) monitor.EventMessage {
	m := monitor.EventMessage{Meta: monitor.Meta{Sequence: s.sequence, Time: s.at}}
	if i.Open() {
		m.Event = monitor.IncidentOpened{IncidentID: i.ID, CheckID: i.CheckID, Service: i.Service, OpenedAt: i.OpenedAt, Cause: i.Cause}
		return m
	}
	m.Event = monitor.IncidentResolved{
		IncidentID: i.ID, CheckID: i.CheckID, Service: i.Service, OpenedAt: i.OpenedAt, ResolvedAt: i.ResolvedAt, DurationMS: i.DurationMS, Resolution: i.Resolution,
	}
	return m
}
