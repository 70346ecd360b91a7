package trace

import (
	"math"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Result is what is kept of a result. Times are nanoseconds since 1970.
type Result struct {
	// Position is its place in RESULTS.
	Position                   monitor.Position
	StoredAt, DueAt, StartedAt int64
	// NextDueAt is 0 for an execution outside the timetable.
	NextDueAt int64
	// Duration is the latency in nanoseconds.
	Duration int64
	Revision uint64
	Location string
	Outcome  monitor.Outcome
	Trigger  monitor.Trigger
	Attempts int
	// Error is shortened to MaxError bytes.
	Error string
}

// MaxError bounds an error in bytes.
const MaxError = 256

// Of returns what is kept of a result; not ok for another event, or a test, which belongs to no check.
func Of(m monitor.EventMessage) (r Result, checkID string, ok bool) {
	full, ok := monitor.ResultOf(m.Event)
	if !ok || full.Trigger == monitor.TriggerTest {
		return r, "", false
	}
	stored := m.StoredAt
	if stored.IsZero() {
		stored = m.Time
	}
	r = Result{
		Position: m.Position(), StoredAt: stored.UnixNano(), DueAt: full.DueAt.UnixNano(), StartedAt: full.StartedAt.UnixNano(),
		Duration: int64(math.Round(full.DurationMS * float64(time.Millisecond))), Revision: full.Revision, Location: full.Location,
		Outcome: full.Outcome, Trigger: full.Trigger, Attempts: full.Attempts, Error: full.Error,
	}
	if !full.NextDueAt.IsZero() {
		r.NextDueAt = full.NextDueAt.UnixNano()
	}
	if r.Trigger == "" {
		r.Trigger = monitor.TriggerSchedule
	}
	if len(r.Error) > MaxError {
		r.Error = strings.ToValidUTF8(r.Error[:MaxError], "")
	}
	return r, full.CheckID, true
}

// FinishedAt is when the execution ended.
func (r *Result) FinishedAt() int64 { return r.StartedAt + r.Duration }

// Result returns the result of a check as far as it was kept.
func (r *Result) Result(checkID string) monitor.Result {
	full := r.brief(checkID)
	full.ID = monitor.Execution{Check: monitor.Definition{ID: checkID}, Revision: r.Revision, Location: r.Location, DueAt: full.DueAt}.ID()
	return full
}

// brief is Result without its id, which is made of the rest.
func (r *Result) brief(checkID string) monitor.Result {
	due := at(r.DueAt)
	full := monitor.Result{
		CheckID: checkID, Revision: r.Revision, Location: r.Location, DueAt: due, StartedAt: at(r.StartedAt),
		DurationMS: float64(r.Duration) / float64(time.Millisecond), Outcome: r.Outcome, Attempts: r.Attempts, Error: r.Error, Trigger: r.Trigger,
	}
	if r.NextDueAt != 0 {
		full.NextDueAt = at(r.NextDueAt)
	}
	return full
}

// Message is Result as it is read from RESULTS.
func (r *Result) Message(checkID string) monitor.EventMessage {
	return r.message(r.Result(checkID))
}

// Brief is Message for who does not look at the result's id, which is left out.
func (r *Result) Brief(checkID string) monitor.EventMessage { return r.message(r.brief(checkID)) }

func (r *Result) message(full monitor.Result) monitor.EventMessage {
	stored := at(r.StoredAt)
	return monitor.EventMessage{
		Meta:  monitor.Meta{Time: stored, StoredAt: stored, Sequence: r.Position.Sequence, Index: r.Position.Index},
		Event: monitor.Executed(full),
	}
}

func at(nanoseconds int64) time.Time { return time.Unix(0, nanoseconds).UTC() }
