package scheduler

import (
	"container/heap"
	"encoding/json"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// tolerance is how late a due time may be found and still be no missed one to be made up for.
	tolerance = 2 * time.Second
	// soon is how near the next due time of a new check must be for it to wait for that.
	soon = time.Minute
	// longAgo bounds the age of the due time at which a new check is first executed: longer than
	// any interval, but not a past that a rare cron expression reaches.
	longAgo = 25 * time.Hour
)

// entry is a check on the timetable.
type entry struct {
	check     monitor.Check
	timetable monitor.Timetable
	size      int
	// due is when it is next due; the one before was at last, as far as this plan has sent it.
	due, last time.Time
	index     int
}

// plan is the timetable of all checks. It is a pure state machine over the time it is told.
type plan struct {
	lead    time.Duration
	catchUp int
	entries map[string]*entry
	order   byDue
	// lates are executions to be made up for, the earliest to expire first.
	lates lates
	// allowance is how many of them may go now; a fraction is kept.
	allowance float64
	// rate is how many executions per second the timetable asks for.
	rate float64
	last time.Time
}

func newPlan(lead time.Duration, catchUp int) *plan {
	return &plan{lead: lead, catchUp: catchUp, entries: make(map[string]*entry)}
}

// set puts a check on the timetable, or follows its change. done is the time up to which all due
// executions are known to have been sent: one that was due since, and whose next due time has not
// come, is made up for. It returns how many executions were missed for good.
func (p *plan) set(check monitor.Check, now, done time.Time) (missed int) {
	known := p.entries[check.ID]
	if known != nil && known.check.Revision == check.Revision {
		return 0
	}
	p.remove(check.ID)
	if check.Paused || check.Pushed() {
		return 0
	}
	timetable, err := monitor.NewTimetable(check.Definition)
	if err != nil { // refused by Validate, so never stored
		return 0
	}
	e := &entry{check: check, timetable: timetable, size: sizeOf(check.Definition)}
	after := now
	if known != nil && known.last.After(after) {
		after = known.last
	}
	e.last, e.due = timetable.Previous(after), timetable.Next(after)
	p.entries[check.ID] = e
	heap.Push(&p.order, e)
	p.rate += e.rate()
	if known == nil {
		return p.begin(e, now, done)
	}
	return 0
}

// begin makes up for what a check that this plan did not know has missed.
func (p *plan) begin(e *entry, now, done time.Time) (missed int) {
	previous := e.last
	if previous.IsZero() {
		return 0
	}
	since := e.check.UpdatedAt
	if since.Before(previous) && done.Before(previous) {
		p.makeUp(e, previous, e.due)
		if since.Before(done) {
			since = done
		}
		return e.countBetween(since, previous)
	}
	// A new check whose first due time is far away need not leave its owner waiting for it.
	fresh := e.check.Pending && !since.Before(previous)
	if fresh && e.due.Sub(now) > soon && now.Sub(previous) < longAgo {
		p.makeUp(e, previous, e.due)
	}
	return 0
}

// maxCounted bounds the counting of missed executions of a check by cron.
const maxCounted = 1000

// countBetween counts the executions of the check due after from and before to, at all locations.
func (e *entry) countBetween(from, to time.Time) int {
	n := 0
	if interval := e.check.Interval.Std(); interval > 0 {
		if span := to.Sub(from); span > interval {
			n = int((span - 1) / interval)
		}
		return n * len(e.check.Locations)
	}
	for at := e.timetable.Next(from); !at.IsZero() && at.Before(to) && n < maxCounted; at = e.timetable.Next(at) {
		n++
	}
	return n * len(e.check.Locations)
}

func (p *plan) makeUp(e *entry, due, next time.Time) {
	heap.Push(&p.lates, late{entry: e, due: due, next: next})
}

// remove takes a check off the timetable.
func (p *plan) remove(id string) {
	e := p.entries[id]
	if e == nil {
		return
	}
	heap.Remove(&p.order, e.index)
	delete(p.entries, id)
	if p.rate -= e.rate(); len(p.entries) == 0 {
		p.rate = 0
	}
}

// take returns what is to be sent by now, by location, and how many executions were missed.
func (p *plan) take(now time.Time) (out map[string][]item, missed int) {
	now = now.Round(0) // due times are wall clock, which may be set
	if !p.last.IsZero() && now.Before(p.last.Add(-tolerance)) {
		p.replan(now)
	}
	elapsed := max(0, now.Sub(p.last))
	if p.last.IsZero() {
		elapsed = 0
	}
	p.last = now
	out = make(map[string][]item)
	for len(p.order) > 0 && !p.order[0].due.After(now.Add(p.lead)) {
		e := p.order[0]
		missed += p.advance(e, now, out)
		heap.Fix(&p.order, 0)
	}
	missed += p.takeLates(now, elapsed, out)
	return out, missed
}

// advance sends what is due of one check and moves it to its next due time.
func (p *plan) advance(e *entry, now time.Time, out map[string][]item) (missed int) {
	due, next := e.due, e.timetable.Next(e.due)
	if !next.After(now) {
		previous := e.timetable.Previous(now)
		missed = e.countBetween(due, previous) + len(e.check.Locations)
		due, next = previous, e.timetable.Next(previous)
	}
	e.last, e.due = due, next
	if now.Sub(due) > tolerance {
		p.makeUp(e, due, next)
		return missed
	}
	e.emit(due, next, out)
	return missed
}

// takeLates sends as many of those to be made up for as the rate allows.
func (p *plan) takeLates(now time.Time, elapsed time.Duration, out map[string][]item) (missed int) {
	p.allowance = min(p.allowance+elapsed.Seconds()*p.catchUpRate(), max(1, tickEvery.Seconds()*p.catchUpRate()))
	for len(p.lates) > 0 && p.allowance >= 1 {
		l := heap.Pop(&p.lates).(late) //nolint:forcetypeassert // holds nothing else
		if p.entries[l.entry.check.ID] != l.entry {
			continue // changed, paused or deleted meanwhile
		}
		if !l.next.After(now.Add(p.lead)) { // the next may have been sent
			missed += len(l.entry.check.Locations)
			continue
		}
		l.entry.emit(l.due, l.next, out)
		p.allowance -= float64(len(l.entry.check.Locations))
	}
	return missed
}

func (p *plan) catchUpRate() float64 {
	if p.catchUp > 0 {
		return float64(p.catchUp)
	}
	return max(DefaultCatchUp, p.rate)
}

// replan follows a clock that was set back. What is sent again has the ids it had.
func (p *plan) replan(now time.Time) {
	for _, e := range p.order {
		e.last, e.due = e.timetable.Previous(now), e.timetable.Next(now)
	}
	heap.Init(&p.order)
}

// horizon is the time up to which all that was due has been taken.
func (p *plan) horizon() time.Time {
	at := p.last.Add(p.lead)
	for _, l := range p.lates {
		if !l.due.After(at) {
			at = l.due.Add(-time.Nanosecond)
		}
	}
	return at
}

// emit adds one execution per location.
func (e *entry) emit(due, next time.Time, out map[string][]item) {
	for _, location := range e.check.Locations {
		out[location] = append(out[location], item{size: e.size, Execution: monitor.Execution{
			Check: e.check.Definition, Revision: e.check.Revision, Location: location,
			DueAt: due, NextDueAt: next, Trigger: monitor.TriggerSchedule,
		}})
	}
}

// rate is how many executions per second the check asks for.
func (e *entry) rate() float64 {
	if e.check.Interval <= 0 {
		return 0 // by cron: at most once a minute
	}
	return float64(len(e.check.Locations)) / e.check.Interval.Std().Seconds()
}

// sizeOf is about what an execution of d takes as JSON, in bytes.
func sizeOf(d monitor.Definition) int {
	const rest = 300
	text, err := json.Marshal(d)
	if err != nil { // its options are no JSON; Dispatch will say so
		return rest
	}
	return len(text) + rest
}

// byDue is a heap, earliest due first.
type byDue []*entry

func (h byDue) Len() int           { return len(h) }
func (h byDue) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h byDue) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *byDue) Push(x any) {
	e := x.(*entry) //nolint:forcetypeassert // holds nothing else
	e.index = len(*h)
	*h = append(*h, e)
}

// Pop implements heap.Interface.
func (h *byDue) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}

// late is an execution to be made up for before its next due time.
type late struct {
	entry     *entry
	due, next time.Time
}

// lates is a heap, earliest to expire first.
type lates []late

func (h lates) Len() int           { return len(h) }
func (h lates) Less(i, j int) bool { return h[i].next.Before(h[j].next) }
func (h lates) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *lates) Push(x any) { *h = append(*h, x.(late)) } //nolint:forcetypeassert // holds nothing else

// Pop implements heap.Interface.
func (h *lates) Pop() any {
	old := *h
	l := old[len(old)-1]
	*h = old[:len(old)-1]
	return l
}
