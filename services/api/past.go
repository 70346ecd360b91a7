package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
	whatif "github.com/vedette/vedette/pkg/replay/answer"
)

// ofThePast is said of what can be asked of the past.
const ofThePast = "With `at` the answer is of that instant."

// Then asks for the board of the past.
type Then struct {
	At string `query:"at" maxLength:"64" doc:"As it was at this instant, a time or a span back from now such as -2h: definitions and statuses as they were then, and what results told as long as those are kept." example:"2026-03-14T09:00:00Z"`
}

func (t Then) isPast() bool { return t.At != "" }

// boardReads answers of the present, or of an instant of the past.
type boardReads interface {
	readmodel.CheckRepository
	readmodel.ServiceRepository
	readmodel.OverviewRepository
	Incidents(ctx context.Context, query readmodel.IncidentQuery) (readmodel.Page[readmodel.IncidentView], error)
}

// justNow is how old an instant is at most for what was written by then to be waited for.
const justNow = 10 * time.Second

// boardAt returns what answers of the instant that is asked for.
func (s *server) boardAt(ctx context.Context, then Then) (boardReads, error) {
	if !then.isPast() {
		return s.reads, nil
	}
	return s.moment(ctx, then)
}

// moment returns the board of an instant of the past.
func (s *server) moment(ctx context.Context, then Then) (*readmodel.Moment, error) {
	now := s.now()
	at, problems := instant(nil, "at", then.At, now, now)
	if at.After(now) {
		problems.Add("at", "%s has not come yet: name a time of the past, or leave it out for the present", at.UTC().Format(time.RFC3339))
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	if now.Sub(at) < justNow || !s.pastIsBuilt() {
		if err := s.awaitTimeline(ctx); err != nil {
			return nil, err
		}
	}
	if !s.pastIsBuilt() {
		if last, err := s.bus.Last(ctx); err != nil || last > 0 { // of nothing there is no past either
			return nil, problem(http.StatusServiceUnavailable, "building", "what is known of the past is being built: try again in a moment").after(time.Second)
		}
	}
	return s.reads.At(ctx, at, s.horizon.settled(ctx, at))
}

// pastIsBuilt reports whether the past has been folded, however far: a board of a part of it would show
// what never was.
func (s *server) pastIsBuilt() bool {
	return slices.ContainsFunc(s.reads.Projections(), func(p readmodel.ProjectionView) bool {
		return p.Name == readmodel.TimelineName && p.Events > 0 && !p.Rebuilding
	})
}

// awaitTimeline waits until the past knows what is written by now. What is late is not waited for.
func (s *server) awaitTimeline(ctx context.Context) error {
	last, err := s.bus.Last(ctx)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, showWait)
	defer cancel()
	if err := s.reads.WaitForTimeline(waiting, last); err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return nil
}

// pastOf is the past for a replay.
type pastOf struct{ reads readmodel.Reads }

// BoardAt implements whatif.Past.
func (p pastOf) BoardAt(ctx context.Context, at time.Time, checkID string) (*monitor.Board, uint64, error) {
	read := func() (*readmodel.Moment, error) { return p.reads.At(ctx, at, false) }
	if checkID != "" {
		read = func() (*readmodel.Moment, error) { return p.reads.CheckAt(ctx, at, checkID) }
	}
	moment, err := read()
	if err != nil {
		return nil, 0, err
	}
	board, sequence := moment.Domain()
	return board, sequence, nil
}

// IncidentEvents implements whatif.Past.
func (p pastOf) IncidentEvents(ctx context.Context, checkID string, after uint64, to time.Time) ([]monitor.EventMessage, error) {
	return p.reads.IncidentEvents(ctx, checkID, after, to)
}

// TracesKeptSince implements whatif.Past.
func (p pastOf) TracesKeptSince() (time.Time, bool) { return p.reads.TracesKeptSince() }

// Traces implements whatif.Past.
func (p pastOf) Traces(ctx context.Context, checks []string) (whatif.Traces, error) {
	return p.reads.Traces(ctx, checks...)
}

type historyRead struct {
	From string `query:"from" maxLength:"64" doc:"When it begins: a time, or a span back from now such as -7d; a day ago by default." example:"2026-03-13T00:00:00Z"`
	To   string `query:"to" maxLength:"64" doc:"When it ends, now by default." example:"2026-03-14T00:00:00Z"`
	Step string `query:"step" maxLength:"32" doc:"How long a bucket is, in whole minutes; by default what makes about 120 buckets. At most 2,000 buckets are given." example:"10m"`
}

func (s *server) pastRoutes(d *document) {
	at := exampleTime(0)
	register(d, operation{
		id: "get-history", method: http.MethodGet, path: "/overview/history", tag: tagBoard, summary: "Count checks by status over time",
		description: "A histogram: how many checks had each status at the end of each bucket, the worst status within it, and the incidents opened " +
			"in it and open at its end. Buckets are whole steps in UTC; the first holds `from`, the last may be cut short by `to`. " +
			"`GET /overview?at=` with the `at` of a bucket shows that board.",
		answer: readmodel.History{From: at.Add(-20 * time.Minute), To: at, Step: monitor.Duration(10 * time.Minute), Items: []readmodel.HistoryBucket{
			{At: at.Add(-10 * time.Minute), Up: 42, Worst: monitor.StatusUp},
			{At: at, Up: 41, Down: 1, Worst: monitor.StatusDown, IncidentsOpened: 1, IncidentsOpen: 1},
		}},
		errors: []int{http.StatusUnprocessableEntity},
	}, s.getHistory)
}

func (s *server) getHistory(ctx context.Context, in *historyRead) (*answer, error) {
	now := s.now()
	to, problems := instant(nil, "to", in.To, now, now)
	from, problems := instant(problems, "from", in.From, to.Add(-24*time.Hour), now)
	var step monitor.Duration
	if in.Step != "" {
		if err := step.UnmarshalText([]byte(in.Step)); err != nil {
			problems.Add("step", "%v", err)
		} else if step.Std() < readmodel.MinStep || step.Std()%time.Minute != 0 {
			problems.Add("step", "%s is no step: use whole minutes, such as 5m or 1h", step)
		}
	}
	if len(problems) == 0 && !from.Before(to) {
		problems.Add("from", "%s is not before to, %s", from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	}
	if len(problems) == 0 && from.After(now) {
		problems.Add("from", "%s has not come yet: name a time of the past", from.UTC().Format(time.RFC3339))
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if to.After(now) {
		to = now
	}
	if step == 0 {
		step = monitor.Duration(readmodel.StepFor(to.Sub(from)))
	}
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	history, err := s.reads.History(ctx, from, to, step.Std())
	if err != nil {
		return nil, err
	}
	return &answer{Status: http.StatusOK, Body: history}, nil
}

func pastFields() map[string]string {
	return map[string]string{
		"at":                     "The instant of the past that was asked for; absent of the present.",
		"results_kept_since":     "Results before this time are not kept any more, so that nothing is said of what they told; absent where they are.",
		"History.from":           "When the first bucket begins.",
		"History.to":             "When the last bucket ends.",
		"History.step":           "How long a bucket is.",
		"History.items":          "The buckets, oldest first.",
		"HistoryBucket.at":       "When it ends.",
		"HistoryBucket.up":       "How many checks were up at its end.",
		"HistoryBucket.degraded": "How many were degraded.", "HistoryBucket.down": "How many were down.", "HistoryBucket.unknown": "How many were unknown.",
		"HistoryBucket.paused": "How many were paused.", "maintenance": "How many were under maintenance.",
		"worst":            "The worst status that any check had within it; absent without checks.",
		"incidents_opened": "How many incidents were opened within it.", "incidents_open": "How many were open at its end.",
	}
}
