package monitor

import (
	"fmt"
	"hash/fnv"
	"time"
)

// Timetable says when a check is due. Due times are locked to a phase that depends on the check
// alone: every scheduler, at any time, finds the same ones, and the checks of one interval are
// spread evenly over it.
type Timetable struct {
	interval time.Duration
	splay    time.Duration
	cron     cron
	zone     *time.Location
	// slack is what an execution takes beyond its due time: the timeout, and the grace of a heartbeat.
	slack time.Duration
	// patience is how long data stays good, where that does not hang on the due times.
	patience time.Duration
}

// NewTimetable returns the timetable of a definition with defaults applied. It fails on a cron
// expression or time zone that Validate refuses, and on a definition without either schedule.
func NewTimetable(d Definition) (Timetable, error) {
	t := Timetable{slack: d.Timeout.Std() + d.Grace.Std()}
	t.patience, _ = d.Patience()
	if d.Cron != "" {
		expression, err := parseCron(d.Cron)
		if err != nil {
			return Timetable{}, fmt.Errorf("cron: %w", err)
		}
		zone, err := time.LoadLocation(d.TimeZone)
		if err != nil {
			return Timetable{}, fmt.Errorf("time_zone: %w", err)
		}
		t.cron, t.zone = expression, zone
		return t, nil
	}
	if d.Interval <= 0 {
		return Timetable{}, fmt.Errorf("interval: %s is no interval", d.Interval)
	}
	t.interval = d.Interval.Std()
	t.splay = Splay(d.ID, t.interval)
	return t, nil
}

// Splay is the start offset of a check within its interval, to the millisecond: a hash of its id
// (FNV-1a, 64 bits, finished by the mixer of SplitMix64 so that ids alike in all but their last
// characters spread evenly).
func Splay(id string, interval time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails, by hash.Hash
	x := h.Sum64()
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	x ^= x >> 31
	milliseconds := max(1, interval.Milliseconds())
	return time.Duration(x%uint64(milliseconds)) * time.Millisecond
}

// Next returns the first due time strictly after the given one, in UTC.
func (t Timetable) Next(after time.Time) time.Time {
	if t.zone != nil {
		return t.cron.next(after.In(t.zone)).UTC()
	}
	return t.Previous(after).Add(t.interval)
}

// Previous returns the last due time not after the given one, in UTC; the zero time when a cron
// expression had none within a year.
func (t Timetable) Previous(at time.Time) time.Time {
	if t.zone != nil {
		return t.previousCron(at)
	}
	since := at.UnixNano() - int64(t.splay)
	k := since / int64(t.interval)
	if since < 0 && since%int64(t.interval) != 0 {
		k--
	}
	return time.Unix(0, k*int64(t.interval)+int64(t.splay)).UTC()
}

// previousCron looks back in growing strides, then walks forward to the last match.
func (t Timetable) previousCron(at time.Time) time.Time {
	for _, stride := range []time.Duration{2 * time.Hour, 48 * time.Hour, 32 * 24 * time.Hour, 366 * 24 * time.Hour} {
		var last time.Time
		for due := t.cron.next(at.Add(-stride).In(t.zone)); !due.IsZero() && !due.After(at); due = t.cron.next(due) {
			last = due
		}
		if !last.IsZero() {
			return last.UTC()
		}
	}
	return time.Time{}
}

// StaleAt returns when data last seen at the given time is too old to call a check up: as the definition
// says, else two intervals, a timeout and a grace later; by cron, timeout and grace after the second due
// time from then.
func (t Timetable) StaleAt(last time.Time) time.Time {
	if t.patience != 0 {
		return last.Add(t.patience)
	}
	return t.Next(t.Next(last)).Add(t.slack)
}
