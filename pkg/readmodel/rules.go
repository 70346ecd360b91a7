package readmodel

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// rules are the corrections that count for one check, in the order in which they were added.
type rules []*CorrectionView

// rules returns those of a check that stand, of it and of its service; on a board of the past, that stood.
func (b *board) rules(c *monitor.Check) rules {
	if len(b.corrections) == 0 {
		return nil
	}
	var all rules
	for _, subject := range []subject{{check: c.ID}, {service: c.Service}} {
		for _, one := range b.corrected[subject] {
			if one.WithdrawnAt.IsZero() || !b.asOf.IsZero() && one.StoodAt(b.asOf) {
				all = append(all, one)
			}
		}
	}
	slices.SortFunc(all, func(x, y *CorrectionView) int { return cmp.Compare(x.Added, y.Added) })
	return all
}

// subject is what a correction is of: a check or a service.
type subject struct{ check, service string }

func subjectOf(c *CorrectionView) subject { return subject{check: c.Check, service: c.Service} }

// setCorrection takes what is known of a correction, and indexes it by its subject.
func (b *board) setCorrection(key string, c *CorrectionView) {
	b.amended++
	if before := b.corrections[key]; before != nil {
		of := subjectOf(before)
		b.corrected[of] = slices.DeleteFunc(slices.Clone(b.corrected[of]), func(one *CorrectionView) bool { return one == before })
		if len(b.corrected[of]) == 0 {
			delete(b.corrected, of)
		}
	}
	set(b.corrections, key, c)
	if c != nil {
		b.corrected[subjectOf(c)] = append(b.corrected[subjectOf(c)], c)
	}
}

// of returns the correction by which a minute counts, nil when it counts as it was found.
func (r rules) of(at int64) *CorrectionView {
	for _, c := range slices.Backward(r) {
		if minuteOf(c.From) <= at && at < minuteOf(c.To) {
			return c
		}
	}
	return nil
}

// throughout returns the correction by which all minutes of a span count, nil when there is no such one.
func (r rules) throughout(from, to int64) *CorrectionView {
	first := r.of(from)
	for _, c := range r {
		for _, turn := range []int64{minuteOf(c.From), minuteOf(c.To)} {
			if from < turn && turn < to && r.of(turn) != first {
				return nil
			}
		}
	}
	return first
}

// touch reports whether any rule is about a part of a span.
func (r rules) touch(from, to int64) bool {
	return slices.ContainsFunc(r, func(c *CorrectionView) bool { return minuteOf(c.From) < to && from < minuteOf(c.To) })
}

func minuteOf(at time.Time) int64 { return floorDiv(at.Unix(), 60) }

// account adds up hours or days as they count.
type account struct {
	rules  rules
	tally  tally
	counts minute
	// left is what was found in maintenance; by are the corrections that made a difference.
	left uint32
	by   map[string]struct{}
}

// hour adds an hour, day a day.
func (a *account) hour(t tally) { a.add(t, minutesOfHour) }

func (a *account) day(t tally) { a.add(t, minutesPerDay) }

// add adds a tally of a number of minutes. Of what was counted before minutes were, a correction changes
// only hours and days that lie within it.
func (a *account) add(t tally, length int64) {
	a.tally.add(t)
	rest := minute{At: t.At * length, Up: t.Up, Degraded: t.Degraded, Down: t.Down}
	if len(a.rules) > 0 {
		for _, m := range minutesOf(t.Minutes) {
			rest.Up, rest.Degraded, rest.Down = less(rest.Up, m.Up), less(rest.Degraded, m.Degraded), less(rest.Down, m.Down)
			a.rule(m, a.rules.of(m.At))
		}
		if rest.found() > 0 {
			a.rule(rest, a.rules.throughout(rest.At, rest.At+length))
			return
		}
	}
	a.count(rest)
}

func less(from, what uint32) uint32 { return from - min(from, what) }

// rule counts what was found in a minute by a correction, if there is one.
func (a *account) rule(m minute, by *CorrectionView) {
	if by == nil {
		a.count(m)
		return
	}
	switch by.Kind {
	case monitor.CorrectionMaintenance:
		a.left += m.found()
	case monitor.CorrectionFalsePositive:
		if m.Degraded+m.Down == 0 {
			a.count(m)
			return
		}
		a.count(minute{Up: m.found()})
	}
	if a.by == nil {
		a.by = make(map[string]struct{})
	}
	a.by[by.ID] = struct{}{}
}

func (a *account) count(m minute) {
	a.counts.Up += m.Up
	a.counts.Degraded += m.Degraded
	a.counts.Down += m.Down
}

// uptime computes the shares. Coverage is of what was found, whatever it counts for.
func (a *account) uptime() Uptime {
	found := a.tally.uptime()
	if len(a.by) == 0 {
		return found
	}
	counts := tally{Up: a.counts.Up, Degraded: a.counts.Degraded, Down: a.counts.Down}.uptime()
	u := found
	u.Ratio, u.Up, u.Degraded, u.Down = counts.Ratio, counts.Up, counts.Degraded, counts.Down
	u.Corrected = &Corrected{
		By: slices.Sorted(maps.Keys(a.by)), Ratio: found.Ratio, Up: found.Up, Degraded: found.Degraded, Down: found.Down, Maintenance: int(a.left),
	}
	return u
}
