package readmodel

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// StatusPage implements StatusPageRepository.
func (r *Reader) StatusPage(_ context.Context, id string) (StatusPageView, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	p := r.board.pages[statusPagePrefix+token(id)]
	if p == nil {
		return StatusPageView{}, fmt.Errorf("page %s: %w", id, monitor.ErrNotFound)
	}
	return *p, nil
}

// StatusPages implements StatusPageRepository.
func (r *Reader) StatusPages(context.Context) ([]StatusPageView, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]StatusPageView, 0, len(r.board.pages))
	for _, p := range r.board.pages {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(x, y StatusPageView) int { return strings.Compare(x.ID, y.ID) })
	return all, nil
}

// maxDays is the most days that Days goes back.
const maxDays = 91

// Days implements ResultRepository.
func (r *Reader) Days(ctx context.Context, checkID string, days int, now time.Time) ([]DayUptime, error) {
	if days < 1 || days > maxDays {
		return nil, fmt.Errorf("%w: %d days: use 1 to %d", ErrQuery, days, maxDays)
	}
	check, p, known, err := r.known(checkID)
	if err != nil {
		return nil, err
	}
	today := dayOf(hourOf(now))
	sums := make([]account, days)
	for i := range sums {
		sums[i].rules = known.rules
	}
	if p != nil {
		past, err := r.pastDays(ctx, checkID, p, today-int64(days)+1)
		if err != nil {
			return nil, fmt.Errorf("days of check %s: %w", checkID, err)
		}
		for _, d := range past {
			if i := int(d.At-today) + days - 1; i >= 0 && i < days {
				sums[i].day(d)
			}
		}
		sums[days-1].tally.Missed += p.missing(&check, now)
	}
	all := make([]DayUptime, days)
	for i := range sums {
		day := today - int64(days) + 1 + int64(i)
		all[i] = DayUptime{Day: time.Unix(day*24*3600, 0).UTC(), Uptime: sums[i].uptime()}
	}
	return all, nil
}
