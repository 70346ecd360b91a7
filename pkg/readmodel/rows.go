package readmodel

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Row is a check as the board shows it: short, since a board has all of them.
type Row struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Service   string            `json:"service"`
	Kind      string            `json:"kind"`
	Target    string            `json:"target"`
	Labels    map[string]string `json:"labels,omitempty"`
	Locations []string          `json:"locations"`
	Paused    bool              `json:"paused,omitempty"`
	// Revision is that of the definition, Sequence the place in EVENTS that the row has reached.
	Revision    uint64         `json:"revision"`
	Sequence    uint64         `json:"sequence"`
	Status      monitor.Status `json:"status"`
	StatusSince time.Time      `json:"status_since"`
	Pending     bool           `json:"pending,omitempty"`
	// Reason says why the status is what it is, Finding in short what the last result found when it
	// failed: "503", an actual value, or the beginning of the error.
	Reason  string `json:"reason,omitempty"`
	Finding string `json:"finding,omitempty"`
	// Recent is the heartbeat bar, as in CheckView.
	Recent string `json:"recent"`
	// LatencyMS is that of the last result.
	LatencyMS float64 `json:"latency_ms,omitempty"`
	// Uptime and Coverage are those of 24 hours, in [0, 1]; Uptime is null without data.
	Uptime   *float64 `json:"uptime_24h"`
	Coverage float64  `json:"coverage_24h"`
	// Corrected says that corrections made a difference to Uptime.
	Corrected bool `json:"corrected_24h,omitempty"`
}

// Board is everything that a board shows, as of a time.
type Board struct {
	At        time.Time         `json:"at"`
	Checks    []Row             `json:"checks"`
	Services  []monitor.Service `json:"services"`
	Incidents int               `json:"open_incidents"`
	Runners   int               `json:"runners"`
	// Sequence is the place in EVENTS that the board has reached.
	Sequence uint64 `json:"sequence"`
}

// BoardChange is what has changed on a board. What it lists replaces what was known.
type BoardChange struct {
	At time.Time `json:"at"`
	// Checks are those that are new, or changed in more than what Beats tell.
	Checks []Row  `json:"checks,omitempty"`
	Beats  []Beat `json:"beats,omitempty"`
	// GoneChecks and GoneServices are the ids of those that are not there any more.
	GoneChecks   []string          `json:"gone_checks,omitempty"`
	Services     []monitor.Service `json:"services,omitempty"`
	GoneServices []string          `json:"gone_services,omitempty"`
	Incidents    int               `json:"open_incidents"`
	Runners      int               `json:"runners"`
	Sequence     uint64            `json:"sequence"`
}

// Empty reports whether nothing has changed but the time.
func (c *BoardChange) Empty() bool {
	return len(c.Checks)+len(c.Beats)+len(c.GoneChecks)+len(c.Services)+len(c.GoneServices) == 0
}

// Beat is what results have changed of a row. It is written as an array, since there are many:
// [id, letters to append to recent, latency_ms, uptime_24h, coverage_24h].
type Beat struct {
	ID        string
	Letters   string
	LatencyMS float64
	Uptime    *float64
	Coverage  float64
}

// MarshalJSON implements json.Marshaler.
func (b Beat) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{b.ID, b.Letters, b.LatencyMS, b.Uptime, b.Coverage})
}

// row is the check as the board shows it. What is shown is rounded: more digits say no more.
func (b *board) row(c *checkState, now time.Time) Row {
	check := b.check(c, now)
	r := Row{
		ID: check.ID, Name: check.Name, Service: check.Service, Kind: check.Kind, Target: check.Target, Labels: check.Labels,
		Locations: check.Locations, Paused: check.Paused, Revision: check.Revision, Sequence: c.Sequence,
		Status: check.Status, StatusSince: check.StatusSince, Pending: check.Pending, Reason: check.Reason,
	}
	if p := c.pulse; p != nil {
		uptime := p.dayUptime(&c.Check, now, b.sight(&c.Check))
		r.Recent, r.Coverage, r.Finding, r.Corrected = p.Recent, round(uptime.Coverage, 4), Finding(p.last), uptime.Corrected != nil
		if uptime.Ratio != nil {
			ratio := round(*uptime.Ratio, 6)
			r.Uptime = &ratio
		}
		if p.last != nil {
			r.LatencyMS = round(p.last.DurationMS, 1)
		}
	}
	return r
}

// Board is everything that a board showed.
func (m *Moment) Board(context.Context) (Board, error) {
	b := Board{
		At: m.at, Sequence: m.sequence, Checks: make([]Row, 0, len(m.board.sorted)), Services: make([]monitor.Service, 0, len(m.board.services)),
	}
	for _, c := range m.board.sorted {
		b.Checks = append(b.Checks, m.board.row(c, m.at))
	}
	for _, key := range slices.Sorted(maps.Keys(m.board.services)) {
		if s := m.board.services[key]; s.serviceEntry != nil {
			b.Services = append(b.Services, m.board.service(s, m.at))
		}
	}
	b.Incidents, b.Runners = m.board.counts()
	return b, nil
}

// counts are the open incidents, and the runners at work.
func (b *board) counts() (incidents, runners int) {
	for _, i := range b.incidents {
		if i.Open() {
			incidents++
		}
	}
	for _, runner := range b.runners {
		if runner.LeftAt.IsZero() {
			runners++
		}
	}
	return incidents, runners
}

// round leaves so many decimals, rounding down, so that what is not whole is not shown as if it were.
func round(value float64, decimals int) float64 {
	scale := math.Pow10(decimals)
	return math.Floor(value*scale+1e-6) / scale
}

// maxFinding bounds what a row tells of a result, in bytes.
const maxFinding = 80

// Finding says in short what a result found when it failed; else it is empty.
func Finding(result *monitor.Result) string {
	if result == nil || (result.Outcome != monitor.OutcomeFailure && result.Outcome != monitor.OutcomeError) {
		return ""
	}
	if status, ok := result.Observed["status"].(float64); ok && status >= 400 {
		return strconv.Itoa(int(status))
	}
	for _, a := range result.Assertions {
		if !a.Passed && a.Actual != "" && len(a.Actual) <= maxFinding/4 {
			return a.Actual
		}
	}
	return clip(result.Error, maxFinding)
}

// clip cuts a text to so many bytes, between characters.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := 0
	for i := range text {
		if i > most {
			break
		}
		cut = i
	}
	return text[:cut]
}

// beat tells what results have changed from one row to the next; ok is false when more has changed.
func beat(before, after *Row) (b Beat, ok bool) {
	letters, ok := appended(before.Recent, after.Recent)
	if !ok || before.Sequence != after.Sequence || before.Status != after.Status || before.Finding != after.Finding ||
		before.Reason != after.Reason || !before.StatusSince.Equal(after.StatusSince) || before.Pending != after.Pending ||
		before.Corrected != after.Corrected {
		return Beat{}, false
	}
	return Beat{ID: after.ID, Letters: letters, LatencyMS: after.LatencyMS, Uptime: after.Uptime, Coverage: after.Coverage}, true
}

// appended returns the fewest letters that make one bar of the other.
func appended(before, after string) (letters string, ok bool) {
	for n := range len(after) + 1 {
		letters = after[len(after)-n:]
		joined := before + letters
		if joined[max(0, len(joined)-RecentLength):] == after {
			return letters, true
		}
	}
	return "", false
}

// same reports whether two rows show the same, their definitions being the same.
func same(x, y *Row) bool {
	b, ok := beat(x, y)
	return ok && b.Letters == "" && x.LatencyMS == y.LatencyMS && x.Coverage == y.Coverage &&
		(x.Uptime == nil) == (y.Uptime == nil) && (x.Uptime == nil || *x.Uptime == *y.Uptime)
}
