package replay

import (
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// grading is what of a definition makes an outcome of what was found.
type grading struct {
	revision      uint64
	invert        bool
	degradedAfter monitor.Duration
	assertions    []string
}

func gradingOf(revision uint64, d monitor.Definition) grading {
	return grading{revision, d.Invert, d.DegradedAfter, d.Assertions}
}

// Recount is how results fared that had to be graded again.
type Recount struct {
	// Regraded had their outcome changed; NotReplayable keep the recorded one, since what an
	// assertion needs was not kept; Unretried became failures where another attempt would have been
	// made, of which nothing is known.
	Regraded      int `json:"regraded"`
	NotReplayable int `json:"not_replayable"`
	Unretried     int `json:"unretried"`
}

// regrade returns a result as it would have been under now, when it was graded by was.
func (n *Recount) regrade(r monitor.Result, was grading, now monitor.Definition, assessor Assessor) monitor.Result {
	same := slices.Equal(was.assertions, now.Assertions)
	if r.Outcome == monitor.OutcomeError || (same && was.invert == now.Invert && was.degradedAfter == now.DegradedAfter) {
		return r
	}
	passed, text := (r.Outcome != monitor.OutcomeFailure) != was.invert, r.Error
	if !same && answered(r, was) {
		again, failure, ok := assessor.Assess(now, r)
		if !ok {
			n.NotReplayable++
			return r
		}
		passed, text = again, failure
	}
	outcome := now.Grade(passed, time.Duration(r.DurationMS*float64(time.Millisecond)))
	if outcome == r.Outcome {
		return r
	}
	n.Regraded++
	if outcome == monitor.OutcomeFailure && r.Attempts <= now.Retries {
		n.Unretried++
	}
	r.Outcome = outcome
	switch {
	case outcome != monitor.OutcomeFailure:
		r.Error = ""
	case passed:
		r.Error = "it succeeded, and invert makes that a failure"
	case text == "":
		r.Error = "it did not succeed"
	default:
		r.Error = text
	}
	return r
}

// answered reports whether the target answered, so that there was something to judge: otherwise it
// failed, whatever the assertions.
func answered(r monitor.Result, was grading) bool {
	passed := (r.Outcome != monitor.OutcomeFailure) != was.invert
	return passed || len(r.Assertions) > 0 || (len(was.assertions) == 0 && len(r.Observed) > 0)
}
