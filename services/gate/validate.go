package gate

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// maxSkew is how far a runner's clock may be from the gate's.
	maxSkew = 5 * time.Minute
	// maxAge is how late a result may come: longer ago, RESULTS would not keep it either.
	maxAge = 31 * 24 * time.Hour
	// maxDuration is the longest that one attempt can take: the longest timeout and some grace.
	maxDuration = time.Duration(monitor.MaxTimeout) + 5*time.Second
	// maxConcurrency is the most that a runner may claim.
	maxConcurrency = 4096
	// maxDepth is how deeply what was observed may be nested.
	maxDepth = 16
	// maxProblems is how many problems a refusal names.
	maxProblems = 10
)

// validate returns the sizes of the report's results as JSON, in bytes, or an error that wraps
// bus.ErrRefused and names what is wrong. location is where the report came in.
func validate(location string, report bus.Report, now time.Time) ([]int, error) {
	var p monitor.Problems
	if !monitor.ValidID(location) {
		p.Add("location", "%q is no name of a location", clip(location))
	}
	validateRunner(&p, location, report.Runner)
	if len(report.Results) > bus.MaxReportResults {
		p.Add("results", "there are %d: send at most %d", len(report.Results), bus.MaxReportResults)
		return nil, refuse(p)
	}
	sizes := make([]int, len(report.Results))
	for i, result := range report.Results {
		field := func(name string) string { return fmt.Sprintf("results[%d].%s", i, name) }
		v := verifier{problems: &p, field: field, now: now}
		sizes[i] = v.result(location, report.Runner.ID, result)
		if len(p) > maxProblems {
			p = p[:maxProblems]
			break
		}
	}
	return sizes, refuse(p)
}

func refuse(p monitor.Problems) error {
	if len(p) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", bus.ErrRefused, p)
}

func validateRunner(p *monitor.Problems, location string, r monitor.Runner) {
	if !monitor.ValidID(r.ID) {
		p.Add("runner.id", "%q cannot be used: use 1 to 64 characters of a-z, 0-9, _ and -", clip(r.ID))
	}
	if r.Location != location {
		p.Add("runner.location", "%q came in as %q: a runner reports for its own location only", clip(r.Location), clip(location))
	}
	if r.Concurrency < 0 || r.Concurrency > maxConcurrency {
		p.Add("runner.concurrency", "%d is out of bounds: use 1 to %d", r.Concurrency, maxConcurrency)
	}
	validateText(p, "runner.host", r.Host, monitor.MaxTextLength)
	validateText(p, "runner.version", r.Version, monitor.MaxTextLength)
}

func validateText(p *monitor.Problems, field, text string, most int) {
	switch {
	case len(text) > most:
		p.Add(field, "is %d bytes long: keep it within %d", len(text), most)
	case !utf8.ValidString(text):
		p.Add(field, "is not valid UTF-8")
	}
}

// verifier checks one result.
type verifier struct {
	problems *monitor.Problems
	field    func(name string) string
	now      time.Time
}

// result returns the size of r as JSON in bytes.
func (v verifier) result(location, runner string, r monitor.Result) int {
	v.identity(location, runner, r)
	v.times(r)
	v.outcome(r)
	v.texts(r)
	encoded, err := json.Marshal(r)
	switch {
	case err != nil:
		v.add("observed", "cannot be written as JSON: %v", err)
	case len(encoded) > bus.MaxResultSize:
		v.add("id", "the result is %d bytes long: keep it within %d", len(encoded), bus.MaxResultSize)
	}
	return len(encoded)
}

func (v verifier) add(name, format string, args ...any) {
	v.problems.Add(v.field(name), format, args...)
}

// identity holds the parts of the execution's id against the id. A test is of a definition that
// nobody has registered, so that it need have neither check nor service.
func (v verifier) identity(location, runner string, r monitor.Result) {
	test := r.Trigger == monitor.TriggerTest
	if !monitor.ValidID(r.CheckID) && (!test || r.CheckID != "") {
		v.add("check_id", "%q is no id", clip(r.CheckID))
	}
	if !monitor.ValidID(r.Service) && (!test || r.Service != "") {
		v.add("service", "%q is no id", clip(r.Service))
	}
	if r.Location != location {
		v.add("location", "%q came in as %q", clip(r.Location), clip(location))
	}
	if r.Runner != runner {
		v.add("runner", "%q is not the reporting runner %q", clip(r.Runner), clip(runner))
	}
	execution := monitor.Execution{
		Check: monitor.Definition{ID: r.CheckID}, Revision: r.Revision, Location: r.Location, DueAt: r.DueAt,
	}
	if want := execution.ID(); r.ID != want {
		v.add("id", "%q is not that of the execution, %q", clip(r.ID), clip(want))
	}
	if !slices.Contains(monitor.Triggers(), r.Trigger) {
		v.add("trigger", "%q is not known: use schedule, manual, test or heartbeat", clip(string(r.Trigger)))
	}
}

func (v verifier) times(r monitor.Result) {
	for name, at := range map[string]time.Time{"due_at": r.DueAt, "started_at": r.StartedAt} {
		switch {
		case at.After(v.now.Add(maxSkew)):
			v.add(name, "%s is in the future: compare the clocks of runner and gate", at.UTC().Format(time.RFC3339))
		case at.Before(v.now.Add(-maxAge)):
			v.add(name, "%s is more than %d days ago", at.UTC().Format(time.RFC3339), maxAge/(24*time.Hour))
		}
	}
	if r.StartedAt.Before(r.DueAt.Add(-maxSkew)) && r.Trigger != monitor.TriggerHeartbeat {
		v.add("started_at", "is more than %s before due_at: compare the clocks of runner and scheduler", maxSkew)
	}
	if !r.NextDueAt.IsZero() && !r.NextDueAt.After(r.DueAt) {
		v.add("next_due_at", "is not after due_at")
	}
}

func (v verifier) outcome(r monitor.Result) {
	if !slices.Contains(monitor.Outcomes(), r.Outcome) {
		v.add("outcome", "%q is none: use success, degraded, failure or error", clip(string(r.Outcome)))
	}
	if r.Attempts < 0 || r.Attempts > monitor.MaxRetries+1 {
		v.add("attempts", "%d is out of bounds: use 0 to %d", r.Attempts, monitor.MaxRetries+1)
	}
	longest := maxDuration
	if r.Trigger == monitor.TriggerHeartbeat {
		longest = monitor.MaxHeartbeatDuration
	}
	v.milliseconds("duration_ms", r.DurationMS, longest)
	if t := r.Timings; t != nil {
		for name, value := range map[string]float64{
			"dns_ms": t.DNS, "connect_ms": t.Connect, "tls_ms": t.TLS, "first_byte_ms": t.FirstByte, "transfer_ms": t.Transfer,
		} {
			v.milliseconds("timings."+name, value, maxDuration)
		}
	}
	if len(r.Assertions) > monitor.MaxAssertions {
		v.add("assertions", "there are %d: send at most %d", len(r.Assertions), monitor.MaxAssertions)
	}
}

func (v verifier) milliseconds(name string, value float64, longest time.Duration) {
	// Written so that NaN fails too.
	if !(value >= 0 && value <= float64(longest.Milliseconds())) || math.IsInf(value, 0) {
		v.add(name, "%g is out of bounds: use 0 to %d", value, longest.Milliseconds())
	}
}

func (v verifier) texts(r monitor.Result) {
	validateText(v.problems, v.field("error"), r.Error, bus.MaxResultSize)
	for i, a := range r.Assertions[:min(len(r.Assertions), monitor.MaxAssertions)] {
		for name, text := range map[string]string{"expression": a.Expression, "actual": a.Actual, "error": a.Error} {
			validateText(v.problems, v.field(fmt.Sprintf("assertions[%d].%s", i, name)), text, bus.MaxResultSize)
		}
	}
	if !validValue(r.Observed, maxDepth) {
		v.add("observed", "holds text that is not valid UTF-8, or is nested deeper than %d", maxDepth)
	}
}

// validValue reports whether all text in a decoded JSON value is valid UTF-8, and its depth bounded.
func validValue(value any, depth int) bool {
	if depth < 0 {
		return false
	}
	switch value := value.(type) {
	case string:
		return utf8.ValidString(value)
	case []any:
		return !slices.ContainsFunc(value, func(item any) bool { return !validValue(item, depth-1) })
	case map[string]any:
		for key, item := range value {
			if !utf8.ValidString(key) || !validValue(item, depth-1) {
				return false
			}
		}
	}
	return true
}

// clip keeps what a runner sent short enough to be quoted back.
func clip(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
