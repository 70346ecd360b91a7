package runner

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// done is what became of a task on a worker.
type done struct {
	task   *task
	result monitor.Result
	// size is the result's in bytes of JSON.
	size int
	// missed: its next due time had come, and it was not begun. aborted: it was cut off by the end
	// of the shutdown's grace. Either has no result.
	missed, aborted bool
	took            time.Duration
}

// worker executes one task at a time.
type worker struct {
	id         string
	engine     Engine
	references *references
	metrics    *metrics
	log        *slog.Logger
	now        func() time.Time
	jobs       <-chan *task
	done       chan<- done
}

// run ends when jobs is closed; ctx cuts off what is running.
func (w *worker) run(ctx context.Context) {
	for t := range w.jobs {
		w.done <- w.do(ctx, t)
	}
}

func (w *worker) do(ctx context.Context, t *task) done {
	begun := w.now()
	if next := t.execution.NextDueAt; !next.IsZero() && !begun.Before(next) {
		return done{task: t, missed: true}
	}
	w.metrics.delay.Observe(max(0, begun.Sub(t.execution.DueAt).Seconds()))
	result := w.references.believe(ctx, w.execute(ctx, t.execution))
	if ctx.Err() != nil {
		return done{task: t, aborted: true}
	}
	result, size := fit(result)
	w.metrics.executions.WithLabelValues(string(result.Outcome)).Inc()
	return done{task: t, result: result, size: size, took: w.now().Sub(begun)}
}

// execute turns a panic of an executor into a result: one answer that no executor expected must not
// end the other executions of the process.
func (w *worker) execute(ctx context.Context, e monitor.Execution) (result monitor.Result) {
	started := w.now()
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		w.metrics.panics.Inc()
		w.log.Error("an executor panicked", "check", e.Check.ID, "kind", e.Check.Kind, "execution", e.ID(),
			"panic", cause, "stack", string(debug.Stack()))
		result = monitor.Result{
			ID: e.ID(), CheckID: e.Check.ID, Service: e.Check.Service, Revision: e.Revision,
			Location: e.Location, Runner: w.id, DueAt: e.DueAt, StartedAt: started, NextDueAt: e.NextDueAt,
			Outcome: monitor.OutcomeError, Attempts: 1, Trigger: e.Trigger,
			Error: clip(fmt.Sprintf("the executor of %s failed: %v", e.Check.Kind, cause), 500),
		}
	}()
	return w.engine.Execute(ctx, e)
}
