package readmodel

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// Bounds of a histogram.
const (
	// MaxBuckets is the most buckets.
	MaxBuckets = 2000
	// MinStep is the least step: counts are kept by the minute.
	MinStep = time.Minute
)

// History is how many checks had each status over time.
type History struct {
	From  time.Time        `json:"from"`
	To    time.Time        `json:"to"`
	Step  monitor.Duration `json:"step"`
	Items []HistoryBucket  `json:"items"`
}

// HistoryBucket is how everything stood at the end of a bucket, and what happened within it.
type HistoryBucket struct {
	// At is the end of the bucket; it begins a step earlier.
	At          time.Time `json:"at"`
	Up          int       `json:"up"`
	Degraded    int       `json:"degraded"`
	Down        int       `json:"down"`
	Unknown     int       `json:"unknown"`
	Paused      int       `json:"paused"`
	Maintenance int       `json:"maintenance"`
	// Worst is the worst status that any check had within it; empty without checks.
	Worst           monitor.Status `json:"worst,omitempty"`
	IncidentsOpened int            `json:"incidents_opened"`
	IncidentsOpen   int            `json:"incidents_open"`
}

// decodeCounts reads an entry of the counts.
func decodeCounts(e bus.Entry) (func(*Reader), error) {
	switch {
	case e.Key == presentKey:
		var present countsPresent
		var err error
		if !e.Deleted {
			present, err = readPresent(e.Value)
		}
		return func(r *Reader) { r.bygone.present = present }, err
	case e.Key == latelyKey:
		var lately countsLately
		var err error
		if !e.Deleted {
			lately, err = readLately(e.Value)
		}
		return func(r *Reader) { r.bygone.lately = lately }, err
	case strings.HasPrefix(e.Key, monthPrefix):
		var hours []count
		var err error
		if !e.Deleted {
			hours, err = readCounts(e.Value)
		}
		return func(r *Reader) {
			if r.bygone.months == nil {
				r.bygone.months = make(map[string][]count)
			}
			if hours == nil {
				delete(r.bygone.months, e.Key)
			} else {
				r.bygone.months[e.Key] = hours
			}
		}, err
	}
	return nil, nil //nolint:nilnil // days are read when asked for
}

// History returns the counts from one time to another in buckets of a step, which is a whole number of
// minutes; those of an hour and more are answered from memory. Buckets are aligned to whole steps in UTC,
// the first is the one that holds from; the last may be cut short by to. ErrQuery: more than MaxBuckets, or a
// step that is none.
func (r *Reader) History(ctx context.Context, from, to time.Time, step time.Duration) (History, error) {
	switch {
	case step < MinStep || step%time.Minute != 0:
		return History{}, fmt.Errorf("%w: step %s: use whole minutes, such as 5m or 1h", ErrQuery, step)
	case !from.Before(to):
		return History{}, fmt.Errorf("%w: from %s: it must be before to, %s", ErrQuery, from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	begin := from.UTC().Truncate(step)
	if n := (to.Sub(begin) + step - 1) / step; n > MaxBuckets {
		return History{}, fmt.Errorf("%w: step %s makes %d buckets: use a step of %s or more", ErrQuery, monitor.Duration(step), n, monitor.Duration(wholeStep(to.Sub(begin))))
	}
	h := History{From: begin, To: to.UTC(), Step: monitor.Duration(step), Items: []HistoryBucket{}}
	all, unit, err := r.countsFrom(ctx, begin, to, step)
	if err != nil {
		return History{}, fmt.Errorf("history of the counts: %w", err)
	}
	// What came before the first bucket tells how it began.
	var at count
	i := 0
	for ; i < len(all) && timeOf(all[i].At, unit).Before(begin); i++ {
		at = all[i]
	}
	for end := begin.Add(step); ; end = end.Add(step) {
		at.Seen, at.Opened = at.present(), 0
		for ; i < len(all) && timeOf(all[i].At, unit).Before(end) && timeOf(all[i].At, unit).Before(to); i++ {
			next := all[i]
			next.Seen |= at.Seen
			next.Opened += at.Opened
			at = next
		}
		h.Items = append(h.Items, bucketOf(at, earlier(end, h.To)))
		if !end.Before(to) {
			return h, nil
		}
	}
}

func earlier(x, y time.Time) time.Time {
	if y.Before(x) {
		return y
	}
	return x
}

func timeOf(number int64, unit time.Duration) time.Time {
	return time.Unix(number*int64(unit/time.Second), 0).UTC()
}

// wholeStep is the least step of whole minutes with which a span has no more than MaxBuckets.
func wholeStep(span time.Duration) time.Duration {
	least := span/MaxBuckets + time.Minute
	return least.Truncate(time.Minute)
}

// StepFor returns a step with which a span has about 120 buckets.
func StepFor(span time.Duration) time.Duration {
	const about = 120
	day := 24 * time.Hour
	steps := []time.Duration{
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day, 14 * day, 28 * day,
	}
	for _, step := range steps {
		if span <= about*step*3/2 {
			return step
		}
	}
	return (span/about + day).Truncate(day)
}

func bucketOf(c count, at time.Time) HistoryBucket {
	b := HistoryBucket{At: at, IncidentsOpened: int(c.Opened), IncidentsOpen: int(c.Open)}
	for place, status := range monitor.Statuses() {
		if b.Worst == "" && c.Seen&(1<<place) != 0 {
			b.Worst = status
		}
		n := int(c.By[place])
		switch status {
		case monitor.StatusUp:
			b.Up = n
		case monitor.StatusDegraded:
			b.Degraded = n
		case monitor.StatusDown:
			b.Down = n
		case monitor.StatusUnknown:
			b.Unknown = n
		case monitor.StatusPaused:
			b.Paused = n
		case monitor.StatusMaintenance:
			b.Maintenance = n
		}
	}
	return b
}

// countsFrom returns the counts of a range, with at least the last one before it, in order, and
// whether they are by minute or by hour: by hour where the steps are whole hours.
func (r *Reader) countsFrom(ctx context.Context, from, to time.Time, step time.Duration) ([]count, time.Duration, error) {
	r.mu.RLock()
	months, lately, present := r.bygone.months, r.bygone.lately, r.bygone.present.Minutes
	var hours []count
	for _, month := range months {
		hours = append(hours, month...)
	}
	r.mu.RUnlock()
	slices.SortFunc(hours, func(x, y count) int { return int(x.At - y.At) })
	hours = append(hours, lately.Hours...)
	// A cut last bucket counts up to the minute.
	if step%time.Hour == 0 && (to.Truncate(time.Hour).Equal(to) || len(present) == 0 || !to.Before(timeOf(present[len(present)-1].At, time.Minute))) {
		if n := len(present); n > 0 {
			hours = append(hours, joinCounts(floorDiv(present[0].At, minutesPerHour), present))
		}
		return hours, time.Hour, nil
	}
	minutes, err := r.minutesFrom(ctx, hours, from, to)
	if err != nil {
		return nil, 0, err
	}
	// A day that was over only just now may be among both.
	all := slices.Concat(minutes, lately.Minutes, present)
	at := int64(math.MinInt64)
	return slices.DeleteFunc(all, func(c count) bool {
		again := c.At <= at
		at = max(at, c.At)
		return again
	}), time.Minute, nil
}

// minutesFrom returns the minutes of the days of a range that are over. What comes before them is of
// the hours.
func (r *Reader) minutesFrom(ctx context.Context, hours []count, from, to time.Time) ([]count, error) {
	bucket, err := r.bucket(countsBucket)
	if err != nil {
		return nil, err
	}
	var before count
	var keys []string
	for _, h := range hours {
		day := dayOf(h.At)
		switch {
		case day < dayOf(hourOf(from)):
			before = h
			before.At = h.At*minutesPerHour + minutesPerHour - 1
		case day <= dayOf(hourOf(to)):
			if key := dayPrefix + strconv.FormatInt(day, 10); !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	days := make([][]count, len(keys))
	if err := fetch(ctx, bucket, keys, func(i int, raw []byte) (err error) {
		days[i], err = readCounts(raw)
		return err
	}); err != nil {
		return nil, err
	}
	if before.At == 0 {
		return slices.Concat(days...), nil
	}
	return slices.Concat(append([][]count{{before}}, days...)...), nil
}
