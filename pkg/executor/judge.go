package executor

import (
	"context"
	"fmt"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Judge makes the result of an execution that nobody carried out but that was reported by what is
// watched: of what it said, begun at a time. Assertions and grade are those of the definition.
func (e *Engine) Judge(ctx context.Context, ex monitor.Execution, began time.Time, seen Observation) (result monitor.Result) {
	result = monitor.Result{
		ID: ex.ID(), CheckID: ex.Check.ID, Service: ex.Check.Service, Revision: ex.Revision,
		Location: ex.Location, Runner: e.env.Runner, DueAt: ex.DueAt, StartedAt: began.UTC(), Trigger: ex.Trigger,
		DurationMS: float64(seen.Latency) / float64(time.Millisecond), Observed: seen.Observed,
	}
	defer bound(&result)
	kind := e.table.kinds[ex.Check.Kind]
	if kind == nil {
		result.Outcome, result.Error = monitor.OutcomeError, fmt.Sprintf("the kind %q is not known here: update", clip(ex.Check.Kind))
		return result
	}
	a := attempts{kind: kind, check: ex.Check, clean: func(text string) string { return text }}
	if seen.Err != nil {
		a.grade(&result, false, seen.Latency, seen.Err.Error())
		return result
	}
	a.judge(ctx, &result, seen)
	return result
}
