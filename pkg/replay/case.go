package replay

import (
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Case is one check's part of a trial. It is not safe for concurrent use; cases of one trial are
// independent of each other.
type Case struct {
	id       string
	question Question
	assessor Assessor
	// lead are the check's events between the beginning of the lead-in and that of the range.
	lead []monitor.EventMessage
	// was follows the recorded policy, would the changed one.
	was, would *witness
	// doubt counts like was, but began with every location down: where both say the same, how the
	// check stood when the range began does not depend on what came before the lead-in.
	doubt    *monitor.Tallies
	doubtful bool
	since    time.Time
	// gradings are the recorded ones, by revision.
	gradings  []grading
	regrades  bool
	begun     bool
	unsettled bool
	recount   Recount
	coverage  coverage
	results   int
	run       run
	// fromNanos and toNanos are the question's, in nanoseconds since 1970.
	fromNanos, toNanos int64
}

func newCase(id string, t *Trial, base *monitor.Board, lead []monitor.EventMessage, asked []request) *Case {
	q := t.record.question
	c := &Case{
		id: id, question: q, since: t.since, assessor: t.assessor, lead: lead, doubt: monitor.NewTallies(),
		fromNanos: q.From.UnixNano(), toNanos: q.To.UnixNano(),
		coverage: coverage{from: q.From, to: q.To, asked: asked, last: make(map[string]time.Time)},
	}
	c.regrades = q.Change.DegradedAfter != nil || q.Change.Invert != nil || q.Change.Assertions != nil
	services := servicesOf(base, id, lead, asked)
	c.was = newWitness(id, base, services, fitting{Change{}, t.assessor})
	c.would = newWitness(id, base, services, fitting{q.Change, t.assessor})
	c.was.requests, c.would.requests = asked, asked
	if check, ok := base.Check(id); ok {
		c.gradings = append(c.gradings, gradingOf(0, check.Definition))
	}
	for _, m := range lead {
		c.learn(m)
	}
	return c
}

// servicesOf returns the services that a check belonged to.
func servicesOf(base *monitor.Board, id string, lead []monitor.EventMessage, asked []request) []string {
	var all []string
	if check, ok := base.Check(id); ok {
		all = append(all, check.Service)
	}
	for _, m := range lead {
		if d, ok := definitionOf(m.Event); ok {
			all = append(all, d.Service)
		}
	}
	for _, r := range asked {
		switch c := r.command.(type) {
		case monitor.RegisterCheck:
			all = append(all, c.Definition.Service)
		case monitor.UpdateCheck:
			all = append(all, c.Definition.Service)
		default:
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// definitionOf returns the definition of a check that an event carries.
func definitionOf(e monitor.Event) (monitor.Definition, bool) {
	switch e := e.(type) {
	case monitor.CheckRegistered:
		return e.Definition, true
	case monitor.CheckUpdated:
		return e.Definition, true
	default:
		return monitor.Definition{}, false
	}
}

// assumeDown makes doubt begin with every location down, unless the check began later.
func (c *Case) assumeDown(before time.Time) {
	c.doubtful = true
	if !c.was.known || !c.was.check.CreatedAt.Before(c.since) {
		return
	}
	d := c.was.check.Definition
	index := 0
	for _, location := range d.Locations {
		for n := range d.FailureThreshold {
			due := before.Add(time.Duration(n-d.FailureThreshold) * time.Millisecond)
			r := monitor.Result{CheckID: c.id, Location: location, DueAt: c.since.Add(-maxLead + time.Duration(n)), StartedAt: due, Outcome: monitor.OutcomeFailure}
			index++
			c.doubt.Apply(d, monitor.EventMessage{Meta: monitor.Meta{Index: index, StoredAt: due}, Event: monitor.Executed(r)})
		}
	}
}

// learn notes the grading that an event of EVENTS brings.
func (c *Case) learn(m monitor.EventMessage) {
	if d, ok := definitionOf(m.Event); ok {
		c.gradings = append(c.gradings, gradingOf(m.Revision, d))
	}
}

// Result takes the check's next result, in the order of RESULTS. What lies outside of Since and Until
// is passed over.
func (c *Case) Result(m monitor.EventMessage) {
	r, ok := monitor.ResultOf(m.Event)
	if !ok || r.CheckID != c.id {
		return
	}
	stored := storedAt(m)
	if !stored.Before(c.question.until()) {
		return
	}
	if !c.begun && stored.Before(c.question.From) {
		c.recall(stored)
		if !c.doubtful {
			c.assumeDown(stored)
		}
		c.was.warm(m, r)
		c.would.warm(m, r)
		if c.was.known {
			c.doubt.Apply(c.was.check.Definition, m)
		}
		return
	}
	c.begin()
	counts := &c.recount
	if stored.Before(c.question.To) {
		c.results++
	} else {
		counts = &Recount{}
	}
	c.coverage.count(r)
	c.was.hear(m, r)
	if c.regrades {
		c.would.passTo(stored) // the definition in force is that of then
		if again := counts.regrade(r, c.gradingAt(r.Revision), c.would.check.Definition, c.assessor); again.Outcome != r.Outcome {
			r, m.Event = again, monitor.Executed(again)
		}
	}
	c.would.hear(m, r)
}

// gradingAt returns the grading of a revision.
func (c *Case) gradingAt(revision uint64) grading {
	for _, g := range slices.Backward(c.gradings) {
		if g.revision <= revision {
			return g
		}
	}
	return c.gradings[0] // begin saw to it that there is one, or the check's registration did
}

// recall folds the events up to a time before the range.
func (c *Case) recall(to time.Time) {
	for len(c.lead) > 0 && !c.lead[0].Time.After(to) {
		m := c.lead[0]
		c.lead = c.lead[1:]
		c.was.recall(m)
		c.would.recall(m)
		if _, deleted := m.Event.(monitor.CheckDeleted); deleted {
			c.doubt.Forget(c.id)
		}
	}
}

// begin is the beginning of the range.
func (c *Case) begin() {
	if c.begun {
		return
	}
	c.begun = true
	c.recall(c.question.From)
	c.coverage.begin(c.was.check, c.was.known)
	if c.was.known {
		c.unsettled = c.isUnsettled(c.was.check)
		if len(c.gradings) == 0 {
			c.gradings = append(c.gradings, gradingOf(0, c.was.check.Definition))
		}
	}
	c.was.begin(c.question.From)
	c.would.begin(c.question.From)
}

// isUnsettled reports whether it is not certain how the check stood when the range began.
func (c *Case) isUnsettled(check monitor.Check) bool {
	switch {
	case check.Paused:
		return false
	case !c.doubtful: // no result came before
		return !check.Pending && check.Status != monitor.StatusUnknown
	}
	for _, location := range check.Locations {
		d := check.Definition
		d.Locations, d.Quorum = []string{location}, 1
		if c.was.tallies.Verdict(d, c.question.From).Status != c.doubt.Verdict(d, c.question.From).Status {
			return true
		}
	}
	return false
}

// end is the end of the range. What is decided shortly after it may be about the time before.
func (c *Case) end() {
	c.endRun()
	c.begin()
	c.was.passTo(c.question.until())
	c.would.passTo(c.question.until())
}
