package monitor

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of a definition.
const (
	MinInterval   = Duration(time.Second)
	MaxInterval   = Duration(24 * time.Hour)
	MinTimeout    = Duration(10 * time.Millisecond)
	MaxTimeout    = Duration(5 * time.Minute)
	MaxStaleAfter = Duration(30 * 24 * time.Hour)
	MaxRetries    = 10
	MaxThreshold  = 100
	MaxLocations  = 50
	MaxAssertions = 50
	MaxLabels     = 50
	// MaxIDLength is that of ids and location names, MaxTextLength of names, label keys and values,
	// MaxLongText of targets, assertions and descriptions, MaxOptions of the options' JSON; in bytes.
	MaxIDLength   = 64
	MaxTextLength = 200
	MaxLongText   = 4096
	MaxOptions    = 256 << 10
)

// ValidID reports whether id is [a-z0-9][a-z0-9_-]{0,63}, so that it can be a token of a subject.
func ValidID(id string) bool {
	if id == "" || len(id) > MaxIDLength || id[0] == '_' || id[0] == '-' {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

const idRule = "use 1 to 64 characters of a-z, 0-9, _ and -, beginning with a letter or digit"

// Validate reports everything wrong with d but for its kind, options and the text of its
// assertions, which the kind's executor knows. Defaults are to be applied before.
func (d Definition) Validate() Problems {
	var p Problems
	validateID(&p, "id", d.ID)
	validateText(&p, "name", d.Name, 1, MaxTextLength)
	validateID(&p, "service", d.Service)
	if d.Kind == "" {
		p.Add("kind", "is required: name the kind of check, such as http or dns")
	}
	validateText(&p, "target", d.Target, 1, MaxLongText)
	if len(d.Options) > MaxOptions {
		p.Add("options", "is %d bytes long: keep it within %d", len(d.Options), MaxOptions)
	}
	validateAssertions(&p, d.Assertions)
	d.validateSchedule(&p)
	d.validateTimes(&p)
	d.validateHeartbeat(&p)
	validateRange(&p, "retries", d.Retries, 0, MaxRetries)
	validateRange(&p, "failure_threshold", d.FailureThreshold, 1, MaxThreshold)
	validateRange(&p, "success_threshold", d.SuccessThreshold, 1, MaxThreshold)
	d.validateLocations(&p)
	validateLabels(&p, d.Labels)
	return p
}

// Validate reports everything wrong with d. Defaults are to be applied before.
func (d ServiceDefinition) Validate() Problems {
	var p Problems
	validateID(&p, "id", d.ID)
	validateText(&p, "name", d.Name, 1, MaxTextLength)
	validateText(&p, "description", d.Description, 0, MaxLongText)
	if !slices.Contains(Rollups(), d.Rollup) {
		p.Add("rollup", "%q is no policy: use worst, best or majority", d.Rollup)
	}
	validateLabels(&p, d.Labels)
	return p
}

func validateID(p *Problems, field, id string) {
	switch {
	case id == "":
		p.Add(field, "is required: %s", idRule)
	case !ValidID(id):
		p.Add(field, "%q cannot be used: %s", clip(id), idRule)
	}
}

func validateText(p *Problems, field, text string, least, most int) {
	switch {
	case len(text) < least:
		p.Add(field, "is required")
	case len(text) > most:
		p.Add(field, "is %d bytes long: keep it within %d", len(text), most)
	case !utf8.ValidString(text):
		p.Add(field, "is not valid UTF-8")
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }):
		p.Add(field, "holds control characters: remove them")
	}
}

func validateRange(p *Problems, field string, value, least, most int) {
	if value < least || value > most {
		p.Add(field, "%d is out of bounds: use %d to %d", value, least, most)
	}
}

func validateAssertions(p *Problems, assertions []string) {
	if len(assertions) > MaxAssertions {
		p.Add("assertions", "there are %d: use at most %d", len(assertions), MaxAssertions)
		return
	}
	for i, text := range assertions {
		validateText(p, fmt.Sprintf("assertions[%d]", i), text, 1, MaxLongText)
	}
}

func (d Definition) validateSchedule(p *Problems) {
	switch {
	case d.Cron != "" && d.Interval != 0:
		p.Add("cron", "and interval exclude each other: give one of them")
	case d.Cron != "":
		if _, err := parseCron(d.Cron); err != nil {
			p.Add("cron", "%v", err)
		}
		if _, err := time.LoadLocation(d.TimeZone); err != nil || d.TimeZone == "Local" {
			p.Add("time_zone", "%q is not known: use an IANA name, such as Europe/Vienna", clip(d.TimeZone))
		}
	default:
		longest := MaxInterval
		if d.Pushed() {
			longest = MaxHeartbeatInterval
		}
		validateSpan(p, "interval", d.Interval, MinInterval, longest)
		if d.TimeZone != "" {
			p.Add("time_zone", "has a meaning with cron only: remove it, or use cron instead of interval")
		}
	}
}

func (d Definition) validateTimes(p *Problems) {
	validateSpan(p, "timeout", d.Timeout, MinTimeout, MaxTimeout)
	if d.RetryDelay != 0 {
		validateSpan(p, "retry_delay", d.RetryDelay, 0, MaxTimeout)
	}
	if d.StaleAfter != 0 {
		d.validateStaleAfter(p)
	}
	if d.DegradedAfter != 0 && d.Pushed() {
		validateSpan(p, "degraded_after", d.DegradedAfter, Duration(time.Millisecond), Duration(MaxHeartbeatDuration))
		return
	}
	if d.DegradedAfter != 0 {
		validateSpan(p, "degraded_after", d.DegradedAfter, Duration(time.Millisecond), MaxTimeout)
	}
	if d.DegradedAfter > 0 && d.Timeout > 0 && d.DegradedAfter >= d.Timeout {
		p.Add("degraded_after", "%s is not under the timeout of %s: a slower answer is a failure already", d.DegradedAfter, d.Timeout)
	}
	budget := d.Budget()
	if d.Interval >= MinInterval && d.Retries >= 0 && d.Retries <= MaxRetries && budget > d.Interval {
		p.Add("timeout", "%d attempts of %s with %s between take up to %s, longer than the interval of %s: shorten timeout, retries or retry_delay, or lengthen interval",
			d.Retries+1, d.Timeout, d.RetryDelay, budget, d.Interval)
	}
}

func (d Definition) validateStaleAfter(p *Problems) {
	validateSpan(p, "stale_after", d.StaleAfter, MinInterval, MaxStaleAfter)
	if next := d.Interval + d.Timeout + d.Grace; d.StaleAfter > 0 && d.StaleAfter <= next {
		p.Add("stale_after", "%s is over before the next result has come, which takes up to %s: use more, or leave it out for two intervals, a timeout and a grace", d.StaleAfter, next)
	}
}

// Budget is the longest that one execution may take: all attempts and the delays between them.
func (d Definition) Budget() Duration {
	return Duration(d.Retries+1)*d.Timeout + Duration(d.Retries)*d.RetryDelay
}

func validateSpan(p *Problems, field string, value, least, most Duration) {
	if value < least || value > most {
		p.Add(field, "%s is out of bounds: use %s to %s", value, least, most)
	}
}

func (d Definition) validateLocations(p *Problems) {
	if len(d.Locations) > MaxLocations {
		p.Add("locations", "there are %d: use at most %d", len(d.Locations), MaxLocations)
		return
	}
	seen := make(map[string]bool, len(d.Locations))
	for i, location := range d.Locations {
		field := fmt.Sprintf("locations[%d]", i)
		validateID(p, field, location)
		if seen[location] {
			p.Add(field, "%q is named twice", clip(location))
		}
		seen[location] = true
	}
	validateRange(p, "quorum", d.Quorum, 1, max(1, len(d.Locations)))
}

func validateLabels(p *Problems, labels map[string]string) {
	if len(labels) > MaxLabels {
		p.Add("labels", "there are %d: use at most %d", len(labels), MaxLabels)
		return
	}
	keys := make([]string, 0, len(labels))
	for key := range labels {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if key == "" || strings.ContainsAny(key, "=, ") {
			p.Add("labels", "the key %q cannot be used: use 1 to %d characters without '=', ',' and space", clip(key), MaxTextLength)
			continue
		}
		validateText(p, "labels."+clip(key), key+labels[key], 1, 2*MaxTextLength)
	}
}

// clip keeps what a user sent short enough to be quoted back.
func clip(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
