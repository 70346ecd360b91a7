package runner

import (
	"context"

	"github.com/vedette/vedette/pkg/monitor"
)

// quick is an engine whose target is always well.
type quick struct{}

func (quick) Execute(_ context.Context, e monitor.Execution) monitor.Result {
	return resultOf(e, monitor.OutcomeSuccess)
}

func resultOf(e monitor.Execution, outcome monitor.Outcome) monitor.Result {
	return monitor.Result{
		ID: e.ID(), CheckID: e.Check.ID, Service: e.Check.Service, Revision: e.Revision, Location: e.Location,
		Runner: "runner-1", DueAt: e.DueAt, StartedAt: e.DueAt, NextDueAt: e.NextDueAt, DurationMS: 1,
		Outcome: outcome, Attempts: 1, Trigger: e.Trigger,
	}
}
