package monitor

import (
	"encoding/json"
	"time"
)

// Definition is what a user says of a check. Zero fields take the defaults of WithDefaults.
type Definition struct {
	// ID is [a-z0-9][a-z0-9_-]{0,63}: it is a token of message subjects.
	ID      string `json:"id"`
	Name    string `json:"name"`
	Service string `json:"service"`
	// Kind names the executor: http, dns, …
	Kind   string `json:"kind"`
	Target string `json:"target"`
	// Options are the kind's own, a JSON object; the kind decodes them strictly.
	Options json.RawMessage `json:"options,omitempty"`
	// Assertions are CEL expressions over the kind's variables; all must hold.
	Assertions []string `json:"assertions,omitempty"`
	// Interval is the time between executions, bounds [1s, 24h], of heartbeats [1s, 168h]; empty when
	// Cron is set.
	Interval Duration `json:"interval,omitzero"`
	// Cron is five fields (minute hour day month weekday) read in TimeZone, an IANA name.
	Cron     string `json:"cron,omitempty"`
	TimeZone string `json:"time_zone,omitempty"`
	// Grace is how long after it was expected a heartbeat may come, bounds [1s, 168h]; of other kinds 0.
	Grace Duration `json:"grace,omitzero"`
	// StaleAfter is how long after the last result the check becomes unknown, more than interval and timeout
	// together, at most 30 days; 0 is two intervals (or due times), a timeout and a grace.
	StaleAfter Duration `json:"stale_after,omitzero"`
	// Timeout bounds one attempt, bounds [10ms, 5m].
	Timeout Duration `json:"timeout"`
	// Retries is how often a failed attempt is repeated within one execution, bounds [0, 10].
	Retries    int      `json:"retries"`
	RetryDelay Duration `json:"retry_delay,omitzero"`
	// FailureThreshold is how many failures in a row make a location down, bounds [1, 100];
	// SuccessThreshold is how many successes in a row end that.
	FailureThreshold int `json:"failure_threshold"`
	SuccessThreshold int `json:"success_threshold"`
	// DegradedAfter makes a slower success degraded, bounds [1ms, timeout); of heartbeats, where it is
	// about how long the work took, [1ms, 720h]. 0 is off.
	DegradedAfter Duration `json:"degraded_after,omitzero"`
	// Invert swaps success and failure.
	Invert bool `json:"invert,omitempty"`
	// Locations are where the check runs from, 1 to 50 names like ids.
	Locations []string `json:"locations"`
	// Quorum is how many locations must be down for the check to be down, bounds [1, len(Locations)].
	Quorum int               `json:"quorum"`
	Labels map[string]string `json:"labels,omitempty"`
	Paused bool              `json:"paused"`
}

// Defaults of a definition.
const (
	DefaultInterval = Duration(30 * time.Second)
	DefaultTimeout  = Duration(10 * time.Second)
	DefaultLocation = "default"
)

// WithDefaults returns d with every zero field that has a default set to it. The default timeout is
// 10s, or as much of the interval as the retries leave to one attempt where that is less.
func (d Definition) WithDefaults() Definition {
	if d.Name == "" {
		d.Name = d.ID
	}
	if d.Pushed() {
		if d.Target == "" {
			d.Target = d.ID
		}
		if d.Grace == 0 {
			d.Grace = DefaultGrace
		}
	}
	if d.Interval == 0 && d.Cron == "" {
		d.Interval = DefaultInterval
	}
	if d.Cron != "" && d.TimeZone == "" {
		d.TimeZone = "UTC"
	}
	if d.Timeout == 0 {
		d.Timeout = DefaultTimeout
		if d.Interval > 0 && d.Retries >= 0 {
			d.Timeout = min(d.Timeout, (d.Interval-Duration(d.Retries)*d.RetryDelay)/Duration(d.Retries+1))
		}
	}
	if d.FailureThreshold == 0 {
		d.FailureThreshold = 1
	}
	if d.SuccessThreshold == 0 {
		d.SuccessThreshold = 1
	}
	if len(d.Locations) == 0 {
		d.Locations = []string{DefaultLocation}
	}
	if d.Quorum == 0 {
		d.Quorum = 1
	}
	return d
}

// Patience returns how long after the last result the data of a location stays good: as the definition says,
// else two intervals, a timeout and a grace. Not ok by cron, where the due times tell.
func (d Definition) Patience() (patience time.Duration, ok bool) {
	switch {
	case d.StaleAfter != 0:
		return d.StaleAfter.Std(), true
	case d.Cron == "":
		return 2*d.Interval.Std() + d.Timeout.Std() + d.Grace.Std(), true
	}
	return 0, false
}

// Check is a check as the events tell it: its definition and what became of it.
type Check struct {
	Definition
	// Revision counts the changes of the definition, pauses included; it is the check's ETag.
	Revision    uint64    `json:"revision"`
	Status      Status    `json:"status"`
	StatusSince time.Time `json:"status_since"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	// DecidedAt is the position in RESULTS at which Status was decided.
	DecidedAt Position `json:"decided_at,omitzero"`
	// Incident is the id of the open incident, if any.
	Incident string `json:"incident,omitempty"`
	// Reason says why the status is what it is: the failing assertion, the error, the silence.
	Reason string `json:"reason,omitempty"`
	// Pending is true from registration or resumption until the first decision: the check is
	// unknown because it is new, and is left out of its service's roll-up.
	Pending bool `json:"pending,omitempty"`
}
