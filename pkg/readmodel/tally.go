package readmodel

import (
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// tally counts what became of the executions of one check in one hour or day.
type tally struct {
	// At is the hour in hours since 1970, or the day in days.
	At       int64  `json:"t"`
	Up       uint32 `json:"u,omitempty"`
	Degraded uint32 `json:"g,omitempty"`
	Down     uint32 `json:"d,omitempty"`
	Errors   uint32 `json:"e,omitempty"`
	Missed   uint32 `json:"m,omitempty"`
	Late     uint32 `json:"l,omitempty"`
	// Sketch is that of the latencies, where it is stored for good.
	Sketch []byte `json:"s,omitempty"`
	// Minutes are what was found minute by minute, likewise.
	Minutes []byte `json:"f,omitempty"`
}

func hourOf(at time.Time) int64 { return floorDiv(at.Unix(), 3600) }

func dayOf(hour int64) int64 { return floorDiv(hour, 24) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// slot is the place of a number in a ring of n.
func slot(number, n int64) int64 { return number - n*floorDiv(number, n) }

func (t *tally) count(o monitor.Outcome) {
	switch o {
	case monitor.OutcomeSuccess:
		t.Up++
	case monitor.OutcomeDegraded:
		t.Degraded++
	case monitor.OutcomeFailure:
		t.Down++
	case monitor.OutcomeError:
		t.Errors++
	}
}

func (t *tally) add(other tally) {
	t.Up += other.Up
	t.Degraded += other.Degraded
	t.Down += other.Down
	t.Errors += other.Errors
	t.Missed += other.Missed
	t.Late += other.Late
}

// together adds up hours or days, their latencies and minutes too.
func together(at int64, parts []tally) tally {
	sum, all, found := tally{At: at}, newLatencies(), minutes(nil)
	for _, part := range parts {
		sum.add(part)
		_ = all.merge(part.Sketch) // written by us; one that cannot be read tells nothing
		found.merge(minutesOf(part.Minutes))
	}
	sum.Sketch, sum.Minutes = all.bytes(), found.bytes()
	return sum
}

// uptime computes the shares. Time without data is neither up nor down: it lowers coverage.
func (t tally) uptime() Uptime {
	u := Uptime{Up: int(t.Up), Degraded: int(t.Degraded), Down: int(t.Down), Errors: int(t.Errors), Late: int(t.Late)}
	conclusive := u.Up + u.Degraded + u.Down
	u.Expected = conclusive + u.Errors + int(t.Missed)
	if conclusive > 0 {
		ratio := float64(u.Up+u.Degraded) / float64(conclusive)
		u.Ratio = &ratio
	}
	if u.Expected > 0 {
		u.Coverage = float64(conclusive) / float64(u.Expected)
	}
	return u
}
