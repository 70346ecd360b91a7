package answer

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/replay"
	"github.com/vedette/vedette/pkg/trace"
)

// Past is what read models know of the past, so that the logs need not be read from their beginnings.
type Past interface {
	// BoardAt returns how everything stood at an instant, and the event up to which that holds; of a check
	// that is named only what tells of it.
	BoardAt(ctx context.Context, at time.Time, checkID string) (*monitor.Board, uint64, error)
	// IncidentEvents returns the events about the incidents of a check after one up to an instant.
	IncidentEvents(ctx context.Context, checkID string, after uint64, to time.Time) ([]monitor.EventMessage, error)
	// TracesKeptSince is from when on traces of results are kept, zero where none was dropped; not ok
	// when they cannot be used.
	TracesKeptSince() (since time.Time, ok bool)
	// Traces opens the traces of some checks.
	Traces(ctx context.Context, checks []string) (Traces, error)
}

// Traces give what is kept of the results of each check. They are safe for concurrent use.
type Traces interface {
	// Reached is the message of RESULTS up to which they go.
	Reached() uint64
	// Each calls take with the results of a check that were stored between two times, in the order in
	// which they came; earlier ones may be among them. What take is given is overwritten by the next.
	Each(ctx context.Context, checkID string, from, to time.Time, take func(*trace.Result)) error
}

// fromTraces answers from what is kept of the results of each check, and from RESULTS what came since.
// Not ok where traces do not tell: when assertions are judged again, or while they are built.
func (r *reader) fromTraces(ctx context.Context, q replay.Question, assessor replay.Assessor) (report replay.Report, ok bool, err error) {
	if r.opt.Past == nil || q.Change.Assertions != nil {
		return report, false, nil
	}
	kept, ok := r.opt.Past.TracesKeptSince()
	if !ok {
		return report, false, nil
	}
	board, after, err := r.opt.Past.BoardAt(ctx, replay.LeadBegins(later(q.From, kept)).Add(-1), q.Check)
	if err != nil {
		return report, false, err
	}
	record, err := replay.NewRecord(q, board, kept)
	if err != nil {
		return report, false, err
	}
	if err := r.eventsAfter(ctx, q, record, after); err != nil {
		return report, false, fmt.Errorf("read events: %w", err)
	}
	trial, err := replay.NewTrial(record, assessor)
	if err != nil {
		return report, false, err
	}
	if err := r.readTraces(ctx, trial); err != nil {
		return report, false, fmt.Errorf("read traces: %w", err)
	}
	report = trial.Report()
	report.Source = "traces"
	report.ReachedBack(q.From)
	return report, true, nil
}

func later(x, y time.Time) time.Time {
	if y.After(x) {
		return y
	}
	return x
}

// eventsAfter gives a record its events: of a question about one check only those about it.
func (r *reader) eventsAfter(ctx context.Context, q replay.Question, record *replay.Record, after uint64) error {
	if q.Check == "" {
		return r.events(ctx, record, after)
	}
	last, err := r.logs.Last(ctx)
	if err != nil || last == 0 {
		return err
	}
	var all []monitor.EventMessage
	if err := r.follow(ctx, func(ctx context.Context, arrived func()) error {
		return r.logs.Follow(ctx, after, bus.Filter{Aggregate: "check", ID: q.Check}, func(events []monitor.EventMessage) error {
			all = append(all, events...)
			r.tell(Progress{Reading: "events", Done: events[len(events)-1].Sequence, Total: last})
			return nil
		}, arrived)
	}); err != nil {
		return err
	}
	incidents, err := r.opt.Past.IncidentEvents(ctx, q.Check, after, r.opt.Now())
	if err != nil {
		return err
	}
	all = append(all, incidents...)
	slices.SortFunc(all, func(x, y monitor.EventMessage) int { return int(x.Sequence) - int(y.Sequence) })
	for _, m := range all {
		if !record.Event(m) {
			return nil
		}
	}
	return nil
}

// readTraces gives each check of a trial its results, several checks at a time, and one core left to
// others.
func (r *reader) readTraces(ctx context.Context, trial *replay.Trial) error {
	checks := trial.Checks()
	traces, err := r.opt.Past.Traces(ctx, checks)
	if err != nil {
		return err
	}
	reached := make(map[string]monitor.Position, len(checks))
	begun := r.opt.Now()
	var mu sync.Mutex
	p := Progress{Reading: "traces", Total: uint64(len(checks))}
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(max(1, runtime.GOMAXPROCS(0)-1))
	for _, id := range checks {
		group.Go(func() error {
			one, last := trial.Case(id), monitor.Position{}
			err := traces.Each(reading, id, trial.Since(), trial.Until(), func(result *trace.Result) {
				if result.StoredAt >= trial.Since().UnixNano() {
					one.Trace(result)
				}
				last = result.Position
			})
			if err == nil {
				err = reading.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			reached[id] = last
			p.Done++
			p.LeftMS = left(r.opt.Now().Sub(begun), p.Done, p.Total)
			r.tell(p)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	p.Done, p.LeftMS = p.Total, 0
	r.opt.Progress(p)
	return r.since(ctx, trial, traces.Reached(), reached)
}

// since gives a trial what came since the traces were written.
func (r *reader) since(ctx context.Context, trial *replay.Trial, after uint64, reached map[string]monitor.Position) error {
	s, err := r.span(ctx, trial)
	if err != nil {
		return err
	}
	if s.first = max(s.first, after); s.length() == 0 {
		return nil
	}
	return r.read(ctx, s, func(m monitor.EventMessage) {
		if result, check, ok := trace.Of(m); ok && trial.Case(check) != nil && m.Position().After(reached[check]) {
			trial.Case(check).Trace(&result)
		}
	})
}
