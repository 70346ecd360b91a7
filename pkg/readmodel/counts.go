package readmodel

import (
	"fmt"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

const countsBucket = "counts"

// The keys of the counts: present is the hour at hand, lately the day at hand by minute and the month
// at hand by hour, day.<n> and month.<n> those that are over, each written once and kept for ever. A
// month here is monthDays days.
const (
	presentKey  = "present"
	latelyKey   = "lately"
	monthPrefix = "month."
	monthDays   = 32
)

const (
	minutesPerHour = 60
	minutesPerDay  = 24 * minutesPerHour
)

// counts is the read model of how many checks had each status over time, minute by minute and hour by
// hour: what a histogram of any length is made of at once.
type counts struct {
	present countsPresent
	lately  countsLately
	over    map[string][]byte
	// changed says that present, closed that lately is to be written.
	changed, closed bool
}

// countsPresent is what is at hand.
type countsPresent struct {
	// Sequence is that of the last event folded.
	Sequence uint64 `json:"sequence"`
	// Minutes are those of the hour at hand in which anything changed; the last holds how it stands.
	Minutes []count `json:"minutes"`
}

// countsLately is what is over of the day and month at hand. Hours has those of the day, too.
type countsLately struct {
	Minutes []count `json:"minutes"`
	Hours   []count `json:"hours"`
}

func newCounts() *counts { return &counts{over: make(map[string][]byte)} }

func (*counts) Name() string { return countsBucket }

func (*counts) Version() int { return 1 }

func (*counts) OfResults() bool { return false }

// Unhurried implements Unhurried.
func (*counts) Unhurried() {}

// Needs implements Projection.
func (*counts) Needs() []string { return []string{presentKey, latelyKey} }

// Apply implements Projection.
func (c *counts) Apply(m monitor.EventMessage) {
	if m.Sequence <= c.present.Sequence {
		return
	}
	change, ok := countOf(m.Event)
	if !ok {
		return
	}
	c.present.Sequence, c.changed = m.Sequence, true
	change.apply(c.at(floorDiv(m.Time.Unix(), 60)))
}

// at returns the count of a minute; of the last one, where clocks ran backwards.
func (c *counts) at(minute int64) *count {
	n := len(c.present.Minutes)
	if n == 0 {
		c.present.Minutes = append(c.present.Minutes, count{At: minute})
		return &c.present.Minutes[0]
	}
	last := &c.present.Minutes[n-1]
	if minute <= last.At {
		return last
	}
	next := last.next(minute)
	if floorDiv(minute, minutesPerHour) != floorDiv(last.At, minutesPerHour) {
		c.closeHour()
	}
	c.present.Minutes = append(c.present.Minutes, next)
	return &c.present.Minutes[len(c.present.Minutes)-1]
}

// closeHour puts the hour at hand to the day and month at hand. That of a day or month that is over
// is there already, as when messages are folded again.
func (c *counts) closeHour() {
	minutes := c.present.Minutes
	hour := floorDiv(minutes[0].At, minutesPerHour)
	c.present.Minutes, c.closed = nil, true
	l := &c.lately
	if n := len(l.Hours); n > 0 {
		last := l.Hours[n-1].At
		if hour < last {
			return
		}
		if dayOf(last) != dayOf(hour) {
			c.over[dayPrefix+fmt.Sprint(dayOf(last))] = writeCounts(l.Minutes)
			l.Minutes = nil
		}
		if monthOf(last) != monthOf(hour) {
			c.over[monthPrefix+fmt.Sprint(monthOf(last))] = writeCounts(l.Hours)
			l.Hours = nil
		}
	}
	for len(l.Minutes) > 0 && l.Minutes[len(l.Minutes)-1].At >= minutes[0].At {
		l.Minutes = l.Minutes[:len(l.Minutes)-1]
	}
	if n := len(l.Hours); n > 0 && l.Hours[n-1].At == hour {
		l.Hours = l.Hours[:n-1]
	}
	l.Minutes = append(l.Minutes, minutes...)
	l.Hours = append(l.Hours, joinCounts(hour, minutes))
}

func monthOf(hour int64) int64 { return floorDiv(hour, 24*monthDays) }

// Dirty implements Projection. What is over comes before what is at hand, which has room for what
// follows it only then.
func (c *counts) Dirty() []Change {
	over := make([]Change, 0, len(c.over)+2)
	for key, value := range c.over {
		over = append(over, Change{key, value})
	}
	changes := sorted(over)
	if c.closed {
		changes = append(changes, Change{latelyKey, append(appendBytes(nil, writeCounts(c.lately.Minutes)), writeCounts(c.lately.Hours)...)})
	}
	if c.changed {
		changes = append(changes, Change{presentKey, encode(c.present)})
	}
	clear(c.over)
	c.closed, c.changed = false, false
	return changes
}

// Restore implements Projection.
func (c *counts) Restore(entries []bus.Entry) (err error) {
	for _, e := range entries {
		switch e.Key {
		case presentKey:
			c.present, err = readPresent(e.Value)
		case latelyKey:
			c.lately, err = readLately(e.Value)
		}
		if err != nil {
			return fmt.Errorf("entry %s: %w", e.Key, err)
		}
	}
	return nil
}

// countChange is what an event does to the counts.
type countChange struct {
	from, to monitor.Status
	// opened and resolved count incidents.
	opened, resolved uint32
}

// countOf returns what an event does to the counts, if anything.
func countOf(e monitor.Event) (c countChange, ok bool) {
	switch e := e.(type) {
	case monitor.CheckRegistered:
		if e.Definition.Paused {
			return countChange{to: monitor.StatusPaused}, true
		}
		return countChange{to: monitor.StatusUnknown}, true
	case monitor.CheckDeleted:
		return countChange{from: e.From}, true
	case monitor.CheckStatusChanged:
		return countChange{from: e.From, to: e.To}, true
	case monitor.IncidentOpened:
		return countChange{opened: 1}, true
	case monitor.IncidentResolved:
		return countChange{resolved: 1}, true
	default:
		return countChange{}, false
	}
}

func (c countChange) apply(to *count) {
	if c.from != "" && to.By[countPlace(c.from)] > 0 {
		to.By[countPlace(c.from)]--
	}
	if c.to != "" {
		to.By[countPlace(c.to)]++
		to.Seen |= 1 << countPlace(c.to)
	}
	to.Opened += c.opened
	to.Open += c.opened
	to.Open -= min(to.Open, c.resolved)
}

// countPlace is a status's place in a count.
func countPlace(s monitor.Status) int {
	place := int(rank(s))
	return min(place, statusCount-1)
}
