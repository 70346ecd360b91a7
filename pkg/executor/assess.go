package executor

import (
	"context"
	"time"

	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/monitor"
)

// Assessor judges recorded results by other assertions than those they were judged by. It is safe for
// concurrent use.
type Assessor struct {
	ctx       context.Context //nolint:containedctx // bounds every evaluation of one replay
	table     *Table
	variables map[string][]assertion.Variable
}

// Assessor returns one for the kinds of the table; the end of ctx ends its evaluations.
func (t *Table) Assessor(ctx context.Context) *Assessor {
	a := &Assessor{ctx: ctx, table: t, variables: make(map[string][]assertion.Variable, len(t.order))}
	for _, kind := range t.Kinds() {
		a.variables[kind.Name] = kind.Variables
	}
	return a
}

// Validate is Table.Validate.
func (a *Assessor) Validate(d monitor.Definition) monitor.Problems { return a.table.Validate(d) }

// Assess judges the assertions of d over what r kept of what was observed; failure says which does
// not hold. Not ok when that cannot be told, since one needs what results do not keep: all of a body
// or of the headers.
func (a *Assessor) Assess(d monitor.Definition, r monitor.Result) (passed bool, failure string, ok bool) {
	kind := a.table.kinds[d.Kind]
	if kind == nil {
		return false, "", false
	}
	missed := false
	values := func(name string) (any, bool) {
		for _, v := range a.variables[d.Kind] {
			if v.Name != name {
				continue
			}
			if value, kept := keptValue(v, r); kept {
				return value, true
			}
			missed = true
			return assertion.Missing("was not kept"), true
		}
		return nil, false
	}
	unknown := false
	for _, text := range d.Assertions {
		compiled, err := kind.assertion(text)
		if err != nil {
			return false, "", false
		}
		outcome := monitor.AssertionResult{Expression: text}
		missed = false
		outcome.Passed, outcome.Actual, err = compiled.Evaluate(a.ctx, values, func(text string) string { return text })
		switch {
		case a.ctx.Err() != nil:
			return false, "", false
		case err != nil && missed:
			unknown = true
			continue
		case err != nil:
			outcome.Error = err.Error()
		}
		if !outcome.Passed && failure == "" {
			failure = describe(outcome)
		}
	}
	if failure != "" {
		const maxText = 1000
		return false, clipTo(failure, maxText), true
	}
	return !unknown, "", !unknown
}

// keptValue returns the value of a variable as a result kept it. Maps of anything may have been kept
// in part, so that none of them counts as kept.
func keptValue(v assertion.Variable, r monitor.Result) (any, bool) {
	switch v.Name {
	case "latency":
		return time.Duration(r.DurationMS * float64(time.Millisecond)), true
	case "latency_ms":
		return r.DurationMS, true
	case "timings":
		if r.Timings == nil {
			return nil, false
		}
		t := r.Timings
		return map[string]float64{"dns_ms": t.DNS, "connect_ms": t.Connect, "tls_ms": t.TLS, "first_byte_ms": t.FirstByte, "transfer_ms": t.Transfer}, v.Type == "map(string, double)"
	}
	if _, cut := r.Observed[v.Name+"_total"]; cut {
		return nil, false
	}
	observed, kept := r.Observed[v.Name]
	if !kept {
		return nil, false
	}
	return converted(v.Type, observed)
}

// converted turns what was read from JSON into a value of a CEL type.
func converted(kind string, observed any) (any, bool) {
	switch value := observed.(type) {
	case float64:
		switch {
		case kind == "double":
			return value, true
		case kind == "int" && value == float64(int64(value)):
			return int64(value), true
		}
	case int:
		return int64(value), kind == "int"
	case uint32:
		return int64(value), kind == "int"
	case bool:
		return value, kind == "bool"
	case string:
		if kind == "timestamp" {
			at, err := time.Parse(time.RFC3339Nano, value)
			return at, err == nil
		}
		return value, kind == "string"
	case []string:
		return value, kind == "list(string)"
	case []any:
		texts := make([]string, len(value))
		for i, element := range value {
			text, ok := element.(string)
			if !ok {
				return nil, false
			}
			texts[i] = text
		}
		return texts, kind == "list(string)"
	}
	return nil, false
}
