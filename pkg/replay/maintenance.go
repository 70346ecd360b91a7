package replay

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Maintenance is when what goes down opens no incident: a span, or a span that begins by a schedule.
type Maintenance struct {
	// From and To are a span; what is decided at To is after it.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Cron is five fields read in TimeZone, UTC by default; Duration is how long each lasts, bounds
	// [1m, 168h].
	Cron     string           `json:"cron,omitempty"`
	TimeZone string           `json:"time_zone,omitempty"`
	Duration monitor.Duration `json:"duration,omitzero"`
}

// UnmarshalJSON refuses fields that are not known.
func (m *Maintenance) UnmarshalJSON(raw []byte) error {
	type plain Maintenance
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode((*plain)(m)); err != nil {
		return err
	}
	m.From, m.To = m.From.UTC(), m.To.UTC()
	return nil
}

const (
	minMaintenance = time.Minute
	maxMaintenance = 7 * 24 * time.Hour
)

func (m Maintenance) validate(p *monitor.Problems, field string) {
	if m.Cron == "" {
		if m.TimeZone != "" || m.Duration != 0 {
			p.Add(field, "time_zone and duration have a meaning with cron only: give cron, or from and to")
		}
		if m.From.IsZero() || !m.From.Before(m.To) {
			p.Add(field, "needs from, and to after it; or cron and duration")
		}
		return
	}
	if !m.From.IsZero() || !m.To.IsZero() {
		p.Add(field, "cron and a span exclude each other: give from and to, or cron and duration")
	}
	if d := m.Duration.Std(); d < minMaintenance || d > maxMaintenance {
		p.Add(field, "duration %s is out of bounds: use 1m to 168h", m.Duration)
	}
	if _, err := m.timetable(); err != nil {
		p.Add(field, "%v", err)
	}
}

func (m Maintenance) timetable() (monitor.Timetable, error) {
	return monitor.NewTimetable(monitor.Definition{Cron: m.Cron, TimeZone: m.TimeZone})
}

// window is a time from one instant on and before another.
type window struct{ from, to time.Time }

// windows returns the windows that lie within a range or reach into it, in order.
func (m Maintenance) windows(from, to time.Time) []window {
	if m.Cron == "" {
		if m.From.Before(to) && m.To.After(from) {
			return []window{{m.From, m.To}}
		}
		return nil
	}
	timetable, err := m.timetable()
	if err != nil { // refused by validate
		return nil
	}
	var all []window
	length := m.Duration.Std()
	for begin := timetable.Next(from.Add(-length)); begin.Before(to) && !begin.IsZero(); begin = timetable.Next(begin) {
		all = join(all, window{begin, begin.Add(length)})
	}
	return all
}

// join adds a window that begins no earlier than the last one; what touch are one.
func join(all []window, next window) []window {
	n := len(all)
	if n == 0 || next.from.After(all[n-1].to) {
		return append(all, next)
	}
	if next.to.After(all[n-1].to) {
		all[n-1].to = next.to
	}
	return all
}

// quiet follows the maintenance of a question through its range, and knows which checks went down in it.
type quiet struct {
	// windows are those to come and the one at hand, in order, without overlaps.
	windows []window
	down    map[string]act
}

func newQuiet(all []Maintenance, from, to time.Time) *quiet {
	q := &quiet{down: make(map[string]act)}
	var windows []window
	for _, m := range all {
		windows = append(windows, m.windows(from, to)...)
	}
	slices.SortFunc(windows, func(x, y window) int { return x.from.Compare(y.from) })
	for _, w := range windows {
		q.windows = join(q.windows, w)
	}
	return q
}

// judge is Board.Judge, as maintenance has it.
func (q *quiet) judge(b *monitor.Board, a act) []monitor.Event {
	if len(q.windows) == 0 || a.at.Before(q.windows[0].from) {
		return b.Judge(a.checkID, a.verdict)
	}
	if a.verdict.Status == monitor.StatusDown {
		q.down[a.checkID] = a
	}
	return b.JudgeInMaintenance(a.checkID, a.verdict)
}

// passTo ends the maintenance that is over by a time: the incidents of the checks that are still down open.
func (q *quiet) passTo(b *monitor.Board, at time.Time) (all []happening) {
	for len(q.windows) > 0 && !q.windows[0].to.After(at) {
		end := q.windows[0].to
		q.windows = q.windows[1:]
		for _, id := range slices.Sorted(maps.Keys(q.down)) {
			verdict := q.down[id].verdict
			verdict.At = end
			events := b.EndMaintenance(id, verdict)
			fold(b, events, end)
			for _, e := range events {
				all = append(all, happening{at: end, event: e})
			}
		}
		clear(q.down)
	}
	return all
}
