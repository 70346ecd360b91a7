package readmodel

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// keptHours is how many hours a page holds of each check, for the uptime of 24 hours.
	keptHours = 25
	// forgottenAfter is how long a check without any result stays on its page; RESULTS keeps no more.
	// A longer gap is no gap but a check that was away.
	forgottenAfter = 31 * 24 * time.Hour
)

// activity is the read model of what the results of each check tell: the last one, the heartbeat
// bar, counts and latencies by hour and day.
type activity struct {
	byCheck map[string]*pulse
	pages   pages
	days    days
	// newest is the hour of the newest due time seen, by which old checks are forgotten.
	newest int64
	// bases are what an older generation holds of the time at which the log begins, by token, while
	// it is taken over.
	bases map[string]*base
	// recalls has the minutes of hours that are over kept with them: a fold that is not written needs no page.
	recalls bool
}

// pulse is what is kept of one check.
type pulse struct {
	Check     string                   `json:"check"`
	Position  monitor.Position         `json:"position"`
	Locations map[string]locationPulse `json:"locations"`
	// Recent is the heartbeat bar.
	Recent string `json:"recent"`
	// Last is the last result, which compact may have shortened.
	Last json.RawMessage `json:"last,omitempty"`
	// Hours hold the latest hours in which anything was due, oldest first; the last is at hand.
	Hours []tally `json:"hours"`
	// Sketch is that of the hour at hand, as it was when the page was written.
	Sketch []byte `json:"sketch,omitempty"`
	// Minutes are those of the hour at hand, likewise.
	Minutes []byte `json:"minutes,omitempty"`
	// Inherited says that it is an older generation's: the first result in the log begins it anew.
	Inherited bool `json:"inherited,omitempty"`

	page      int
	latencies latencies
	found     minutes
	// last is Last, where it was read by a reader.
	last *monitor.Result
	// unwritten is the last result while Last does not hold it: of the many of a rebuild few are written.
	unwritten *monitor.Result
	// line is the pulse as it stands on its page; nil when it has changed since.
	line []byte
}

// locationPulse is what is kept of one location of a check.
type locationPulse struct {
	// Due is the last accepted due time; Next is when the next execution was due, Slot the time
	// between the two in nanoseconds.
	Due  time.Time     `json:"due"`
	Next time.Time     `json:"next,omitzero"`
	Slot time.Duration `json:"slot,omitempty"`
	// Seen is when the last conclusive result was stored.
	Seen     time.Time `json:"seen,omitzero"`
	Revision uint64    `json:"revision"`
}

func newActivity() *activity {
	return &activity{byCheck: make(map[string]*pulse), days: newDays()}
}

func (*activity) Name() string { return activityBucket }

// Version is 2 since minutes are kept.
func (*activity) Version() int { return 2 }

func (*activity) OfResults() bool { return true }

// Needs implements Projection.
func (*activity) Needs() []string { return []string{pagePrefix + "*", todayPrefix + "*"} }

// Apply implements Projection.
func (a *activity) Apply(m monitor.EventMessage) {
	result, ok := monitor.ResultOf(m.Event)
	if !ok || result.Trigger == monitor.TriggerTest {
		return
	}
	a.forget(hourOf(result.DueAt))
	p := a.byCheck[result.CheckID]
	if p == nil {
		p = a.begin(result.CheckID)
	}
	if p.Inherited {
		a.beginAnew(p, result)
	}
	if !m.Position().After(p.Position) {
		return
	}
	p.Position = m.Position()
	a.pages.touch(p)
	a.accept(p, result, storedAt(m))
	a.level(p)
}

// accept counts a result of a position that is new.
func (a *activity) accept(p *pulse, result monitor.Result, stored time.Time) {
	at, known := p.Locations[result.Location]
	if known && !result.DueAt.After(at.Due) {
		if !result.DueAt.Equal(at.Due) && result.Trigger.Expected() { // an equal one is a repeat
			p.present().Late++
		}
		return
	}
	expected := result.Trigger.Expected()
	if expected && known && at.Revision == result.Revision {
		a.miss(p, at, result.DueAt)
	}
	a.advance(p, hourOf(result.DueAt))
	if expected {
		p.present().count(result.Outcome)
		p.found.count(minuteOf(result.DueAt), result.Outcome)
		at.Next, at.Slot = result.NextDueAt, 0
		if !at.Next.IsZero() {
			at.Slot = at.Next.Sub(result.DueAt)
		}
	}
	at.Due, at.Revision = result.DueAt, result.Revision
	if result.Outcome != monitor.OutcomeError {
		at.Seen = stored
	}
	p.Locations[result.Location] = at
	p.see(result)
}

func storedAt(m monitor.EventMessage) time.Time {
	if m.StoredAt.IsZero() {
		return m.Time
	}
	return m.StoredAt
}

// begin gives a new check a place.
func (a *activity) begin(check string) *pulse {
	p := &pulse{Check: check, Locations: make(map[string]locationPulse), latencies: newLatencies()}
	a.byCheck[check] = p
	a.pages.add(p)
	return p
}

// see keeps the result as the last one.
func (p *pulse) see(result monitor.Result) {
	p.Last, p.unwritten = nil, &result
	p.addRecent(string(result.Outcome.Letter()))
	if result.Outcome == monitor.OutcomeSuccess || result.Outcome == monitor.OutcomeDegraded {
		p.latencies.add(result.DurationMS)
	}
}

// maxLast bounds the last result on a page in bytes, so that a page of a hundred fits a message.
const maxLast = 4 << 10

// compact writes a result, without the details where it would be too large: its history has them.
func compact(result monitor.Result) []byte {
	raw := encode(result)
	if len(raw) > maxLast {
		result.Observed = nil
		raw = encode(result)
	}
	if len(raw) > maxLast {
		result.Assertions, result.Error = nil, strings.ToValidUTF8(result.Error[:min(len(result.Error), maxLast/8)], "")
		raw = encode(result)
	}
	return raw
}

func (p *pulse) addRecent(letters string) {
	p.Recent += letters
	if extra := len(p.Recent) - RecentLength; extra > 0 {
		p.Recent = p.Recent[extra:]
	}
}

// present is the tally of the hour at hand.
func (p *pulse) present() *tally {
	if len(p.Hours) == 0 {
		p.Hours = append(p.Hours, tally{})
	}
	return &p.Hours[len(p.Hours)-1]
}

// advance moves a check to an hour, unless it is past it, and stores the one before for good.
func (a *activity) advance(p *pulse, hour int64) {
	if n := len(p.Hours); n > 0 {
		if hour <= p.Hours[n-1].At {
			return
		}
		done := p.Hours[n-1]
		done.Sketch, done.Minutes = p.latencies.bytes(), p.found.bytes()
		if whole, ok := a.days.whole(p.Check, done.At); ok {
			done = whole
			whole.Sketch, whole.Minutes = nil, nil
			p.Hours[n-1] = whole
		}
		if a.recalls {
			p.Hours[n-1].Minutes = done.Minutes
		}
		a.days.put(p.Check, done)
	}
	if len(p.Hours) == keptHours {
		p.Hours = p.Hours[:copy(p.Hours, p.Hours[1:])]
	}
	p.Hours = append(p.Hours, tally{At: hour})
	p.latencies, p.found = newLatencies(), nil
}

// miss counts the executions that should have come between two results of a location, in the hours
// in which they were due; those due before the hour at hand, as when another location went on, in
// that one.
func (a *activity) miss(p *pulse, last locationPulse, due time.Time) {
	gap := missed(last, due)
	if gap == 0 {
		return
	}
	for done := int64(0); done < gap; {
		at := last.Next.Add(time.Duration(done) * last.Slot)
		a.advance(p, hourOf(at))
		end := time.Unix((p.present().At+1)*3600, 0)
		n := min(gap-done, max(1, int64((end.Sub(at)+last.Slot-1)/last.Slot)))
		p.present().Missed += uint32(n)
		done += n
	}
	p.addRecent(strings.Repeat("-", int(min(gap, RecentLength))))
}

// missed returns how many executions were due from the one after the last up to, and without, the
// given time.
func missed(last locationPulse, until time.Time) int64 {
	late := until.Sub(last.Next)
	if last.Next.IsZero() || last.Slot <= 0 || late <= 0 || late > forgottenAfter {
		return 0
	}
	return max(1, int64((late+last.Slot/2)/last.Slot))
}

// forget drops checks that have had no result for long, once an hour of the results' own time.
func (a *activity) forget(hour int64) {
	if hour <= a.newest {
		return
	}
	a.newest = hour
	oldest := hour - int64(forgottenAfter/time.Hour)
	for id, p := range a.byCheck {
		if n := len(p.Hours); n > 0 && p.Hours[n-1].At < oldest {
			delete(a.byCheck, id)
			a.pages.remove(p)
			a.days.forget(id)
		}
	}
}

// Dirty implements Projection. The days come before the pages, whose positions cover them.
func (a *activity) Dirty() []Change {
	if a.bases != nil {
		a.settle()
	}
	return append(a.days.dirty(), a.pages.dirty()...)
}

// Restore implements Projection.
func (a *activity) Restore(entries []bus.Entry) error {
	for _, e := range entries {
		var err error
		switch {
		case strings.HasPrefix(e.Key, pagePrefix):
			err = a.restorePage(e)
		case strings.HasPrefix(e.Key, todayPrefix):
			err = a.days.restore(e)
		}
		if err != nil {
			return fmt.Errorf("entry %s: %w", e.Key, err)
		}
	}
	return nil
}

func (a *activity) restorePage(e bus.Entry) error {
	page, err := pageOf(e.Key)
	if err != nil {
		return err
	}
	lines, err := readPage(e.Value)
	if err != nil {
		return err
	}
	for _, line := range lines {
		p, err := readPulse(line)
		if err != nil {
			return err
		}
		p.latencies = newLatencies()
		if err := p.latencies.merge(p.Sketch); err != nil {
			return err
		}
		if p.found, err = readMinutes(p.Minutes); err != nil {
			return err
		}
		if other := a.byCheck[p.Check]; other != nil && other.Position.After(p.Position) {
			continue // it had moved, and its old page was not written any more
		} else if other != nil {
			a.pages.remove(other)
		}
		a.byCheck[p.Check] = p
		a.pages.put(p, page)
		if n := len(p.Hours); n > 0 {
			a.newest = max(a.newest, p.Hours[n-1].At)
		}
	}
	a.pages.grow(page)
	return nil
}
