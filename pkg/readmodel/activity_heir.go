package readmodel

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

var _ Heir = (*activity)(nil)

// base is what an older generation holds of the hour, the day and the span of days in which the log
// begins. The log holds a part of each only, so what they came to is taken from here.
type base struct {
	// Hours are hours that are over, Days days that are.
	Hours []tally `json:"hours,omitempty"`
	Days  []tally `json:"days,omitempty"`
	// From is the hour of the check's first result in the log.
	From int64 `json:"from,omitempty"`
	// Present is the hour that was at hand, and Recent the heartbeat bar, as of Until: the check's last
	// result then.
	Present tally            `json:"present"`
	Recent  string           `json:"recent,omitempty"`
	Until   monitor.Position `json:"until"`
}

// Heirlooms implements Heir.
func (*activity) Heirlooms() []string {
	return []string{dayPrefix + "*.*", spanPrefix + "*.*", todayPrefix + "*", pagePrefix + "*"}
}

// Inherit implements Heir. Days and spans that are over are kept as they are; those that the log
// covers are written over when their turn comes. Checks keep their places on the pages; one with
// results in the log begins anew at the first of them.
func (a *activity) Inherit(e bus.Entry, log Beginning) ([]Change, error) {
	if a.bases == nil {
		a.bases = make(map[string]*base)
	}
	if strings.HasPrefix(e.Key, pagePrefix) {
		return nil, a.inheritPage(e, log)
	}
	if strings.HasPrefix(e.Key, todayPrefix) {
		t, err := readToday(e.Value)
		if err != nil || todayPrefix+token(t.Check) != e.Key {
			return nil, fmt.Errorf("entry %s is not the day of a check: %w", e.Key, err)
		}
		b := a.base(token(t.Check))
		b.takeHours(t.Hours, log)
		b.takeDays(t.Days, log)
		t.Base = nil
		a.days.today[t.Check] = t
		a.days.changed[t.Check] = struct{}{}
		return nil, nil
	}
	p := &past{}
	if err := json.Unmarshal(e.Value, p); err != nil {
		return nil, fmt.Errorf("entry %s: %w", e.Key, err)
	}
	if key, ok := strings.CutPrefix(e.Key, dayPrefix); ok {
		a.base(beforeSlot(key)).takeHours(p.Parts, log)
	} else {
		a.base(beforeSlot(strings.TrimPrefix(e.Key, spanPrefix))).takeDays(p.Parts, log)
	}
	return []Change{{e.Key, e.Value}}, nil
}

// beforeSlot returns the token of the check in what follows a key's prefix.
func beforeSlot(key string) string { return key[:strings.LastIndexByte(key, '.')] }

func (a *activity) base(token string) *base {
	b := a.bases[token]
	if b == nil {
		b = &base{}
		a.bases[token] = b
	}
	return b
}

// nearBeginning reports whether a day may be that of a check's first result in the log: a result is
// stored some time after it is due, and the first one of a check may come later than that of others.
func nearBeginning(day int64, log Beginning) bool {
	first := dayOf(hourOf(log.At))
	return day >= first-1 && day <= first+1
}

func (b *base) takeHours(hours []tally, log Beginning) {
	for _, hour := range hours {
		if nearBeginning(dayOf(hour.At), log) {
			b.Hours = append(b.Hours, hour)
		}
	}
}

// takeDays takes the days up to then of the spans in which the log may begin.
func (b *base) takeDays(days []tally, log Beginning) {
	first := dayOf(hourOf(log.At))
	for _, day := range days {
		if day.At <= first+1 && floorDiv(day.At, spanDays) >= floorDiv(first-1, spanDays) {
			b.Days = append(b.Days, day)
		}
	}
}

func (a *activity) inheritPage(e bus.Entry, log Beginning) error {
	if err := a.restorePage(e); err != nil {
		return fmt.Errorf("entry %s: %w", e.Key, err)
	}
	page, _ := pageOf(e.Key) // restorePage has read it
	for _, p := range a.pages.all[page] {
		p.Inherited = p.Position.Sequence >= log.First
		a.pages.touch(p)
	}
	return nil
}

// settle ends the taking over: those checks that begin anew keep what they need for it.
func (a *activity) settle() {
	for _, p := range a.byCheck {
		if !p.Inherited {
			continue
		}
		b := a.base(token(p.Check))
		t := a.days.today[p.Check]
		if t == nil {
			t = &today{Check: p.Check}
			a.days.today[p.Check] = t
		}
		if n := len(p.Hours); n > 0 {
			b.Present, b.Recent, b.Until = p.Hours[n-1], p.Recent, p.Position
			b.Present.Sketch, b.Present.Minutes = p.Sketch, p.Minutes
		}
		t.Base = b
		a.days.changed[p.Check] = struct{}{}
	}
	a.bases = nil
}

// beginAnew takes an inherited check back to the time before its first result in the log.
func (a *activity) beginAnew(p *pulse, first monitor.Result) {
	hour := hourOf(first.DueAt)
	earlier := func(at int64) func(tally) bool { return func(t tally) bool { return t.At >= at } }
	locations := p.Locations
	p.Inherited, p.Position, p.Recent, p.Last, p.unwritten = false, monitor.Position{}, "", nil, nil
	p.Locations, p.latencies, p.found = make(map[string]locationPulse), newLatencies(), nil
	for name, at := range locations {
		if at.Due.Before(first.DueAt) { // of which nothing more came
			p.Locations[name] = at
		}
	}
	p.Hours = append(slices.DeleteFunc(p.Hours, earlier(hour)), tally{At: hour})
	a.pages.touch(p)
	a.days.beginAnew(p.Check, hour)
}

// beginAnew takes the days of a check back to the beginning of an hour.
func (d *days) beginAnew(check string, hour int64) {
	t := d.today[check]
	if t == nil {
		return
	}
	b, day := t.Base, dayOf(hour)
	t.Hours, t.Days = nil, nil
	d.changed[check] = struct{}{}
	if b == nil {
		return
	}
	b.From = hour
	slices.SortFunc(b.Hours, byTime)
	slices.SortFunc(b.Days, byTime)
	b.Hours, b.Days = slices.CompactFunc(b.Hours, sameTime), slices.CompactFunc(b.Days, sameTime)
	// A day is over when the first hour of another one is: until then it is the day at hand.
	t.Hours = lastOf(b.Hours, hour, dayOf)
	if n := len(t.Hours); n > 0 {
		day = dayOf(t.Hours[n-1].At)
	}
	t.Days = lastOf(b.Days, day, func(day int64) int64 { return floorDiv(day, spanDays) })
}

// lastOf returns the parts before a time that are of the same group as the last of them.
func lastOf(parts []tally, before int64, group func(int64) int64) []tally {
	end := len(parts)
	for end > 0 && parts[end-1].At >= before {
		end--
	}
	begin := end
	for begin > 0 && group(parts[begin-1].At) == group(parts[end-1].At) {
		begin--
	}
	return slices.Clone(parts[begin:end])
}

func sameTime(x, y tally) bool { return x.At == y.At }

func byTime(x, y tally) int { return int(x.At - y.At) }

// whole returns what the hour in which the log begins came to, where the older generation knows.
func (d *days) whole(check string, hour int64) (tally, bool) {
	t := d.today[check]
	if t == nil || t.Base == nil || t.Base.From != hour {
		return tally{}, false
	}
	i := slices.IndexFunc(t.Base.Hours, func(h tally) bool { return h.At == hour })
	if i < 0 {
		return tally{}, false
	}
	return t.Base.Hours[i], true
}

// level ends the taking over of a check, after the last result that the older generation has seen: of
// the hour at hand, where the log begins within it, and of the heartbeat bar there is more to know
// than the log tells.
func (a *activity) level(p *pulse) {
	t := a.days.today[p.Check]
	if t == nil || t.Base == nil || t.Base.Until != p.Position {
		return
	}
	b := t.Base
	t.Base = nil
	a.days.changed[p.Check] = struct{}{}
	if len(t.Hours)+len(t.Days) == 0 {
		a.days.forget(p.Check) // its first hour is not over
	}
	if strings.HasSuffix(b.Recent, p.Recent) {
		p.Recent = b.Recent
	}
	if b.Present.At == b.From && p.present().At == b.From {
		whole, latencies := b.Present, newLatencies()
		_ = latencies.merge(whole.Sketch) // written by us; one that cannot be read tells nothing
		p.found = minutesOf(whole.Minutes)
		whole.Sketch, whole.Minutes = nil, nil
		*p.present(), p.latencies = whole, latencies
	}
}

// total returns what a day came to: where the log begins within it, what the older generation knows.
func (b *base) total(folded tally) tally {
	if b == nil || dayOf(b.From) != folded.At {
		return folded
	}
	if i := slices.IndexFunc(b.Days, func(d tally) bool { return d.At == folded.At }); i >= 0 {
		return b.Days[i]
	}
	return folded
}
