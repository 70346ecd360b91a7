package chain

import (
	"fmt"
	"time"
)

// MaxDamage is how many damages a report lists.
const MaxDamage = 100

// Report is what a verification found.
type Report struct {
	// Whole says that nothing is wrong.
	Whole bool `json:"whole"`
	// Events were read, from First to Last.
	Events uint64 `json:"events"`
	First  uint64 `json:"first"`
	Last   uint64 `json:"last"`
	// Head is the head after the last event; of a log with damage, as it is now.
	Head Head `json:"head"`
	// Compared is the last event that was compared with the chain kept beside the log. Later ones are
	// not in it yet.
	Compared uint64 `json:"compared"`
	// Damage lists what is wrong, the first MaxDamage of it; Damaged counts all.
	Damage  []Damage `json:"damage"`
	Damaged uint64   `json:"damaged"`
	// CheckedAt is when the verification ended, after TookMS milliseconds.
	CheckedAt time.Time `json:"checked_at"`
	TookMS    int64     `json:"took_ms"`
}

// Damage is something wrong with one event, or with several in a row that have the same wrong.
type Damage struct {
	Sequence uint64 `json:"sequence"`
	// Until is the last of several in a row; that of one is Sequence.
	Until uint64 `json:"until"`
	What  string `json:"what"`
}

// Error says it in words: "event 3 is not what it was".
func (d Damage) Error() string {
	if d.Until > d.Sequence {
		return fmt.Sprintf("events %d to %d: each %s", d.Sequence, d.Until, d.What)
	}
	return fmt.Sprintf("event %d %s", d.Sequence, d.What)
}

// What may be wrong with an event.
const (
	Changed = "is not what it was"
	Missing = "is missing"
)

// Add notes what is wrong with an event, in the order of the log.
func (r *Report) Add(sequence uint64, what string) { r.AddAll(sequence, sequence, what) }

// AddAll notes what is wrong with the events from first to last.
func (r *Report) AddAll(first, last uint64, what string) {
	r.Damaged += last - first + 1
	if n := len(r.Damage); n > 0 && r.Damage[n-1].What == what && r.Damage[n-1].Until+1 == first {
		r.Damage[n-1].Until = last
		return
	}
	if len(r.Damage) < MaxDamage {
		r.Damage = append(r.Damage, Damage{Sequence: first, Until: last, What: what})
	}
}

// Reason says in one line what is wrong; empty of a log that is whole.
func (r *Report) Reason() string {
	if r.Whole || len(r.Damage) == 0 {
		return ""
	}
	text := r.Damage[0].Error()
	if more := len(r.Damage) - 1; more > 0 {
		text += fmt.Sprintf(", and %d places more", more)
	}
	return text
}
