// Package answer reads the logs for a what-if question and answers it: EVENTS up to the end of the
// range, then RESULTS from a little before its beginning on. Neither is written to.
//
// Both logs are read in order, once; where the histories of the checks reach back far enough and are
// cheaper, they take the place of RESULTS. What is kept in memory are the boards, the events of the range
// and, per check, what was decided: never the results. RESULTS is kept by location, not by check, so
// that reading it for one check costs as much as for all of them.
package answer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/replay"
)

// Logs is what is read.
type Logs interface {
	// Follow and Last are bus.EventLog's.
	Follow(ctx context.Context, after uint64, filter bus.Filter, handle func([]monitor.EventMessage) error, caughtUp func()) error
	Last(ctx context.Context) (uint64, error)
	// The others are bus.ResultLog's.
	FollowResults(ctx context.Context, after uint64, handle func([]monitor.EventMessage) error, caughtUp func()) error
	ReadResults(ctx context.Context, after uint64, limit int) ([]monitor.EventMessage, error)
	FirstResult(ctx context.Context) (uint64, error)
	LastResult(ctx context.Context) (uint64, error)
	ResultsSince(ctx context.Context, at time.Time) (uint64, error)
}

// Options configure an answer. Zero fields take the defaults named here.
type Options struct {
	// Progress, when set, is called now and then, from one goroutine, and at last with Done = Total.
	Progress func(Progress)
	// Share bounds the share of the time in which logs are read and folded after the first quarter of a
	// second, so that those who work beside are not slowed: bounds (0, 1], default DefaultShare.
	Share float64
	// History, when set, is read where that is cheaper than RESULTS.
	History History
	// Past, when set, takes the place of both logs as far as it goes, unless assertions are changed.
	Past Past
	// Now defaults to time.Now.
	Now func() time.Time
}

// History is a read model of the results of each check. It knows when results finished, not when they
// were stored, so that an answer from it is dropped for one of RESULTS where it does not agree with
// EVENTS.
type History interface {
	// Reached is the message of RESULTS up to which all histories go; 0 when they cannot be used.
	Reached() uint64
	// Past calls each with the results of a check that were due at a time and later, in the order in
	// which they came, and reports whether the history still has all of those.
	Past(ctx context.Context, checkID string, since time.Time, each func(monitor.Result)) (whole bool, err error)
}

// DefaultShare leaves half of the time to others.
const DefaultShare = 0.5

// Progress says how far reading has come.
type Progress struct {
	// Reading is "events", "traces", "history" or "results".
	Reading string `json:"reading"`
	// Done and Total count messages, or checks of which traces or history were read; of EVENTS, Total is all
	// there are, of which fewer may be wanted.
	Done  uint64 `json:"done"`
	Total uint64 `json:"total"`
	// LeftMS is how many milliseconds the results will take at the present rate; 0 while that is not
	// known.
	LeftMS int64 `json:"left_ms"`
}

// progressEvery is the least time between two reports of progress.
const progressEvery = 100 * time.Millisecond

// WhatIf answers a question that is valid, as of now where it does not say when it is asked. It returns ctx's error when that ends first. Other errors:
// monitor.ErrNotFound and monitor.Problems, as replay.NewTrial and replay.NewRecord say.
func WhatIf(ctx context.Context, logs Logs, q replay.Question, assessor replay.Assessor, opt Options) (replay.Report, error) {
	if opt.Share <= 0 || opt.Share > 1 {
		opt.Share = DefaultShare
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if q.Asked.IsZero() {
		q.Asked = opt.Now()
	}
	if opt.Progress == nil {
		opt.Progress = func(Progress) {}
	}
	r := &reader{logs: logs, opt: opt, begun: opt.Now()}
	if report, ok, err := r.fromTraces(ctx, q, assessor); ok || err != nil {
		return report, err
	}
	kept, err := r.kept(ctx, q)
	if err != nil {
		return replay.Report{}, err
	}
	record, err := replay.NewRecord(q, monitor.NewBoard(), kept)
	if err != nil {
		return replay.Report{}, err
	}
	if err := r.events(ctx, record, 0); err != nil {
		return replay.Report{}, fmt.Errorf("read events: %w", err)
	}
	trial, err := replay.NewTrial(record, assessor)
	if err != nil {
		return replay.Report{}, err
	}
	span, err := r.span(ctx, trial)
	if err != nil {
		return replay.Report{}, fmt.Errorf("find the results: %w", err)
	}
	if since, ok := r.historyIsCheaper(trial, span); ok {
		report, ok, err := r.fromHistory(ctx, trial, since)
		if err != nil {
			return replay.Report{}, fmt.Errorf("read histories: %w", err)
		}
		if ok {
			report.ReachedBack(q.From)
			return report, nil
		}
		if trial, err = replay.NewTrial(record, assessor); err != nil {
			return replay.Report{}, err
		}
	}
	if err := r.read(ctx, span, trial.Result); err != nil {
		return replay.Report{}, fmt.Errorf("read results: %w", err)
	}
	report := trial.Report()
	report.Source = "results"
	report.ReachedBack(q.From)
	return report, nil
}

// span is the part of RESULTS that a trial wants: the messages after first, up to last.
type span struct{ first, last uint64 }

func (s span) length() uint64 { return s.last - min(s.first, s.last) }

func (r *reader) span(ctx context.Context, trial *replay.Trial) (s span, err error) {
	if s.first, err = r.logs.ResultsSince(ctx, trial.Since()); err != nil {
		return s, err
	}
	if s.last, err = r.logs.LastResult(ctx); err != nil {
		return s, err
	}
	until, err := r.logs.ResultsSince(ctx, trial.Until())
	s.last = min(s.last, until)
	return s, err
}

type reader struct {
	logs Logs
	opt  Options
	// begun is when the reading began, cycle when the last batch was done with, told when progress was
	// last told.
	begun, cycle, told time.Time
}

// kept returns when the oldest result that is kept was stored, zero when none was ever dropped.
func (r *reader) kept(ctx context.Context, q replay.Question) (time.Time, error) {
	first, err := r.logs.FirstResult(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("beginning of the results: %w", err)
	}
	if first <= 1 {
		return time.Time{}, nil
	}
	const some = 16 // in case the very first cannot be read
	oldest, err := r.logs.ReadResults(ctx, first-1, some)
	if err != nil {
		return time.Time{}, fmt.Errorf("oldest results: %w", err)
	}
	if len(oldest) == 0 {
		return q.To, nil // none is left
	}
	return oldest[0].StoredAt, nil
}

// errEnough ends the reading of a log.
var errEnough = errors.New("no more is wanted")

// events gives a record the events after one.
func (r *reader) events(ctx context.Context, record *replay.Record, after uint64) error {
	last, err := r.logs.Last(ctx)
	if err != nil || last == 0 {
		return err
	}
	return r.follow(ctx, func(ctx context.Context, arrived func()) error {
		return r.logs.Follow(ctx, after, bus.Filter{}, func(events []monitor.EventMessage) error {
			for _, m := range events {
				if !record.Event(m) {
					return errEnough
				}
			}
			r.tell(Progress{Reading: "events", Done: events[len(events)-1].Sequence, Total: last})
			return r.rest(ctx)
		}, arrived)
	})
}

// read hands on the results of a span.
func (r *reader) read(ctx context.Context, s span, take func(monitor.EventMessage)) error {
	begun := r.opt.Now()
	p := Progress{Reading: "results", Total: s.length()}
	if p.Total > 0 {
		err := r.follow(ctx, func(ctx context.Context, arrived func()) error {
			return r.logs.FollowResults(ctx, s.first, func(results []monitor.EventMessage) error {
				for _, m := range results {
					if m.Sequence > s.last {
						return errEnough
					}
					take(m)
				}
				reached := results[len(results)-1].Sequence
				p.Done = reached - s.first
				p.LeftMS = left(r.opt.Now().Sub(begun), p.Done, p.Total)
				r.tell(p)
				if reached >= s.last {
					return errEnough
				}
				return r.rest(ctx)
			}, arrived)
		})
		if err != nil {
			return err
		}
	}
	p.Done, p.LeftMS = p.Total, 0
	r.opt.Progress(p)
	return nil
}

// left says in milliseconds how long the rest will take when so much took so long.
func left(took time.Duration, done, total uint64) int64 {
	if done == 0 || done >= total {
		return 0
	}
	estimate := float64(took.Milliseconds()) * float64(total-done) / float64(done)
	return int64(math.Round(estimate))
}

// follow runs read until it has enough, or has arrived at the end that the log had when it began.
func (r *reader) follow(ctx context.Context, read func(ctx context.Context, arrived func()) error) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	r.cycle = r.opt.Now()
	err := read(reading, stop)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, errEnough) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (r *reader) tell(p Progress) {
	if now := r.opt.Now(); now.Sub(r.told) >= progressEvery {
		r.told = now
		r.opt.Progress(p)
	}
}

// rest leaves to others what is not the reader's share of the time. What is done at once needs none.
func (r *reader) rest(ctx context.Context) error {
	const atOnce, longest = 250 * time.Millisecond, 100 * time.Millisecond
	now := r.opt.Now()
	worked := now.Sub(r.cycle)
	if now.Sub(r.begun) < atOnce {
		worked = 0
	}
	pause := min(longest, time.Duration(float64(worked)*(1-r.opt.Share)/r.opt.Share))
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.cycle = r.opt.Now()
	return nil
}
