package replay

import (
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Coverage is how many executions were expected of the timetable, and how many of them found
// anything: what the rest would have found is not known.
type Coverage struct {
	Expected int `json:"expected"`
	Found    int `json:"found"`
	// Share is Found by Expected, bounds [0, 1]; 1 where none was expected.
	Share float64 `json:"share"`
}

func (c *Coverage) add(d Coverage) {
	c.Expected += d.Expected
	c.Found += d.Found
	c.Share = 1
	if c.Expected > 0 {
		c.Share = min(1, float64(c.Found)/float64(c.Expected))
	}
}

// coverage counts those of one check.
type coverage struct {
	from, to time.Time
	asked    []request
	// check is as the range found it.
	check monitor.Check
	known bool
	last  map[string]time.Time
	found int
}

func (c *coverage) begin(check monitor.Check, known bool) { c.check, c.known = check, known }

// count counts a result, unless it came late, was asked for by hand, or says nothing of the target.
func (c *coverage) count(r monitor.Result) {
	if r.DueAt.Before(c.from) || !r.DueAt.Before(c.to) || !r.DueAt.After(c.last[r.Location]) {
		return
	}
	c.last[r.Location] = r.DueAt
	if r.Outcome != monitor.OutcomeError && (r.Trigger.Expected() || r.Trigger == "") {
		c.found++
	}
}

// sum goes through the definitions that the check had, and counts the due times of each.
func (c *coverage) sum() Coverage {
	d, active, since := c.check.Definition, c.known && !c.check.Paused, c.from
	expected := 0
	for _, r := range c.asked {
		if !r.at.Before(c.to) {
			break
		}
		if active {
			expected += dueBetween(d, since, r.at)
		}
		since = r.at
		switch command := r.command.(type) {
		case monitor.RegisterCheck:
			d, active = command.Definition, !command.Definition.Paused
		case monitor.UpdateCheck:
			d, active = command.Definition, !command.Definition.Paused
		case monitor.PauseCheck, monitor.DeleteCheck:
			active = false
		case monitor.ResumeCheck:
			active = true
		default:
		}
	}
	if active {
		expected += dueBetween(d, since, c.to)
	}
	var sum Coverage
	sum.add(Coverage{Expected: expected, Found: c.found})
	return sum
}

// dueBetween counts the executions due from one time on and before another, at all locations.
func dueBetween(d monitor.Definition, from, to time.Time) int {
	timetable, err := monitor.NewTimetable(d)
	if err != nil || !from.Before(to) {
		return 0
	}
	if d.Cron == "" {
		first, last := timetable.Previous(from.Add(-1)), timetable.Previous(to.Add(-1))
		return int(last.Sub(first)/d.Interval.Std()) * len(d.Locations)
	}
	n := 0
	for due := timetable.Next(from.Add(-1)); due.Before(to) && !due.IsZero(); due = timetable.Next(due) {
		n++
	}
	return n * len(d.Locations)
}
