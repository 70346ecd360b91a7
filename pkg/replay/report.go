package replay

import (
	"fmt"
	"slices"
	"time"
)

// Report says what happened, and what would have happened under the changed policy.
type Report struct {
	Service string    `json:"service,omitempty"`
	Check   string    `json:"check,omitempty"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Set     Change    `json:"set"`
	// ReplayedFrom is From, or the time from which on results are kept, where that is later: then
	// Complete is false.
	ReplayedFrom time.Time `json:"replayed_from"`
	Complete     bool      `json:"complete"`
	// Faithful says that the same fold under the recorded policy gives what EVENTS recorded; where it
	// does not, Deviating are the checks, 100 at most.
	Faithful  bool     `json:"faithful"`
	Deviating []string `json:"deviating,omitempty"`
	// Notes say in words what is to be known about the answer.
	Notes []string `json:"notes,omitempty"`
	// Source is where the results were read: "traces", what is kept of each in few bytes; "results", the
	// log of results; or "history", the histories of the checks.
	Source string `json:"source"`
	// Results is how many results of the range were folded.
	Results int `json:"results"`
	Recount
	Coverage  Coverage     `json:"coverage"`
	Incidents []Difference `json:"incidents"`
	// Happened and Would are the figures of all checks together.
	Happened Sums `json:"happened"`
	Would    Sums `json:"would"`
	// OfService is absent when the question is about a check.
	OfService *Comparison   `json:"of_service,omitempty"`
	Checks    []CheckReport `json:"checks"`
}

// Comparison is what became of a service or check, both ways.
type Comparison struct {
	Happened Sums     `json:"happened"`
	Would    Sums     `json:"would"`
	Timeline Timeline `json:"timeline"`
}

// Timeline holds the spans of status, both ways: MaxSpans of each at most.
type Timeline struct {
	Happened []Span `json:"happened"`
	Would    []Span `json:"would"`
	// LeftOut is how many spans there were beyond MaxSpans. All figures count them.
	LeftOut int `json:"left_out,omitempty"`
}

// MaxSpans bounds each timeline of a report.
const MaxSpans = 1000

// CheckReport is about one check.
type CheckReport struct {
	ID string `json:"id"`
	Comparison
	Results int `json:"results"`
	Recount
	Coverage Coverage `json:"coverage"`
	// Unchanged says why the change was not applied to this check; empty when it was.
	Unchanged string `json:"unchanged,omitempty"`
	// Unsettled says that the results before the range do not tell how the check stood.
	Unsettled bool `json:"unsettled,omitempty"`
}

// The kinds of differences.
const (
	// Kept would have been the same; Moved would have been opened or resolved at another time.
	Kept  = "kept"
	Moved = "moved"
	// Gained would have been opened in addition; Lost would not have been opened.
	Gained = "gained"
	Lost   = "lost"
)

// Difference is an incident with what would have become of it.
type Difference struct {
	Kind     string    `json:"kind"`
	CheckID  string    `json:"check_id"`
	Happened *Incident `json:"happened,omitempty"`
	Would    *Incident `json:"would,omitempty"`
	// LaterMS is by how many milliseconds it would have been opened later (negative: earlier).
	LaterMS int64 `json:"later_ms"`
}

// Report ends the trial, after the last result.
func (t *Trial) Report() Report {
	for _, id := range t.ids {
		t.cases[id].end()
	}
	happened := t.tell(t.happened())
	would := t.tell(t.hold(func(c *Case) *witness { return c.would }, t.record.question.Change))
	again := t.tell(t.hold(func(c *Case) *witness { return c.was }, Change{}))
	q := t.record.question
	r := Report{
		Service: q.Service, Check: q.Check, From: q.From.UTC(), To: q.To.UTC(), Set: q.Change,
		ReplayedFrom: q.From.UTC(), Complete: true, Incidents: []Difference{}, Checks: make([]CheckReport, 0, len(t.ids)),
	}
	r.Coverage.add(Coverage{})
	for _, id := range t.ids {
		r.take(t.reportCheck(id, happened.checks[id], would.checks[id]))
		r.Incidents = append(r.Incidents, differences(id, happened.checks[id].incidents, would.checks[id].incidents)...)
		if !alike(happened.checks[id], again.checks[id]) {
			r.Deviating = append(r.Deviating, id)
		}
	}
	slices.SortStableFunc(r.Incidents, func(x, y Difference) int { return x.first().Compare(y.first()) })
	r.Faithful = len(r.Deviating) == 0 && alike(happened.service, again.service)
	if q.Service != "" {
		of := compare(happened.service, would.service)
		r.OfService = &of
	}
	t.note(&r)
	const mostNamed = 100
	r.Deviating = r.Deviating[:min(len(r.Deviating), mostNamed)]
	return r
}

// ReachedBack sets what was asked for, where results are not kept that far back.
func (r *Report) ReachedBack(from time.Time) {
	if from.Before(r.ReplayedFrom) {
		r.From, r.Complete = from.UTC(), false
		r.Notes = append([]string{fmt.Sprintf("results are kept from %s on: nothing is said of the time before", r.ReplayedFrom.Format(time.RFC3339))}, r.Notes...)
	}
}

func (t *Trial) reportCheck(id string, happened, would *thread) CheckReport {
	c := t.cases[id]
	report := CheckReport{ID: id, Comparison: compare(happened, would), Results: c.results, Recount: c.recount, Coverage: c.coverage.sum(), Unsettled: c.unsettled}
	if p, unfit := t.unfit[id]; unfit {
		report.Unchanged = p.Field + ": " + p.Message
	}
	return report
}

// take adds a check's report to the sums.
func (r *Report) take(c CheckReport) {
	r.Checks = append(r.Checks, c)
	r.Happened.add(c.Happened)
	r.Would.add(c.Would)
	r.Coverage.add(c.Coverage)
	r.Results += c.Results
	r.Regraded += c.Regraded
	r.NotReplayable += c.NotReplayable
	r.Unretried += c.Unretried
}

func compare(happened, would *thread) Comparison {
	return Comparison{
		Happened: happened.sums(), Would: would.sums(),
		Timeline: Timeline{
			Happened: spansOf(happened), Would: spansOf(would),
			LeftOut: max(0, len(happened.spans)-MaxSpans) + max(0, len(would.spans)-MaxSpans),
		},
	}
}

func spansOf(t *thread) []Span {
	return append([]Span{}, t.spans[:min(len(t.spans), MaxSpans)]...)
}

// tolerance is how far apart the same decision may be: that a check never ran is decided at the
// decider's next look.
const tolerance = time.Second

// alike reports whether two threads tell the same.
func alike(x, y *thread) bool {
	return slices.EqualFunc(x.spans, y.spans, func(a, b Span) bool {
		return a.Status == b.Status && near(a.From, b.From) && near(a.To, b.To)
	}) && slices.EqualFunc(x.incidents, y.incidents, func(a, b *Incident) bool {
		return near(a.OpenedAt, b.OpenedAt) && near(a.ResolvedAt, b.ResolvedAt)
	})
}

func near(a, b time.Time) bool { return a.Sub(b).Abs() <= tolerance }

// note says in words what is to be known.
func (t *Trial) note(r *Report) {
	say := func(n int, what, format string) {
		if n == 1 {
			r.Notes = append(r.Notes, fmt.Sprintf(format, "one "+what))
		} else if n > 1 {
			r.Notes = append(r.Notes, fmt.Sprintf(format, fmt.Sprint(n, " ", what, "s")))
		}
	}
	unsettled, unfit := 0, 0
	for _, c := range r.Checks {
		if c.Unsettled {
			unsettled++
		}
		if c.Unchanged != "" {
			unfit++
		}
	}
	say(unfit, "check", "left as it was, since the change does not fit: %s")
	say(unsettled, "check", "the results before the range do not tell how everything stood when it began, so that the first decisions may be others: %s")
	say(r.NotReplayable, "result", "what an assertion needs was not kept, so that the recorded outcome stands: %s")
	say(r.Unretried, "result", "results became failures where another attempt would have been made, of which nothing is known: %s")
	say(len(r.Deviating), "check", "what was recorded is not what the recorded policy leads to, as when no decider was at work, so compare with care: %s")
	if r.Coverage.Expected > 0 && r.Coverage.Share < fullCoverage {
		r.Notes = append(r.Notes, fmt.Sprintf("%d of %d expected executions found something: of the rest nothing is known", r.Coverage.Found, r.Coverage.Expected))
	}
}

// fullCoverage is the share of executions from which on none is missed.
const fullCoverage = 0.99

// first is when the earlier of both incidents was opened.
func (d Difference) first() time.Time {
	switch {
	case d.Happened == nil:
		return d.Would.OpenedAt
	case d.Would == nil || d.Happened.OpenedAt.Before(d.Would.OpenedAt):
		return d.Happened.OpenedAt
	}
	return d.Would.OpenedAt
}

// differences matches the incidents of a check: two are the same when they overlap in time.
func differences(id string, happened, would []*Incident) []Difference {
	var all []Difference
	for len(happened) > 0 || len(would) > 0 {
		switch {
		case len(would) == 0 || (len(happened) > 0 && over(happened[0], would[0].OpenedAt)):
			all = append(all, Difference{Kind: Lost, CheckID: id, Happened: happened[0]})
			happened = happened[1:]
		case len(happened) == 0 || over(would[0], happened[0].OpenedAt):
			all = append(all, Difference{Kind: Gained, CheckID: id, Would: would[0]})
			would = would[1:]
		default:
			h, w := happened[0], would[0]
			d := Difference{Kind: Moved, CheckID: id, Happened: h, Would: w, LaterMS: w.OpenedAt.Sub(h.OpenedAt).Milliseconds()}
			if h.OpenedAt.Equal(w.OpenedAt) && h.ResolvedAt.Equal(w.ResolvedAt) {
				d.Kind = Kept
			}
			all = append(all, d)
			happened, would = happened[1:], would[1:]
		}
	}
	return all
}

// over reports whether an incident was over by the time.
func over(i *Incident, by time.Time) bool {
	return !i.ResolvedAt.IsZero() && !i.ResolvedAt.After(by)
}
