package readmodel

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/trace"
)

// tellResults adds to views of checks what their results told at the instant: the last one, as far as it
// is kept, the bar, and the uptime of 24 hours where all of those are kept. Where the results of then
// are not kept any more it adds nothing, and returns since when they are.
func (m *Moment) tellResults(ctx context.Context, views []CheckView) (keptSince time.Time, err error) {
	kept, ok := m.reader.TracesKeptSince()
	if !ok || len(views) == 0 {
		return time.Time{}, nil
	}
	if m.at.Before(kept) {
		return kept, nil
	}
	traces, err := m.reader.Traces(ctx, idsOf(views)...)
	if err != nil {
		return time.Time{}, fmt.Errorf("results at %s: %w", m.at.Format(time.RFC3339), err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range views {
		v := &views[i]
		group.Go(func() error {
			p, err := pulseAt(ctx, traces, v.ID, m.at)
			if err != nil || p == nil {
				return err
			}
			v.Recent, v.LastResult, v.LatencyMS = p.Recent, p.last, p.last.DurationMS
			if !m.at.Add(-keptHours * time.Hour).Before(kept) {
				v.Uptime = map[string]Uptime{window24h: p.dayUptime(&v.Check, m.at, m.board.sight(&v.Check))}
			}
			return nil
		})
	}
	return time.Time{}, group.Wait()
}

func idsOf(views []CheckView) []string {
	ids := make([]string, len(views))
	for i := range views {
		ids[i] = views[i].ID
	}
	return ids
}

// pulseAt folds the results of a check of the last 25 hours before an instant, as the projection does;
// nil when there are none. A check that is seldom executed, or was silent, needs more of the past: what
// was missed is known by the result before.
func pulseAt(ctx context.Context, traces *Traces, check string, at time.Time) (*pulse, error) {
	const day = 24 * time.Hour
	begin := at.Add(-keptHours * time.Hour)
	for _, lead := range []time.Duration{time.Hour, 7 * day} {
		p, oldest, err := foldTraces(ctx, traces, check, begin.Add(-lead), at)
		if err != nil || (p != nil && oldest.Before(begin)) {
			return p, err
		}
	}
	p, _, err := foldTraces(ctx, traces, check, begin.Add(-traceDays*day), at)
	return p, err
}

// foldTraces folds results between two times, and returns when the oldest was due.
func foldTraces(ctx context.Context, traces *Traces, check string, from, at time.Time) (p *pulse, oldest time.Time, err error) {
	fold := newActivity()
	fold.recalls = true
	var last trace.Result
	err = traces.Each(ctx, check, from, at.Add(1), func(r *trace.Result) {
		m := r.Brief(check)
		if oldest.IsZero() {
			oldest = time.Unix(0, r.DueAt)
		}
		fold.Apply(m)
		if p := fold.byCheck[check]; p.unwritten != nil && p.unwritten.DueAt.UnixNano() == r.DueAt && p.unwritten.Location == r.Location {
			last = *r
		}
	})
	if p = fold.byCheck[check]; err != nil || p == nil || p.unwritten == nil {
		return nil, oldest, err
	}
	p.present().Minutes = p.found.bytes()
	result := last.Result(check)
	p.last = &result
	return p, oldest, nil
}

// Uptime returns the windows of a check's uptime that end at the instant, without those of which not all
// results or days are kept.
func (m *Moment) Uptime(ctx context.Context, id string) (map[string]Uptime, error) {
	c := m.board.checks[checkPrefix+token(id)]
	if c == nil {
		return nil, fmt.Errorf("check %s at %s: %w", id, m.at.Format(time.RFC3339), monitor.ErrNotFound)
	}
	windows := make(map[string]Uptime)
	kept, ok := m.reader.TracesKeptSince()
	if !ok || m.at.Before(kept) {
		return windows, nil
	}
	traces, err := m.reader.Traces(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("uptime of check %s: %w", id, err)
	}
	p, err := pulseAt(ctx, traces, id, m.at)
	if err != nil {
		return nil, fmt.Errorf("uptime of check %s: %w", id, err)
	}
	if p == nil {
		p = &pulse{}
	}
	known := m.board.sight(&c.Check)
	if !m.at.Add(-keptHours * time.Hour).Before(kept) {
		windows[window24h] = p.dayUptime(&c.Check, m.at, known)
	}
	day := dayOf(hourOf(m.at))
	// What was missed since the last result is in no day yet; the days of now have it from the result after.
	last := day
	if n := len(p.Hours); n > 0 && dayOf(p.Hours[n-1].At) < day {
		last = dayOf(p.Hours[n-1].At)
		if p, _, err = foldTraces(ctx, traces, id, m.at.AddDate(0, 0, -traceDays), m.at); err != nil {
			return nil, fmt.Errorf("uptime of check %s: %w", id, err)
		}
	}
	if kept.After(time.Unix(last*24*3600, 0)) {
		return windows, nil // of the day itself a part is not kept
	}
	past, err := m.reader.wholeDays(ctx, id, last)
	if err != nil {
		return nil, fmt.Errorf("uptime of check %s: %w", id, err)
	}
	oldest := dayOf(hourOf(m.reader.now())) - spanDays*(spanSlots-1)
	for name, length := range windowDays() {
		if day-length < oldest {
			continue
		}
		sum := account{rules: known.rules, tally: tally{Missed: p.missing(&c.Check, m.at)}}
		for _, hour := range p.Hours {
			if dayOf(hour.At) >= last {
				sum.hour(hour)
			}
		}
		for _, d := range past {
			if d.At >= day-length {
				sum.day(d)
			}
		}
		windows[name] = sum.uptime()
	}
	return windows, nil
}

// ResultsKeptSince says since when results are kept, where those of the instant are not.
func (m *Moment) ResultsKeptSince() time.Time {
	if kept, ok := m.reader.TracesKeptSince(); ok && m.at.Before(kept) {
		return kept
	}
	return time.Time{}
}

// wholeDays returns the days of a check that were over before a day, as far back as they are kept.
func (r *Reader) wholeDays(ctx context.Context, id string, before int64) ([]tally, error) {
	bucket, err := r.bucket(activityBucket)
	if err != nil {
		return nil, err
	}
	present := &pulse{}
	if _, err := bucket.Get(ctx, todayPrefix+token(id)); errors.Is(err, bus.ErrNoKey) {
		return nil, nil // less than an hour of results
	} else if err != nil {
		return nil, err
	}
	days, err := r.pastDays(ctx, id, present, before-windowDays()["90d"])
	return slices.DeleteFunc(days, func(d tally) bool { return d.At >= before }), err
}
