package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/netguard"
	"github.com/vedette/vedette/pkg/executor/secrets"
	"github.com/vedette/vedette/pkg/executor/wire"
	"github.com/vedette/vedette/pkg/monitor"
)

// Environment is what an engine has of the machine it runs on.
type Environment struct {
	// Runner is the runner's id, put into every result.
	Runner  string
	Policy  netguard.Policy
	Secrets secrets.Source
	// Now defaults to time.Now.
	Now func() time.Time
	// Log gets the panics of executors with their stack; default none.
	Log *slog.Logger
}

// Engine executes checks. It is safe for concurrent use.
type Engine struct {
	table *Table
	env   Environment
}

// NewEngine returns an engine for the kinds of a table.
func NewEngine(t *Table, env Environment) *Engine {
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	return &Engine{table: t, env: env}
}

// MaxObserved bounds what a result keeps of what was observed, in bytes of JSON.
const MaxObserved = 4 << 10

// Execute executes one check, its retries included, and never takes longer than the definition's
// budget by more than a moment. Whatever goes wrong is in the result, a panic of the executor too.
// When ctx ends first the outcome is error: that says nothing about the target.
func (e *Engine) Execute(ctx context.Context, ex monitor.Execution) (result monitor.Result) {
	result = monitor.Result{
		ID: ex.ID(), CheckID: ex.Check.ID, Service: ex.Check.Service, Revision: ex.Revision,
		Location: ex.Location, Runner: e.env.Runner, DueAt: ex.DueAt, StartedAt: e.env.Now().UTC(),
		NextDueAt: ex.NextDueAt, Trigger: ex.Trigger,
	}
	vault := e.env.Secrets.Open()
	defer func() {
		if value := recover(); value != nil {
			e.panicked(&result, value, vault)
		}
		redact(vault, &result)
		bound(&result)
	}()
	kind := e.table.kinds[ex.Check.Kind]
	if kind == nil {
		result.Outcome, result.Error = monitor.OutcomeError, fmt.Sprintf("this runner does not know the kind %q: update it", clip(ex.Check.Kind))
		return result
	}
	probe, err := kind.probe(ex.Check)
	if err != nil {
		result.Outcome, result.Error = monitor.OutcomeError, "this runner cannot read the definition: "+err.Error()
		return result
	}
	run := attempts{kind: kind, probe: probe, check: ex.Check, tools: Tools{Policy: e.env.Policy, Secret: vault.Fill, Hide: vault.Hide}, clean: vault.Redact}
	if ex.Trigger == monitor.TriggerTest {
		run.tools.Wire = wire.New()
		defer func() { result.Wire = run.tools.Wire.Entries(vault) }()
	}
	run.all(ctx, &result)
	return result
}

// panicked makes the result of an execution that a panic ended.
func (e *Engine) panicked(result *monitor.Result, value any, vault *secrets.Vault) {
	text := fmt.Sprintf("the executor panicked: %v", value)
	e.env.Log.Error(vault.Redact(text), "check", result.CheckID, "execution", result.ID, "stack", string(debug.Stack()))
	result.Outcome, result.Error = monitor.OutcomeError, text
	result.Observed, result.Timings, result.Assertions = nil, nil, nil
}

// attempts asks the target until the answer is good or the retries are used up.
type attempts struct {
	kind  *entry
	probe Probe
	check monitor.Definition
	tools Tools
	// clean takes secrets out of a text.
	clean func(string) string
}

func (a *attempts) all(ctx context.Context, result *monitor.Result) {
	for {
		result.Attempts++
		if result.Attempts > 1 {
			a.tools.Wire.Note("attempt", strconv.Itoa(result.Attempts))
		}
		a.one(ctx, result)
		if result.Outcome != monitor.OutcomeFailure || result.Attempts > a.check.Retries {
			return
		}
		if !pause(ctx, a.check.RetryDelay.Std()) {
			result.Outcome, result.Error = monitor.OutcomeError, "cancelled between attempts"
			return
		}
	}
}

func (a *attempts) one(ctx context.Context, result *monitor.Result) {
	attempt, cancel := context.WithTimeout(ctx, a.check.Timeout.Std())
	defer cancel()
	begun := time.Now()
	seen := a.probe.Attempt(attempt, a.tools)
	if seen.Latency == 0 {
		seen.Latency = time.Since(begun)
	}
	seen.Latency = min(seen.Latency, a.check.Timeout.Std())
	result.DurationMS = float64(seen.Latency) / float64(time.Millisecond)
	result.Observed, result.Timings = seen.Observed, seen.Timings
	result.Assertions, result.Error = nil, ""
	switch {
	case seen.Err == nil:
		a.judge(attempt, result, seen)
	case couldNotRun(seen.Err):
		result.Outcome, result.Error = monitor.OutcomeError, seen.Err.Error()
	default:
		a.grade(result, false, seen.Latency, seen.Err.Error())
	}
	if seen.OnFailure != nil && result.Outcome == monitor.OutcomeFailure {
		result.Observed = maps.Clone(seen.Observed)
		maps.Copy(result.Observed, seen.OnFailure(a.clean))
	}
	if ctx.Err() != nil {
		result.Outcome, result.Error = monitor.OutcomeError, "cancelled before it was done"
	}
}

// couldNotRun reports whether an error is the runner's, not the target's.
func couldNotRun(err error) bool {
	return errors.Is(err, ErrForbidden) || errors.Is(err, ErrSecret) || errors.Is(err, ErrSetup) || errors.Is(err, ErrNotYet)
}

// judge evaluates the assertions, or the kind's own rule where there are none.
func (a *attempts) judge(ctx context.Context, result *monitor.Result, seen Observation) {
	failure := seen.Verdict
	if n := len(a.check.Assertions); n > 0 {
		failure, result.Assertions = "", make([]monitor.AssertionResult, 0, n)
	}
	for _, text := range a.check.Assertions {
		outcome := a.assess(ctx, text, seen.Values)
		result.Assertions = append(result.Assertions, outcome)
		if !outcome.Passed && failure == "" {
			failure = describe(outcome)
		}
	}
	a.grade(result, failure == "", seen.Latency, failure)
	if failure == "" && result.Outcome != monitor.OutcomeFailure {
		a.warn(ctx, result, seen)
	}
}

// warn degrades a good answer that the kind warns of.
func (a *attempts) warn(ctx context.Context, result *monitor.Result, seen Observation) {
	warning := seen.Warning
	for _, text := range seen.WarnUnless {
		if warning != "" {
			break
		}
		if outcome := a.assess(ctx, text, seen.Values); !outcome.Passed {
			warning = describe(outcome)
		}
	}
	if warning != "" {
		result.Outcome, result.Error = monitor.OutcomeDegraded, warning
	}
}

func (a *attempts) assess(ctx context.Context, text string, values assertion.Values) monitor.AssertionResult {
	outcome := monitor.AssertionResult{Expression: text}
	compiled, err := a.kind.assertion(text)
	if err == nil {
		outcome.Passed, outcome.Actual, err = compiled.Evaluate(ctx, values, a.clean)
		if outcome.Passed && a.tools.Wire != nil { // somebody wants to see all of it
			outcome.Actual = compiled.Actual(ctx, values, a.clean)
		}
	}
	if err != nil {
		outcome.Error = err.Error()
	}
	return outcome
}

func describe(r monitor.AssertionResult) string {
	switch {
	case r.Error != "":
		return r.Expression + " · " + r.Error
	case r.Actual != "":
		return r.Expression + " · actual " + r.Actual
	default:
		return r.Expression + " does not hold"
	}
}

func (a *attempts) grade(result *monitor.Result, passed bool, latency time.Duration, text string) {
	result.Outcome = a.check.Grade(passed, latency)
	switch {
	case result.Outcome != monitor.OutcomeFailure:
		result.Error = ""
	case passed:
		result.Error = "it succeeded, and invert makes that a failure"
	default:
		result.Error = text
	}
}

// pause reports whether d passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

func redact(vault *secrets.Vault, r *monitor.Result) {
	if vault.Empty() {
		return
	}
	r.Error = vault.Redact(r.Error)
	if observed, ok := vault.RedactValue(r.Observed).(map[string]any); ok {
		r.Observed = observed
	}
	for i := range r.Assertions {
		r.Assertions[i].Actual = vault.Redact(r.Assertions[i].Actual)
		r.Assertions[i].Error = vault.Redact(r.Assertions[i].Error)
	}
}

// bound keeps a result small, whatever the target sent.
func bound(r *monitor.Result) {
	const maxText = 1000
	r.Error = clipTo(r.Error, maxText)
	for i := range r.Assertions {
		r.Assertions[i].Error = clipTo(r.Assertions[i].Error, maxText)
	}
	if surelyWithin(r.Observed, MaxObserved) {
		return
	}
	if raw, err := json.Marshal(r.Observed); err != nil || len(raw) > MaxObserved {
		r.Observed = map[string]any{"omitted": fmt.Sprintf("what was observed takes %d bytes; %d are kept at most", len(raw), MaxObserved)}
	}
}

// surelyWithin reports whether a value of the usual types cannot take more than so many bytes as
// JSON, at much less work than writing it.
func surelyWithin(value map[string]any, most int) bool {
	const perNumber, perByte, around = 24, 6, 4
	size := around
	for key, item := range value {
		size += perByte*len(key) + around
		switch item := item.(type) {
		case string:
			size += perByte*len(item) + around
		case []string:
			for _, text := range item {
				size += perByte*len(text) + around
			}
		case int, uint32, bool:
			size += perNumber
		default:
			return false
		}
	}
	return size <= most
}
