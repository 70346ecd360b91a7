package runner

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// fit returns r within the size that the gate takes, and that size in bytes of JSON. What is too
// large, or cannot be encoded at all, loses detail, never its outcome: first what went over the wire,
// then what was observed, then its timings, the assertions that passed and the length of texts.
func fit(r monitor.Result) (monitor.Result, int) {
	size, ok := sizeOf(r)
	if ok {
		return r, size
	}
	r.Wire = nil
	if size, ok = sizeOf(r); ok {
		return r, size
	}
	r.Observed = nil
	if size, ok = sizeOf(r); ok {
		return r, size
	}
	r.Timings, r.Error = nil, clip(r.Error, 800)
	if math.IsNaN(r.DurationMS) || math.IsInf(r.DurationMS, 0) {
		r.DurationMS = 0
	}
	kept := make([]monitor.AssertionResult, 0, 5)
	for _, a := range r.Assertions {
		if !a.Passed && len(kept) < cap(kept) {
			a.Expression, a.Actual, a.Error = clip(a.Expression, 100), clip(a.Actual, 50), clip(a.Error, 50)
			kept = append(kept, a)
		}
	}
	r.Assertions = kept
	size, _ = sizeOf(r)
	return r, size
}

// sizeOf returns the size of r as JSON, and whether the gate takes it. What cannot be encoded does
// not fit.
func sizeOf(r monitor.Result) (int, bool) {
	encoded, err := json.Marshal(r)
	return len(encoded), err == nil && len(encoded) <= bus.MaxResultSize
}

// clip cuts text to at most limit bytes, at a character.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-len("…")], "") + "…"
}
