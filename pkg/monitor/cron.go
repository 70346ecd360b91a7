package monitor

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cron is a parsed five-field cron expression, one bit per allowed value.
type cron struct {
	minute, hour, day, month, weekday uint64
	// anyDay and anyWeekday tell "*" apart: when both fields are restricted, either may match, as
	// crontab(5) has it.
	anyDay, anyWeekday bool
}

type cronField struct {
	name        string
	least, most int
	names       []string
}

func cronFields() [5]cronField {
	return [5]cronField{
		{"minute", 0, 59, nil},
		{"hour", 0, 23, nil},
		{"day of month", 1, 31, nil},
		{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
		{"weekday", 0, 7, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
	}
}

// parseCron reads "minute hour day month weekday"; each field is *, a value, a range a-b, a step
// */n or a-b/n, or a list of these. Months and weekdays may be named; weekday 7 is Sunday.
func parseCron(text string) (cron, error) {
	words := strings.Fields(text)
	if len(words) != 5 {
		return cron{}, fmt.Errorf("%q has %d fields: use five, minute hour day month weekday, such as \"*/5 * * * *\"", clip(text), len(words))
	}
	var bits [5]uint64
	for i, field := range cronFields() {
		set, err := field.parse(words[i])
		if err != nil {
			return cron{}, err
		}
		bits[i] = set
	}
	if bits[4]&(1<<7) != 0 {
		bits[4] |= 1
	}
	c := cron{bits[0], bits[1], bits[2], bits[3], bits[4], words[2] == "*", words[4] == "*"}
	// Any four years hold a 29 February; an expression without a match in eight has none.
	if c.next(time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return cron{}, fmt.Errorf("%q never comes: there is no such day in those months", clip(text))
	}
	return c, nil
}

func (f cronField) parse(text string) (uint64, error) {
	var set uint64
	for part := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 || n > f.most {
				return 0, fmt.Errorf("step %q of the %s cannot be used: use 1 to %d", clip(stepText), f.name, f.most)
			}
			step = n
		}
		low, high := f.least, f.most
		if span != "*" {
			var err error
			if low, high, err = f.span(span, stepped); err != nil {
				return 0, err
			}
		}
		for v := low; v <= high; v += step {
			set |= 1 << v
		}
	}
	return set, nil
}

func (f cronField) span(text string, stepped bool) (low, high int, err error) {
	first, last, ranged := strings.Cut(text, "-")
	if low, err = f.value(first); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		if high, err = f.value(last); err != nil {
			return 0, 0, err
		}
	case stepped:
		high = f.most
	default:
		high = low
	}
	if high < low {
		return 0, 0, fmt.Errorf("range %q of the %s runs backwards", clip(text), f.name)
	}
	return low, high, nil
}

func (f cronField) value(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return i + f.least, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.least || n > f.most {
		return 0, fmt.Errorf("%q is no %s: use %d to %d", clip(text), f.name, f.least, f.most)
	}
	return n, nil
}

// next returns the first time strictly after t that matches, in t's location; zero when there is
// none within eight years. A local time that a clock change skips does not happen that day. One
// that comes twice happens the first time, and both times where every hour matches, so that a
// frequent job leaves no gap.
func (c cron) next(t time.Time) time.Time {
	zone := t.Location()
	limit := t.Year() + 8
	at := t.Truncate(time.Minute).Add(time.Minute)
	for day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, zone); day.Year() <= limit; {
		if c.month&(1<<day.Month()) == 0 {
			day = time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, zone)
			continue
		}
		if c.matchesDay(day) {
			if found := c.within(day, t); !found.IsZero() {
				return found
			}
		}
		day = time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, zone)
	}
	return time.Time{}
}

func (c cron) matchesDay(day time.Time) bool {
	byDay := c.day&(1<<day.Day()) != 0
	byWeekday := c.weekday&(1<<day.Weekday()) != 0
	if c.anyDay || c.anyWeekday {
		return byDay && byWeekday
	}
	return byDay || byWeekday
}

// within returns the first match of the day strictly after t.
func (c cron) within(day, t time.Time) time.Time {
	const everyHour = 1<<24 - 1
	for hour := range 24 {
		if c.hour&(1<<hour) == 0 {
			continue
		}
		// Also what a clock set back brings again is over by the beginning of the next hour but one.
		if over := time.Date(day.Year(), day.Month(), day.Day(), hour+2, 0, 0, 0, day.Location()); !over.After(t) {
			continue
		}
		if at := c.withinHour(day, t, hour, false); !at.IsZero() {
			return at
		}
		if c.hour == everyHour {
			if at := c.withinHour(day, t, hour, true); !at.IsZero() {
				return at
			}
		}
	}
	return time.Time{}
}

// withinHour returns the first match of the day's hour strictly after t; again asks for the second
// time that a clock set back brings the hour.
func (c cron) withinHour(day, t time.Time, hour int, again bool) time.Time {
	for minute := range 60 {
		if c.minute&(1<<minute) == 0 {
			continue
		}
		at := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, day.Location())
		if at.Hour() != hour || at.Minute() != minute {
			continue
		}
		// time.Date does not say which of two it returns.
		first, second := at, at
		if earlier := at.Add(-time.Hour); earlier.Hour() == hour {
			first = earlier
		} else if later := at.Add(time.Hour); later.Hour() == hour {
			second = later
		}
		at = first
		if again {
			if at = second; second.Equal(first) {
				continue
			}
		}
		if at.After(t) {
			return at
		}
	}
	return time.Time{}
}
