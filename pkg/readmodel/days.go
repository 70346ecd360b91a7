package readmodel

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vedette/vedette/pkg/bus"
)

// The past of a check beyond its page is kept in rings of entries, each written once when what it
// holds is over, so that there are never more and none is ever deleted:
//
//   - day.<check>.<slot>: one day hour by hour, daySlots of them;
//   - span.<check>.<slot>: spanDays days, each as one, spanSlots of them: over 90 days;
//   - today.<check>: the day and the span at hand.
const (
	daySlots  = 9
	spanDays  = 10
	spanSlots = 11
)

// days are the days and spans at hand of each check, and those that are over and not yet written.
type days struct {
	today   map[string]*today
	changed map[string]struct{}
	over    map[string][]byte
}

// today holds the day at hand hour by hour, and the days of the span at hand that are over.
type today struct {
	Check string  `json:"check"`
	Hours []tally `json:"hours"`
	Days  []tally `json:"days,omitempty"`
	// Base is what an older generation holds of the time at which the log begins, until all that it holds is folded again.
	Base *base `json:"base,omitempty"`
}

// past is a day hour by hour, or a span day by day, that is over.
type past struct {
	// Number counts the days or spans since 1970: a slot may still hold an older one.
	Number int64   `json:"number"`
	Parts  []tally `json:"parts"`
}

func newDays() days {
	return days{today: make(map[string]*today), changed: make(map[string]struct{}), over: make(map[string][]byte)}
}

func dayKey(check string, day int64) string {
	return fmt.Sprintf("%s%s.%d", dayPrefix, token(check), slot(day, daySlots))
}

func spanKey(check string, span int64) string {
	return fmt.Sprintf("%s%s.%d", spanPrefix, token(check), slot(span, spanSlots))
}

// put stores an hour that is over. Hours come in order; one that was stored before, as when messages
// are folded again, is replaced by itself, and one of a day that is over is there already.
func (d *days) put(check string, hour tally) {
	t := d.today[check]
	if t == nil {
		t = &today{Check: check}
		d.today[check] = t
	}
	if n := len(t.Hours); n > 0 {
		last := t.Hours[n-1].At
		switch {
		case dayOf(hour.At) < dayOf(last):
			return
		case dayOf(hour.At) > dayOf(last):
			d.closeDay(t)
		default:
			for n > 0 && t.Hours[n-1].At >= hour.At {
				n--
			}
			t.Hours = t.Hours[:n]
		}
	}
	t.Hours = append(t.Hours, hour)
	d.changed[check] = struct{}{}
}

func (d *days) closeDay(t *today) {
	day := dayOf(t.Hours[0].At)
	d.over[dayKey(t.Check, day)] = encode(past{Number: day, Parts: t.Hours})
	if n := len(t.Days); n > 0 && floorDiv(t.Days[n-1].At, spanDays) != floorDiv(day, spanDays) {
		span := floorDiv(t.Days[n-1].At, spanDays)
		d.over[spanKey(t.Check, span)] = encode(past{Number: span, Parts: t.Days})
		t.Days = nil
	}
	t.Days = append(t.Days, t.Base.total(together(day, t.Hours)))
	t.Hours = nil
}

// forget drops a check. What of it is over stays where it is.
func (d *days) forget(check string) {
	delete(d.today, check)
	d.changed[check] = struct{}{}
}

// dirty returns what is over before what is at hand, which has room for what follows it only then.
func (d *days) dirty() []Change {
	over := make([]Change, 0, len(d.over))
	for key, value := range d.over {
		over = append(over, Change{key, value})
	}
	changed := make([]Change, 0, len(d.changed))
	for check := range d.changed {
		c := Change{Key: todayPrefix + token(check)}
		if t := d.today[check]; t != nil {
			c.Value = encode(t)
		}
		changed = append(changed, c)
	}
	clear(d.over)
	clear(d.changed)
	return append(sorted(over), sorted(changed)...)
}

func (d *days) restore(e bus.Entry) error {
	t := &today{}
	if err := json.Unmarshal(e.Value, t); err != nil {
		return err
	}
	if todayPrefix+token(t.Check) != e.Key {
		return fmt.Errorf("it holds %q", strings.Clone(t.Check))
	}
	d.today[t.Check] = t
	return nil
}
