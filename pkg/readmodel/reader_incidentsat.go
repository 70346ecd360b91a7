package readmodel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/bus"
)

// incidentsPerPage is how many incidents of each page are looked for at least in a past, so that
// together they are as many as the present shows.
const incidentsPerPage = keptIncidents / incidentPages

// incidentsAt returns the incidents as they stood at an instant.
func (r *Reader) incidentsAt(ctx context.Context, at time.Time) ([]*IncidentView, error) {
	bucket, err := r.bucket(timelineBucket)
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
		latest, err := b.latestAt(at)
		if err != nil {
			return nil, err
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
