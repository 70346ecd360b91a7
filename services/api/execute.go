package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/monitor"
)

type checkRun struct {
	CheckID
	Location string `query:"location" doc:"Where to execute it, one of the check's locations; the first one without it." example:"default"`
}

type checkTest struct {
	Location string `query:"location" doc:"Where to execute it; the definition's first location without it." example:"default"`
	Payload  payload
}

func (s *server) runRoutes(d *document) {
	errors := []int{http.StatusTooManyRequests, http.StatusUnprocessableEntity, http.StatusGatewayTimeout}
	register(d, operation{
		id: "run-check", method: http.MethodPost, path: "/checks/{id}/run", tag: tagChecks, summary: "Execute a check now",
		description: "Answers with the result, which counts as any other. 503 when no runner is at work at the location.",
		answer:      exampleResult(), errors: append(errors, http.StatusNotFound),
	}, s.runCheck)
	register(d, operation{
		id: "test-check", method: http.MethodPost, path: "/checks/test", tag: tagChecks, summary: "Execute a definition without registering it",
		description: "Answers with the result; besides what others have, with the actual value of every assertion and, in wire, what was looked up, connected to, sent and received, without secrets. Nothing is stored. id, name and service may be left out.",
		answer:      exampleTest(), body: exampleDefinition(), errors: append(errors, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType),
	}, s.testCheck)
}

func (s *server) runCheck(ctx context.Context, in *checkRun) (*answer, error) {
	check, err := s.reads.Check(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if check.Pushed() {
		return nil, invalidField("kind", "a heartbeat cannot be executed: send one to the check's address")
	}
	location := in.Location
	if location == "" {
		location = check.Locations[0]
	}
	if !slices.Contains(check.Locations, location) {
		return nil, invalidField("location", "%.80q is none of the check's: use %s", location, strings.Join(check.Locations, ", "))
	}
	execution := monitor.Execution{
		Check: check.Definition, Revision: check.Revision, Location: location,
		DueAt: s.now().UTC().Truncate(time.Millisecond), Trigger: monitor.TriggerManual,
	}
	id := execution.ID()
	result, err := s.execute(ctx, execution, func(ctx context.Context, results chan<- monitor.Result) (func(), error) {
		return s.bus.OnResult(ctx, func(m monitor.EventMessage) {
			if result, ok := monitor.ResultOf(m.Event); ok && result.ID == id {
				offer(results, result)
			}
		})
	})
	if err != nil {
		return nil, err
	}
	return &answer{Status: http.StatusOK, Body: result}, nil
}

func (s *server) testCheck(ctx context.Context, in *checkTest) (*answer, error) {
	d, problems, err := parseDefinition(in.Payload.raw, readOnly()...)
	if err != nil {
		return nil, err
	}
	given := d
	// What only a registered check needs is not asked for; the id is one of its own, so that tests at
	// the same time do not hear of each other.
	d.ID, d.Name, d.Service = "test-"+cloudevents.NewID(), "test", "test"
	d = d.WithDefaults()
	if d.Pushed() {
		return nil, invalidField("kind", "a heartbeat cannot be tested before it is registered: register it, and send one")
	}
	more := append(d.Validate(), s.opt.Table.Validate(d)...)
	if problems = append(problems, without(more, problems)...); len(problems) > 0 {
		return nil, problems
	}
	location := in.Location
	if location == "" {
		location = d.Locations[0]
	}
	if !monitor.ValidID(location) {
		return nil, invalidField("location", "%.80q cannot be used: use the name of a location", location)
	}
	execution := monitor.Execution{Check: d, Location: location, DueAt: s.now().UTC().Truncate(time.Millisecond), Trigger: monitor.TriggerTest}
	result, err := s.execute(ctx, execution, func(ctx context.Context, results chan<- monitor.Result) (func(), error) {
		return s.bus.OnTest(ctx, execution.ID(), func(r monitor.Result) { offer(results, r) })
	})
	if err != nil {
		return nil, err
	}
	result.CheckID, result.Service = given.ID, given.Service
	return &answer{Status: http.StatusOK, Body: result}, nil
}

func offer(results chan<- monitor.Result, r monitor.Result) {
	select {
	case results <- r:
	default: // there is one already
	}
}

// execute orders one execution and waits for its result, to which listen subscribes beforehand.
func (s *server) execute(ctx context.Context, e monitor.Execution, listen func(context.Context, chan<- monitor.Result) (func(), error)) (result monitor.Result, err error) {
	release, ok := s.runs.take()
	if !ok {
		return result, problem(http.StatusTooManyRequests, "busy", "%d executions are waited for, as many as this server takes: try again", s.opt.MaxRuns).after(time.Second)
	}
	defer release()
	wait := e.Check.Budget().Std() + s.opt.dispatchWait
	lonely := !s.hasRunner(ctx, e.Location)
	if lonely {
		wait = s.opt.lonelyWait
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	results := make(chan monitor.Result, 1)
	stop, err := listen(ctx, results)
	if err != nil {
		return result, fmt.Errorf("listen for the result: %w", err)
	}
	defer stop()
	order := cloudevents.NewCommand("", monitor.ExecuteChecks{Location: e.Location, Executions: []monitor.Execution{e}}, source, actor, s.now())
	outcome, err := s.bus.Send(ctx, order)
	switch {
	case err != nil && ctx.Err() != nil && s.work.Err() == nil:
		return result, problem(http.StatusServiceUnavailable, "no-scheduler", "no scheduler has taken the order to execute: is one running?").after(time.Second)
	case err != nil:
		return result, fmt.Errorf("order the execution: %w", err)
	case outcome.Refusal != nil:
		return result, orderRefused(outcome.Refusal)
	}
	select {
	case result := <-results:
		return result, nil
	case <-ctx.Done():
	}
	switch {
	case s.work.Err() != nil:
		return result, context.Canceled
	case lonely:
		return result, problem(http.StatusServiceUnavailable, "no-runner", "no runner is at work at location %s: start one with vedette runner --location %s", e.Location, e.Location).after(5 * time.Second)
	}
	return result, problem(http.StatusGatewayTimeout, "no-result", "no result came from location %s within %s: its runners may be busy, or gone", e.Location, wait).after(time.Second)
}

// hasRunner reports whether a runner is known to be at work at a location.
func (s *server) hasRunner(ctx context.Context, location string) bool {
	runners, err := s.reads.Runners(ctx)
	return err == nil && slices.ContainsFunc(runners, func(r runnerView) bool { return r.Location == location && r.LeftAt.IsZero() })
}

// orderRefused names the fields as the client sent them.
func orderRefused(r *bus.Refusal) error {
	var problems monitor.Problems
	for _, p := range r.Problems {
		field := strings.TrimPrefix(p.Field, "executions[0].")
		problems.Add(strings.TrimPrefix(field, "check."), "%s", p.Message)
	}
	if len(problems) > 0 {
		return problems
	}
	return r
}
