package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// desk takes the orders to execute checks outside the timetable: run now, and test.
type desk struct {
	bus     Bus
	opt     Options
	metrics *metrics
	now     func() time.Time
}

// atOnce is how many orders are dispatched concurrently.
const atOnce = 16

// run ends with ctx, or when another scheduler serves in this process.
func (d *desk) run(ctx context.Context) error {
	pause := newBackoff()
	for {
		err := d.bus.ServeCommands(ctx, []string{"execution"}, func(ctx context.Context, commands []monitor.CommandMessage) ([]bus.Outcome, error) {
			outcomes, err := d.handle(ctx, commands)
			if err == nil {
				pause.Reset()
			}
			return outcomes, err
		})
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, bus.ErrHandlerTaken) {
			return fmt.Errorf("serve executions: %w", err)
		}
		d.metrics.failures.WithLabelValues("commands").Inc()
		d.opt.Log.Error("executions outside the timetable could not be dispatched; trying again", "error", err)
		if !pause.Wait(ctx) {
			return nil
		}
	}
}

// handle dispatches the orders side by side. When one fails all come again, which is harmless for
// those that were dispatched: they keep their ids.
func (d *desk) handle(ctx context.Context, commands []monitor.CommandMessage) ([]bus.Outcome, error) {
	outcomes := make([]bus.Outcome, len(commands))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, m := range commands {
		g.Go(func() error {
			var err error
			outcomes[i], err = d.one(ctx, m)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return outcomes, nil
}

func (d *desk) one(ctx context.Context, m monitor.CommandMessage) (bus.Outcome, error) {
	kind, id := m.Command.Aggregate()
	outcome := bus.Outcome{CommandID: m.ID, Aggregate: kind, ID: id}
	sent := m.Time
	if sent.IsZero() {
		sent = m.StoredAt
	}
	if sent.IsZero() {
		sent = d.now()
	}
	order, problems := d.check(m.Command, sent)
	if len(problems) > 0 {
		d.metrics.commands.WithLabelValues("refused").Inc()
		outcome.Refusal = bus.Refuse(problems)
		return outcome, nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := d.bus.OpenLocation(ctx, order.Location); err != nil {
		return outcome, fmt.Errorf("open %s: %w", order.Location, err)
	}
	if err := d.bus.Dispatch(ctx, "command."+m.ID, order); err != nil {
		return outcome, fmt.Errorf("dispatch to %s: %w", order.Location, err)
	}
	d.metrics.commands.WithLabelValues("accepted").Inc()
	d.metrics.executions.WithLabelValues(string(order.Executions[0].Trigger)).Add(float64(len(order.Executions)))
	return outcome, nil
}

// check returns the order as it is to be dispatched. An execution without a due time is due when the
// order was sent, so that a repeated order has the same executions.
func (d *desk) check(command monitor.Command, sent time.Time) (monitor.ExecuteChecks, monitor.Problems) {
	order, ok := command.(monitor.ExecuteChecks)
	if !ok {
		return order, monitor.Problems{{Field: "type", Message: command.Type() + " is not served here"}}
	}
	var p monitor.Problems
	if age := d.now().Sub(sent); age > maxCommandAge {
		p.Add("time", "the order waited %s for a scheduler: send it again", age.Round(time.Second))
	}
	if !monitor.ValidID(order.Location) {
		p.Add("location", "%.80q cannot be used", order.Location)
	}
	if n := len(order.Executions); n < 1 || n > monitor.MaxBatch {
		p.Add("executions", "there are %d: send 1 to %d", n, monitor.MaxBatch)
		return order, p
	}
	executions := make([]monitor.Execution, len(order.Executions))
	for i, e := range order.Executions {
		e.Check = e.Check.WithDefaults()
		if e.DueAt.IsZero() {
			e.DueAt = sent.UTC().Truncate(time.Millisecond)
		}
		executions[i] = e
		for _, problem := range d.problems(order.Location, e) {
			p.Add(fmt.Sprintf("executions[%d].%s", i, problem.Field), "%s", problem.Message)
		}
	}
	return monitor.ExecuteChecks{Location: order.Location, Executions: executions}, p
}

// problems are those of one execution. A definition that is stored was validated when it was.
func (d *desk) problems(location string, e monitor.Execution) monitor.Problems {
	var p monitor.Problems
	if e.Location != location {
		p.Add("location", "%.80q is not that of the order", e.Location)
	}
	if !monitor.ValidID(e.Check.ID) {
		p.Add("check.id", "%.80q cannot be used", e.Check.ID)
	}
	if e.Check.Pushed() {
		p.Add("check.kind", "a heartbeat cannot be executed: send one to the check's address")
	}
	// A due time ahead of the timetable's would make the results that follow count as late.
	if off := e.DueAt.Sub(d.now()); off > maxCommandAge || off < -2*maxCommandAge {
		p.Add("due_at", "%s is not now", e.DueAt.Format(time.RFC3339))
	}
	switch e.Trigger {
	case monitor.TriggerManual:
	case monitor.TriggerTest:
		for _, problem := range append(e.Check.Validate(), d.opt.Validator.Validate(e.Check)...) {
			// An unsaved definition may not have a place yet.
			if problem.Field != "service" && problem.Field != "name" && problem.Field != "id" {
				p.Add("check."+problem.Field, "%s", problem.Message)
			}
		}
	case monitor.TriggerSchedule:
		p.Add("trigger", "the timetable's executions are the scheduler's own: use manual or test")
	default:
		p.Add("trigger", "%q is none: use manual or test", e.Trigger)
	}
	return p
}
