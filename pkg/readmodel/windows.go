package readmodel

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

const window24h = "24h"

// windowDays are the windows of days: how many there are before the day at hand.
func windowDays() map[string]int64 { return map[string]int64{"7d": 7, "30d": 30, "90d": 90} }

// latency is that of the last result; last, the end of any list, when there is none.
func (p *pulse) latency() float64 {
	if p == nil || p.last == nil {
		return last
	}
	return p.last.DurationMS
}

// dayUptime is the uptime of the hour at hand and the 24 before it.
func (p *pulse) dayUptime(check *monitor.Check, now time.Time, known sight) Uptime {
	sum := account{rules: known.rules}
	oldest := hourOf(now) - keptHours
	for _, hour := range p.Hours {
		if hour.At > oldest {
			sum.hour(known.recall(p, hour))
		}
	}
	sum.tally.Missed += p.missing(check, now)
	return sum.uptime()
}

// missing counts the executions that are due since the last results and did not come: what a next
// result would count as missed. A paused check, or one that was changed since, is due for none.
func (p *pulse) missing(check *monitor.Check, now time.Time) uint32 {
	if check.Paused {
		return 0
	}
	var sum int64
	for _, name := range check.Locations {
		at, there := p.Locations[name]
		// One execution may be on its way.
		if until := now.Add(-check.Timeout.Std()); there && at.Revision == check.Revision && until.After(at.Next) {
			sum += missed(at, until.Add(at.Slot/2)) // the last one due before then is missed, not just made
		}
	}
	return uint32(sum)
}

// readPast reads a day or span that is over; nil when the slot holds another.
func readPast(raw []byte, number int64) (*past, error) {
	p := &past{}
	if err := json.Unmarshal(raw, p); err != nil {
		return nil, fmt.Errorf("read a day: %w", err)
	}
	if p.Number != number {
		return nil, nil //nolint:nilnil // it is no error
	}
	return p, nil
}

// readToday reads the day and span at hand.
func readToday(raw []byte) (*today, error) {
	t := &today{}
	if err := json.Unmarshal(raw, t); err != nil {
		return nil, fmt.Errorf("read the day at hand: %w", err)
	}
	return t, nil
}
