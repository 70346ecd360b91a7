package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Question is what is asked: of a service or of one check, for results from From on and before To.
type Question struct {
	// Exactly one of the two is set.
	Service string
	Check   string
	From    time.Time
	To      time.Time
	Change  Change
	// Asked is when the question is asked: nothing is replayed that comes later. Zero is long after To.
	Asked time.Time
}

// until is up to when events and results say something of the range.
func (q Question) until() time.Time {
	until := q.To.Add(margin)
	if !q.Asked.IsZero() && q.Asked.Before(until) {
		return q.Asked
	}
	return until
}

// MaxRange bounds the time between From and To.
const MaxRange = 400 * 24 * time.Hour

// Validate reports everything wrong with the question, but for what the definitions tell.
func (q Question) Validate() monitor.Problems {
	var p monitor.Problems
	switch {
	case q.Service == "" && q.Check == "":
		p.Add("service", "is required, or check: name what the question is about")
	case q.Service != "" && q.Check != "":
		p.Add("check", "and service exclude each other: give one of them")
	}
	if q.Service != "" && !monitor.ValidID(q.Service) {
		p.Add("service", "is no id")
	}
	if q.Check != "" && !monitor.ValidID(q.Check) {
		p.Add("check", "is no id")
	}
	switch {
	case q.From.IsZero():
		p.Add("from", "is required: the time at which the range begins")
	case !q.From.Before(q.To):
		p.Add("from", "%s is not before to, %s", q.From.UTC().Format(time.RFC3339), q.To.UTC().Format(time.RFC3339))
	case q.To.Sub(q.From) > MaxRange:
		p.Add("from", "the range is %s long: keep it within 400 days", q.To.Sub(q.From).Round(time.Hour))
	}
	if !q.Asked.IsZero() && q.To.After(q.Asked) {
		p.Add("to", "%s has not come yet: only what was recorded can be replayed", q.To.UTC().Format(time.RFC3339))
	}
	if q.Check != "" && q.Change.Rollup != nil {
		p.Add("set.rollup", "belongs to a service: ask about the service")
	}
	return append(p, q.Change.validate()...)
}

// Change is a changed policy. What is nil stays as it was.
type Change struct {
	FailureThreshold *int              `json:"failure_threshold,omitempty"`
	SuccessThreshold *int              `json:"success_threshold,omitempty"`
	DegradedAfter    *monitor.Duration `json:"degraded_after,omitempty"`
	Quorum           *int              `json:"quorum,omitempty"`
	Invert           *bool             `json:"invert,omitempty"`
	StaleAfter       *monitor.Duration `json:"stale_after,omitempty"`
	// Assertions are judged again over what results kept of what was observed.
	Assertions []string `json:"assertions,omitempty"`
	// Rollup is the service's.
	Rollup *monitor.Rollup `json:"rollup,omitempty"`
	// Maintenance is when what goes down opens no incident.
	Maintenance []Maintenance `json:"maintenance,omitempty"`
}

// Fields are the names of what can be changed.
func Fields() []string {
	return []string{"assertions", "degraded_after", "failure_threshold", "invert", "maintenance", "quorum", "rollup", "stale_after", "success_threshold"}
}

// unrecorded says of the other fields of definitions why a change of them cannot be replayed.
func unrecorded(field string) string {
	head, _, _ := strings.Cut(field, ".")
	switch head {
	case "interval", "cron", "time_zone":
		return "what would have been found at other times is not recorded"
	case "timeout", "retries", "retry_delay":
		return "what a longer wait or another attempt would have found is not recorded"
	case "kind", "target", "options":
		return "what another request would have found is not recorded"
	case "locations":
		return "what would have been found from other places is not recorded"
	case "paused":
		return "what would have been found meanwhile is not recorded"
	case "grace":
		return "a heartbeat that was late was recorded as missed: when silence makes a check unknown is stale_after"
	case "dependency", "dependencies", "depends_on":
		return "checks do not depend on each other yet, so that nothing says whose failure would have explained whose"
	case "id", "service", "name", "description", "labels":
		return "it has no say in what is decided"
	}
	return ""
}

// ParseChange reads a change from its fields as JSON, and reports all that are none, or that cannot
// be replayed, with the reason. Fields are named with "set." before them.
func ParseChange(set map[string]json.RawMessage) (Change, monitor.Problems) {
	var c Change
	var p monitor.Problems
	into := map[string]any{
		"failure_threshold": &c.FailureThreshold, "success_threshold": &c.SuccessThreshold, "quorum": &c.Quorum,
		"degraded_after": &c.DegradedAfter, "invert": &c.Invert, "stale_after": &c.StaleAfter, "assertions": &c.Assertions, "rollup": &c.Rollup,
		"maintenance": &c.Maintenance,
	}
	for _, field := range slices.Sorted(maps.Keys(set)) {
		target := into[field]
		if target == nil {
			if why := unrecorded(field); why != "" {
				p.Add("set."+field, "cannot be replayed: %s", why)
			} else {
				p.Add("set."+clip(field), "is not known: use %s", strings.Join(Fields(), ", "))
			}
			continue
		}
		if bytes.Equal(bytes.TrimSpace(set[field]), []byte("null")) {
			continue
		}
		if err := json.Unmarshal(set[field], target); err != nil {
			p.Add("set."+field, "%s", wanted(field, err))
		}
	}
	if len(c.Maintenance) == 0 {
		c.Maintenance = nil // none is as good as nothing said
	}
	return c, p
}

// wanted says what a field that could not be read is to be.
func wanted(field string, err error) string {
	switch field {
	case "failure_threshold", "success_threshold", "quorum":
		return "is to be a whole number"
	case "invert":
		return "is to be true or false"
	case "assertions":
		return "is to be a list of expressions"
	case "maintenance":
		return fmt.Sprintf(`is to be a list such as [{"from":"2026-03-14T02:00:00Z","to":"2026-03-14T03:00:00Z"}] or [{"cron":"0 2 * * sun","duration":"1h"}]: %v`, err)
	case "rollup":
		return fmt.Sprintf("is to be one of %v", monitor.Rollups())
	}
	return err.Error()
}

// validate reports what is wrong with a change whatever it is applied to.
func (c Change) validate() monitor.Problems {
	var p monitor.Problems
	if c.Rollup != nil && !slices.Contains(monitor.Rollups(), *c.Rollup) {
		p.Add("set.rollup", "%q is no policy: use worst, best or majority", clip(string(*c.Rollup)))
	}
	if c.Assertions != nil && len(c.Assertions) == 0 {
		p.Add("set.assertions", "an empty list leaves the judgement to the kind of check, whose own rule cannot be replayed: write it as an expression, such as status < 400")
	}
	for field, value := range map[string]*int{"failure_threshold": c.FailureThreshold, "success_threshold": c.SuccessThreshold, "quorum": c.Quorum} {
		if value != nil && *value < 1 {
			p.Add("set."+field, "%d is out of bounds: use 1 or more", *value)
		}
	}
	for i, m := range c.Maintenance {
		m.validate(&p, fmt.Sprintf("set.maintenance[%d]", i))
	}
	slices.SortFunc(p, func(x, y monitor.Problem) int { return strings.Compare(x.Field, y.Field) })
	return p
}

// Empty reports whether nothing is changed.
func (c Change) Empty() bool {
	return !c.ofChecks() && c.Rollup == nil && len(c.Maintenance) == 0
}

// ofChecks reports whether definitions of checks are changed.
func (c Change) ofChecks() bool {
	return c.FailureThreshold != nil || c.SuccessThreshold != nil || c.DegradedAfter != nil || c.Quorum != nil ||
		c.Invert != nil || c.StaleAfter != nil || c.Assertions != nil
}

// on returns a definition as changed.
func (c Change) on(d monitor.Definition) monitor.Definition {
	replace(&d.FailureThreshold, c.FailureThreshold)
	replace(&d.SuccessThreshold, c.SuccessThreshold)
	replace(&d.DegradedAfter, c.DegradedAfter)
	replace(&d.Quorum, c.Quorum)
	replace(&d.Invert, c.Invert)
	replace(&d.StaleAfter, c.StaleAfter)
	if c.Assertions != nil {
		d.Assertions = c.Assertions
	}
	return d
}

func replace[T any](to *T, by *T) {
	if by != nil {
		*to = *by
	}
}

// onService returns a service's definition as changed.
func (c Change) onService(d monitor.ServiceDefinition) monitor.ServiceDefinition {
	replace(&d.Rollup, c.Rollup)
	return d
}

// clip keeps what a user sent short enough to be quoted back.
func clip(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
