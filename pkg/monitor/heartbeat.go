package monitor

import (
	"fmt"
	"time"
)

// KindHeartbeat is the one kind of check that nobody executes: what is watched sends a heartbeat when
// it has done its work, and the check fails when none comes.
const KindHeartbeat = "heartbeat"

// HeartbeatRunner stands for the runner in the results of heartbeats, which no runner made.
const HeartbeatRunner = "heartbeats"

// Bounds and defaults of a heartbeat check.
const (
	DefaultGrace = Duration(time.Minute)
	MaxGrace     = Duration(7 * 24 * time.Hour)
	// MaxHeartbeatInterval is the longest interval; what is rarer is said by cron.
	MaxHeartbeatInterval = Duration(7 * 24 * time.Hour)
	// MaxHeartbeatDuration is the longest that what is watched may say that its work took.
	MaxHeartbeatDuration = 30 * 24 * time.Hour
)

// Pushed reports whether the results are sent by what is watched rather than found by runners.
func (d Definition) Pushed() bool { return d.Kind == KindHeartbeat }

// expectedAfter returns when the heartbeat after the one at a time is expected.
func (d Definition) expectedAfter(at time.Time) time.Time {
	if d.Cron == "" {
		return at.Add(d.Interval.Std())
	}
	timetable, err := NewTimetable(d)
	if err != nil { // refused by Validate, so never stored
		return time.Time{}
	}
	return timetable.Next(at)
}

// Expected returns when the next heartbeat of a check is expected, and when it is late: a grace after
// that. Both are zero while none is waited for: the check is paused, is no heartbeat check, or has
// never had one. After it was resumed, the wait begins with that.
func (t *Tallies) Expected(check Check) (at, late time.Time) {
	sum := t.checks[check.ID]
	if !check.Pushed() || check.Paused || sum == nil {
		return time.Time{}, time.Time{}
	}
	last := sum.Locations[check.Locations[0]]
	if last == nil {
		return time.Time{}, time.Time{}
	}
	since := last.LastDue
	if check.Pending && check.StatusSince.After(since) {
		since = check.StatusSince
	}
	if at = check.expectedAfter(since); at.IsZero() {
		return time.Time{}, time.Time{}
	}
	return at, at.Add(check.Grace.Std())
}

// Missed is the result of a heartbeat that was expected at a time and has not come by another: a
// failure, unless the check is inverted. The same check at the same revision yields the same result.
func (c Check) Missed(expected, by time.Time) Result {
	expected = expected.UTC().Truncate(time.Millisecond)
	r := Result{
		ID:      Execution{Check: c.Definition, Revision: c.Revision, Location: c.Locations[0], DueAt: expected}.ID(),
		CheckID: c.ID, Service: c.Service, Revision: c.Revision, Location: c.Locations[0], Runner: HeartbeatRunner,
		DueAt: expected, StartedAt: by.UTC().Truncate(time.Millisecond), Outcome: c.Grade(false, 0), Trigger: TriggerHeartbeat,
	}
	if r.Outcome == OutcomeFailure {
		r.Error = fmt.Sprintf("no heartbeat came: it was expected at %s, and is late by the grace of %s", expected.Format(time.RFC3339), c.Grace)
	}
	return r
}

func (d Definition) validateHeartbeat(p *Problems) {
	if !d.Pushed() {
		if d.Grace != 0 {
			p.Add("grace", "has a meaning for checks of kind heartbeat only: remove it")
		}
		return
	}
	validateSpan(p, "grace", d.Grace, Duration(time.Second), MaxGrace)
	if d.Retries != 0 || d.RetryDelay != 0 {
		p.Add("retries", "have no meaning for a heartbeat, which nobody executes: remove them")
	}
	if len(d.Locations) > 1 {
		p.Add("locations", "a heartbeat is not sent by location: name one, or none")
	}
}
