package readmodel

import (
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// CheckView is a check as it is read: its definition and status, and what its results tell.
type CheckView struct {
	monitor.Check
	// Sequence is the place in EVENTS that the view has reached for this check.
	Sequence   uint64          `json:"sequence"`
	LastResult *monitor.Result `json:"last_result,omitempty"`
	// Uptime by window: "24h", and for a single check "7d", "30d" and "90d".
	Uptime map[string]Uptime `json:"uptime,omitempty"`
	// Recent is the heartbeat bar, oldest first, one letter per execution: U up, G degraded, D
	// failed, E could not run, "-" missed. At most RecentLength letters.
	Recent string `json:"recent"`
	// LatencyMS is that of the last result.
	LatencyMS float64 `json:"latency_ms,omitempty"`
	Instant
}

// Instant says of a view of the past of which time it is. A view of the present has none.
type Instant struct {
	At time.Time `json:"at,omitzero"`
	// ResultsKeptSince says that the results of At are not kept any more, but only those since this
	// time: then nothing is said of what they told.
	ResultsKeptSince time.Time `json:"results_kept_since,omitzero"`
}

// RecentLength is the most letters in a heartbeat bar.
const RecentLength = 60

// Uptime is the share of the executions with a finding that found a check up or degraded. A window
// of 24 hours is the hour at hand and the 24 before it, one of days the UTC day at hand and as many
// before it as the window has.
type Uptime struct {
	// Ratio is in [0, 1]; null when there is no data.
	Ratio *float64 `json:"ratio"`
	// Coverage is the share of the expected executions that ran, in [0, 1].
	Coverage float64 `json:"coverage"`
	// Expected and the counts of what came of them.
	Expected int `json:"expected"`
	Up       int `json:"up"`
	Degraded int `json:"degraded"`
	Down     int `json:"down"`
	Errors   int `json:"errors"`
	Late     int `json:"late"`
	// Corrected says what the figures would be without corrections; Ratio and the counts of what was found
	// are those with them, Coverage and Expected are never corrected. Nil when none made a difference.
	Corrected *Corrected `json:"corrected,omitempty"`
}

// Corrected is an uptime as it was found.
type Corrected struct {
	// By are the ids of the corrections that made a difference, sorted.
	By       []string `json:"by"`
	Ratio    *float64 `json:"ratio"`
	Up       int      `json:"up"`
	Degraded int      `json:"degraded"`
	Down     int      `json:"down"`
	// Maintenance is how many executions are left out.
	Maintenance int `json:"maintenance"`
}

// LatencyPoint is the latency of one step of a series, in milliseconds.
type LatencyPoint struct {
	At    time.Time `json:"at"`
	Count int       `json:"count"`
	P50   float64   `json:"p50_ms"`
	P95   float64   `json:"p95_ms"`
	P99   float64   `json:"p99_ms"`
}

// DayUptime is what became of the executions of one UTC day.
type DayUptime struct {
	// Day is when it began.
	Day time.Time `json:"day"`
	Uptime
}

// ServiceView is a service as it is read.
type ServiceView struct {
	monitor.Service
	Sequence uint64 `json:"sequence"`
	// Checks are the ids of its checks, sorted.
	Checks []string `json:"checks"`
	// At is the time of a view of the past.
	At time.Time `json:"at,omitzero"`
}

// IncidentView is an incident as it is read.
type IncidentView struct {
	monitor.Incident
	// CorrectedBy are the ids of the corrections that stand of a part of its time, sorted.
	CorrectedBy []string `json:"corrected_by,omitempty"`
	Sequence    uint64   `json:"sequence"`
}

// RunnerView is a runner as it is read.
type RunnerView struct {
	monitor.Runner
	Sequence uint64 `json:"sequence"`
}

// Overview counts checks and services by status.
type Overview struct {
	Checks    map[monitor.Status]int `json:"checks"`
	Services  map[monitor.Status]int `json:"services"`
	Incidents int                    `json:"open_incidents"`
	Runners   int                    `json:"runners"`
	// Sequence is the place in EVENTS that the overview has reached.
	Sequence uint64 `json:"sequence"`
	// ReadOnly says why nothing can be changed; the api knows, no fold does. Empty when things can.
	ReadOnly string `json:"read_only,omitempty"`
	// At is the time of an overview of the past.
	At time.Time `json:"at,omitzero"`
}
