package monitor

import (
	"strconv"
	"time"
)

// Result is the outcome of one execution of a check from one location by one runner.
type Result struct {
	// ID is the execution's: the same execution run twice yields the same id.
	ID       string `json:"id"`
	CheckID  string `json:"check_id"`
	Service  string `json:"service"`
	Revision uint64 `json:"revision"`
	Location string `json:"location"`
	Runner   string `json:"runner"`
	// DueAt is when the timetable wanted the execution; StartedAt is when it began.
	DueAt     time.Time `json:"due_at"`
	StartedAt time.Time `json:"started_at"`
	// NextDueAt is when the next execution was due; a gap between it and the next result's DueAt
	// is what was missed. Zero for an execution outside the timetable.
	NextDueAt time.Time `json:"next_due_at,omitzero"`
	// DurationMS is the latency of the last attempt in milliseconds, bounds [0, timeout]; of a heartbeat,
	// how long the work took.
	DurationMS float64 `json:"duration_ms"`
	Outcome    Outcome `json:"outcome"`
	// Attempts is how often the target was asked: 1 + retries used; of a heartbeat, 0.
	Attempts int `json:"attempts"`
	// Observed is what the executor saw, by CEL variable; bounded to 4 KiB as JSON by the executor.
	Observed   map[string]any    `json:"observed,omitempty"`
	Timings    *Timings          `json:"timings,omitempty"`
	Assertions []AssertionResult `json:"assertions,omitempty"`
	// Error says in plain words why the outcome is failure or error, or of what a degraded one warns;
	// empty on success.
	Error string `json:"error"`
	// Trigger is "schedule", "manual" (run now), "test" (an unsaved definition) or "heartbeat" (what is
	// watched reported, or failed to).
	Trigger Trigger `json:"trigger"`
	// Wire is what went over the wire, secrets taken out, where the trigger is test; bounded to 8 KiB
	// as JSON by the executor.
	Wire []WireEntry `json:"wire,omitempty"`
}

// WireEntry is one line of what an execution looked up, connected to, sent and received.
type WireEntry struct {
	// AtMS is when, in milliseconds from the beginning.
	AtMS float64 `json:"at_ms"`
	// What is "lookup", "connect", "token", "tls", "sent", "received", "attempt" or "more".
	What string `json:"what"`
	// Text is the beginning of what was sent or received; what cannot be shown is written as \xHH.
	Text string `json:"text,omitempty"`
	// Bytes is how many were sent or received.
	Bytes int `json:"bytes,omitempty"`
}

// Timings are the phases of an execution in milliseconds. A phase that did not happen is 0.
type Timings struct {
	DNS       float64 `json:"dns_ms,omitempty"`
	Connect   float64 `json:"connect_ms,omitempty"`
	TLS       float64 `json:"tls_ms,omitempty"`
	FirstByte float64 `json:"first_byte_ms,omitempty"`
	Transfer  float64 `json:"transfer_ms,omitempty"`
}

// AssertionResult is one assertion as it was evaluated. Actual is kept for those that failed.
type AssertionResult struct {
	Expression string `json:"expression"`
	Passed     bool   `json:"passed"`
	Actual     string `json:"actual,omitempty"`
	Error      string `json:"error,omitempty"`
}

// Trigger says why an execution happened.
type Trigger string

// The triggers.
const (
	TriggerSchedule  Trigger = "schedule"
	TriggerManual    Trigger = "manual"
	TriggerTest      Trigger = "test"
	TriggerHeartbeat Trigger = "heartbeat"
)

// Triggers returns all of them.
func Triggers() []Trigger {
	return []Trigger{TriggerSchedule, TriggerManual, TriggerTest, TriggerHeartbeat}
}

// Expected reports whether what was triggered so was to be expected, and counts for uptime: by the
// timetable or as a heartbeat, but not when somebody asked for it.
func (t Trigger) Expected() bool { return t == TriggerSchedule || t == TriggerHeartbeat }

// Execution is one due check for one location, with all that a runner needs to execute it.
// (check, revision, due time, location) identifies it.
type Execution struct {
	Check    Definition `json:"check"`
	Revision uint64     `json:"revision"`
	Location string     `json:"location"`
	DueAt    time.Time  `json:"due_at"`
	// NextDueAt is the next due time: an execution not begun by then is dropped as missed.
	NextDueAt time.Time `json:"next_due_at,omitzero"`
	Trigger   Trigger   `json:"trigger"`
}

// ID identifies the execution; due times are told apart to the millisecond.
func (e Execution) ID() string {
	return e.Check.ID + "." + strconv.FormatUint(e.Revision, 10) + "." + strconv.FormatInt(e.DueAt.UnixMilli(), 36) + "." + e.Location
}

// Grade turns what an execution found into its outcome: invert swaps success and failure, and a
// success slower than degraded_after is degraded. It is not asked about executions that could not run.
func (d Definition) Grade(passed bool, latency time.Duration) Outcome {
	if passed == d.Invert {
		return OutcomeFailure
	}
	if after := d.DegradedAfter.Std(); after > 0 && latency > after {
		return OutcomeDegraded
	}
	return OutcomeSuccess
}

// Position is a place in RESULTS: the message's stream sequence and the result's index in it.
type Position struct {
	Sequence uint64 `json:"sequence"`
	Index    int    `json:"index"`
}

// After reports whether p is later than q.
func (p Position) After(q Position) bool {
	return p.Sequence > q.Sequence || (p.Sequence == q.Sequence && p.Index > q.Index)
}
