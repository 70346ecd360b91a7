package replay

import (
	"cmp"
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/trace"
)

// run are results in a row that change nothing but counters, under either policy: most of what a check
// ever finds. They are gathered and counted together, which takes a twentieth of the time. What is
// not such a result ends the run and is heard by itself.
type run struct {
	// calm says that a run may go on: how the check stands agrees with what its results say, both ways.
	calm bool
	// until is when something is asked of the check next, nanoseconds since 1970.
	until int64
	// stale is after which time without a result a location's data is too old, under either policy.
	stale    int64
	position monitor.Position
	stored   int64
	paces    []pace
	// gathered counts the results that were counted together.
	gathered int
}

// pace is what a location found last.
type pace struct {
	location string
	due      int64
	stored   int64
	outcome  monitor.Outcome
	// regraded is the outcome under the changed policy.
	regraded monitor.Outcome
	// n are the results in a row that are not counted yet, last the last of them.
	n    int
	last trace.Result
}

// Trace takes the check's next result, as Result does, from what was kept of it. Assertions cannot be
// judged again over it.
func (c *Case) Trace(r *trace.Result) {
	if !c.run.calm || !c.extend(r) {
		c.endRun()
		c.Result(r.Message(c.id))
		c.beginRun(r)
	}
}

// extend adds a result to the run, if it is like those before.
func (c *Case) extend(r *trace.Result) bool {
	w := &c.run
	if r.StoredAt >= w.until || r.StoredAt < w.stored || r.Outcome == monitor.OutcomeError || !r.Position.After(w.position) {
		return false
	}
	var at *pace
	for i := range w.paces {
		p := &w.paces[i]
		if r.StoredAt-p.stored > w.stale {
			return false
		}
		if p.location == r.Location {
			at = p
		}
	}
	if at == nil || r.DueAt <= at.due || r.Outcome != at.outcome {
		return false
	}
	if c.regrades && !c.regradeRun(r, at) {
		return false
	}
	at.due, at.stored, at.n, at.last = r.DueAt, r.StoredAt, at.n+1, *r
	w.position, w.stored = r.Position, r.StoredAt
	c.results++
	w.gathered++
	if r.Trigger == monitor.TriggerSchedule && r.DueAt >= c.fromNanos && r.DueAt < c.toNanos {
		c.coverage.found++
	}
	return true
}

// regradeRun counts how a result fares under the changed policy; false, and nothing counted, when that
// is not as the one before.
func (c *Case) regradeRun(r *trace.Result, at *pace) bool {
	var counts Recount
	again := counts.regrade(c.graded(r), c.gradingAt(r.Revision), c.would.check.Definition, c.assessor)
	if again.Outcome != at.regraded {
		return false
	}
	c.recount.add(counts)
	return true
}

// graded is as much of a result as grading looks at.
func (c *Case) graded(r *trace.Result) monitor.Result {
	return monitor.Result{Outcome: r.Outcome, DurationMS: float64(r.Duration) / float64(time.Millisecond), Attempts: r.Attempts, Error: r.Error}
}

// beginRun looks whether what follows a result that was heard may be a run.
func (c *Case) beginRun(r *trace.Result) {
	w := &c.run
	w.calm = false
	was, would := c.was.check.Definition, c.would.check.Definition
	if !c.was.known || !slices.Contains(was.Locations, r.Location) {
		return
	}
	w.note(r, c.regradedOutcome(r, would))
	if !c.begun || was.Cron != "" || !c.was.calm(r.StoredAt) || !c.would.calm(r.StoredAt) {
		return
	}
	w.paces = slices.DeleteFunc(w.paces, func(p pace) bool { return !slices.Contains(was.Locations, p.location) })
	if len(w.paces) != len(was.Locations) {
		return
	}
	patience, _ := was.Patience()
	other, _ := would.Patience()
	w.stale = int64(min(patience, other))
	for _, p := range w.paces {
		if !c.was.tallies.Steady(c.id, p.location, p.outcome) || !c.would.tallies.Steady(c.id, p.location, p.regraded) || r.StoredAt-p.stored > w.stale {
			return
		}
	}
	w.until = c.toNanos
	if len(c.was.requests) > 0 {
		w.until = min(w.until, c.was.requests[0].at.UnixNano())
	}
	w.position, w.stored = r.Position, r.StoredAt
	w.calm = true
}

// regradedOutcome is that of a result under the changed policy.
func (c *Case) regradedOutcome(r *trace.Result, would monitor.Definition) monitor.Outcome {
	if !c.regrades || len(c.gradings) == 0 {
		return r.Outcome
	}
	var counts Recount
	return counts.regrade(c.graded(r), c.gradingAt(r.Revision), would, c.assessor).Outcome
}

// note keeps what a location found last: of what came in order, and of outcomes those that say anything.
func (w *run) note(r *trace.Result, regraded monitor.Outcome) {
	i := slices.IndexFunc(w.paces, func(p pace) bool { return p.location == r.Location })
	if i < 0 {
		i = len(w.paces)
		w.paces = append(w.paces, pace{location: r.Location})
	}
	p := &w.paces[i]
	if r.DueAt <= p.due {
		return
	}
	p.due = r.DueAt
	if r.Outcome != monitor.OutcomeError {
		p.stored, p.outcome, p.regraded = r.StoredAt, r.Outcome, regraded
	}
}

// endRun counts what the run has gathered.
func (c *Case) endRun() {
	w := &c.run
	if !w.calm {
		return
	}
	w.calm = false
	ordered := slices.Clone(w.paces)
	slices.SortFunc(ordered, func(x, y pace) int {
		if d := cmp.Compare(x.last.Position.Sequence, y.last.Position.Sequence); d != 0 {
			return d
		}
		return cmp.Compare(x.last.Position.Index, y.last.Position.Index)
	})
	for i := range ordered {
		p := &ordered[i]
		if p.n == 0 {
			continue
		}
		m := p.last.Message(c.id)
		r, _ := monitor.ResultOf(m.Event)
		c.coverage.last[p.location] = r.DueAt
		c.was.extend(m, p.n)
		if c.regrades {
			var counts Recount
			if again := counts.regrade(r, c.gradingAt(r.Revision), c.would.check.Definition, c.assessor); again.Outcome != r.Outcome {
				m.Event = monitor.Executed(again)
			}
		}
		c.would.extend(m, p.n)
	}
	for i := range w.paces {
		w.paces[i].n = 0
	}
}

// calm reports whether how the check stands is what its results say at a time.
func (w *witness) calm(at int64) bool {
	return w.known && !w.check.Paused && !w.check.Pending && w.tallies.Fresh(w.check.Definition) &&
		w.tallies.Verdict(w.check.Definition, time.Unix(0, at)).Status == w.check.Status
}

// extend counts n results that change nothing.
func (w *witness) extend(m monitor.EventMessage, n int) {
	w.tallies.Continue(m, n)
	stored := storedAt(m)
	if stored.After(w.clock) {
		w.clock = stored
	}
	if stored.After(w.evaluated) {
		w.evaluated = stored
	}
}

func (n *Recount) add(m Recount) {
	n.Regraded += m.Regraded
	n.NotReplayable += m.NotReplayable
	n.Unretried += m.Unretried
}
