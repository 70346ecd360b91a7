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

// atOnce is how many entries are read at a time.
const atOnce = 8

// known returns the check, a copy of its pulse's head, and what corrects its uptime; an error when there
// is no such check.
func (r *Reader) known(id string) (monitor.Check, *pulse, sight, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c := r.board.checks[checkPrefix+token(id)]
	if c == nil {
		return monitor.Check{}, nil, sight{}, fmt.Errorf("check %s: %w", id, monitor.ErrNotFound)
	}
	return c.Check, c.pulse, r.board.sight(&c.Check), nil
}

// fetch reads entries, several at a time, and hands those that are there to take, one at a time.
func fetch(ctx context.Context, bucket bus.Bucket, keys []string, take func(i int, raw []byte) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	var mu sync.Mutex
	for i, key := range keys {
		group.Go(func() error {
			entry, err := bucket.Get(ctx, key)
			if errors.Is(err, bus.ErrNoKey) {
				return nil
			}
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			return take(i, entry.Value)
		})
	}
	return group.Wait()
}

// pastDays returns the days of a check from a day on up to the one at hand, in order, with the hour
// at hand; those without any execution are left out.
func (r *Reader) pastDays(ctx context.Context, id string, p *pulse, from int64) ([]tally, error) {
	t, bucket, err := r.today(ctx, id)
	if err != nil {
		return nil, err
	}
	newest := from
	if n := len(t.Days); n > 0 {
		newest = t.Days[0].At - 1
	} else if len(t.Hours) > 0 {
		newest = dayOf(t.Hours[0].At) - 1
	}
	var keys []string
	var numbers []int64
	for span := floorDiv(from, spanDays); span <= floorDiv(newest, spanDays) && newest >= from; span++ {
		keys, numbers = append(keys, spanKey(id, span)), append(numbers, span)
	}
	var days []tally
	err = fetch(ctx, bucket, keys, func(i int, raw []byte) error {
		past, err := readPast(raw, numbers[i])
		if past != nil {
			days = append(days, past.Parts...)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	days = append(days, t.Days...)
	hours := withPresent(t.Hours, p)
	for len(hours) > 0 {
		day, n := dayOf(hours[0].At), 0
		for n < len(hours) && dayOf(hours[n].At) == day {
			n++
		}
		days = append(days, together(day, hours[:n]))
		hours = hours[n:]
	}
	days = slices.DeleteFunc(days, func(d tally) bool { return d.At < from })
	slices.SortFunc(days, func(x, y tally) int { return int(x.At - y.At) })
	return days, nil
}

// today returns what is kept of the day and span at hand, and the bucket.
func (r *Reader) today(ctx context.Context, id string) (*today, bus.Bucket, error) {
	bucket, err := r.bucket(activityBucket)
	if err != nil {
		return nil, nil, err
	}
	entry, err := bucket.Get(ctx, todayPrefix+token(id))
	if errors.Is(err, bus.ErrNoKey) {
		return &today{}, bucket, nil
	}
	if err != nil {
		return nil, nil, err
	}
	t, err := readToday(entry.Value)
	return t, bucket, err
}

// withPresent adds the hour at hand, and those that the page holds and the day does not yet: a flush
// writes the day first, but it is read later.
func withPresent(hours []tally, p *pulse) []tally {
	if p == nil || len(p.Hours) == 0 {
		return hours
	}
	present := p.Hours[len(p.Hours)-1]
	present.Sketch, present.Minutes = p.Sketch, p.Minutes
	hours = slices.Clone(hours)
	hours = slices.DeleteFunc(hours, func(h tally) bool { return h.At >= present.At })
	return append(hours, present)
}

// Uptime implements ResultRepository.
func (r *Reader) Uptime(ctx context.Context, checkID string, now time.Time) (map[string]Uptime, error) {
	if err := r.recall(ctx); err != nil {
		return nil, fmt.Errorf("uptime of check %s: %w", checkID, err)
	}
	check, p, known, err := r.known(checkID)
	if err != nil {
		return nil, err
	}
	windows := map[string]Uptime{window24h: {}}
	for name := range windowDays() {
		windows[name] = Uptime{}
	}
	if p == nil {
		return windows, nil
	}
	windows[window24h] = p.dayUptime(&check, now, known)
	day := dayOf(hourOf(now))
	days, err := r.pastDays(ctx, checkID, p, day-windowDays()["90d"])
	if err != nil {
		return nil, fmt.Errorf("uptime of check %s: %w", checkID, err)
	}
	missing := p.missing(&check, now)
	for name, length := range windowDays() {
		sum := account{rules: known.rules, tally: tally{Missed: missing}}
		for _, d := range days {
			if d.At >= day-length {
				sum.day(d)
			}
		}
		windows[name] = sum.uptime()
	}
	return windows, nil
}

// Latency implements ResultRepository.
func (r *Reader) Latency(ctx context.Context, checkID, window string, now time.Time) ([]LatencyPoint, error) {
	_, p, _, err := r.known(checkID)
	if err != nil {
		return nil, err
	}
	var parts []tally
	step := time.Hour
	switch length, ofDays := windowDays()[window]; {
	case window == window24h:
		parts, err = r.pastHours(ctx, checkID, p, hourOf(now)-24)
	case window == "7d":
		parts, err = r.pastHours(ctx, checkID, p, hourOf(now)-24*length)
	case ofDays:
		step = 24 * time.Hour
		parts, err = r.pastDays(ctx, checkID, p, dayOf(hourOf(now))-length)
	default:
		return nil, fmt.Errorf("%w: window %q: use 24h, 7d, 30d or 90d", ErrQuery, window)
	}
	if err != nil {
		return nil, fmt.Errorf("latency of check %s: %w", checkID, err)
	}
	points := make([]LatencyPoint, 0, len(parts))
	for _, part := range parts {
		all := newLatencies()
		if err := all.merge(part.Sketch); err != nil {
			return nil, fmt.Errorf("latency of check %s: %w", checkID, err)
		}
		point := LatencyPoint{At: time.Unix(0, 0).Add(time.Duration(part.At) * step).UTC()}
		if point.Count, point.P50, point.P95, point.P99 = all.quantiles(); point.Count > 0 {
			points = append(points, point)
		}
	}
	return points, nil
}

// pastHours returns the hours of a check from one on, in order.
func (r *Reader) pastHours(ctx context.Context, id string, p *pulse, from int64) ([]tally, error) {
	t, bucket, err := r.today(ctx, id)
	if err != nil {
		return nil, err
	}
	var keys []string
	var numbers []int64
	for day := dayOf(from); day < dayOf(from)+daySlots; day++ {
		keys, numbers = append(keys, dayKey(id, day)), append(numbers, day)
	}
	var hours []tally
	err = fetch(ctx, bucket, keys, func(i int, raw []byte) error {
		past, err := readPast(raw, numbers[i])
		if past != nil {
			hours = append(hours, past.Parts...)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	hours = append(hours, withPresent(t.Hours, p)...)
	hours = slices.DeleteFunc(hours, func(h tally) bool { return h.At < from })
	slices.SortFunc(hours, func(x, y tally) int { return int(x.At - y.At) })
	return hours, nil
}
