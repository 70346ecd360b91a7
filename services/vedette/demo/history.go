package demo

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// Past is how much history is made up, step how much of it goes into one message of results.
	Past = time.Hour
	step = 10 * time.Second
	// runnerName is in all results that are made up, actor in all events.
	runnerName = "demo"
	actor      = "demo"
	source     = "/vedette/demo"
)

// Logs is where history is written.
type Logs interface {
	// The two are bus.EventLog's and bus.ResultLog's.
	Append(ctx context.Context, batch bus.Batch) ([]monitor.EventMessage, error)
	AppendResults(ctx context.Context, location string, results []monitor.EventMessage) ([]monitor.EventMessage, error)
}

// past writes a history: what the decider would have decided, by the same code.
type past struct {
	logs    Logs
	board   *monitor.Board
	tallies *monitor.Tallies
}

// due is an execution that is said to have been.
type due struct {
	check monitor.Check
	at    time.Time
	next  time.Time
}

// Write makes up the hour before now: services, checks and a status page, their results, and what follows
// from those. The logs must be empty.
func (t *Targets) Write(ctx context.Context, logs Logs, now time.Time) error {
	p := &past{logs: logs, board: monitor.NewBoard(), tallies: monitor.NewTallies()}
	begin := now.Add(-Past).UTC().Truncate(time.Second)
	if err := p.define(ctx, t, begin); err != nil {
		return fmt.Errorf("make up a board: %w", err)
	}
	for from := begin; from.Before(now.Add(-step)); from = from.Add(step) {
		if err := p.live(ctx, from, from.Add(step)); err != nil {
			return fmt.Errorf("make up the past: %w", err)
		}
	}
	return nil
}

// define obeys the commands that a user would have sent.
func (p *past) define(ctx context.Context, t *Targets, at time.Time) error {
	var commands []monitor.Command
	page := monitor.PageDefinition{ID: "demo", Title: "Example", Description: "Made up, by vedette demo."}
	for _, s := range services() {
		commands = append(commands, monitor.RegisterService{Definition: s})
		if s.ID != "internal" {
			page.Services = append(page.Services, s.ID)
		}
	}
	checks, err := t.checks()
	if err != nil {
		return err
	}
	slices.SortFunc(checks, func(x, y monitor.Definition) int { return cmp.Compare(x.ID, y.ID) })
	for _, d := range checks {
		commands = append(commands, monitor.RegisterCheck{Definition: d})
	}
	commands = append(commands, monitor.RegisterPage{Definition: page})
	for _, c := range commands {
		decision, err := p.board.Decide(monitor.CommandMessage{Command: c, Meta: monitor.Meta{Time: at, Actor: actor}}, at)
		if err != nil {
			return err
		}
		if err := p.append(ctx, decision.Events, at, ""); err != nil {
			return err
		}
	}
	return nil
}

// live makes up what was found in a span, and decides what follows.
func (p *past) live(ctx context.Context, from, to time.Time) error {
	var dues []due
	for _, check := range p.board.Checks() {
		timetable, err := monitor.NewTimetable(check.Definition)
		if err != nil {
			return err
		}
		for at := timetable.Next(from.Add(-1)); at.Before(to); at = timetable.Next(at) {
			dues = append(dues, due{check, at, timetable.Next(at)})
		}
	}
	slices.SortFunc(dues, func(x, y due) int { return x.at.Compare(y.at) })
	messages := make([]monitor.EventMessage, len(dues))
	for i, d := range dues {
		r := d.result()
		messages[i] = monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{ID: cloudevents.NewID(), Source: source, Time: r.FinishedAt().UTC(), Actor: actor}}
	}
	written, err := p.logs.AppendResults(ctx, monitor.DefaultLocation, messages)
	if err != nil {
		return err
	}
	for i, m := range written {
		// As if it had been stored when it was found.
		m.StoredAt = messages[i].Time
		if err := p.hear(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (p *past) hear(ctx context.Context, m monitor.EventMessage) error {
	result, _ := monitor.ResultOf(m.Event)
	check, _ := p.board.Check(result.CheckID)
	hearing, counted := p.tallies.Hear(check.Definition, m)
	if !counted {
		return nil
	}
	return p.append(ctx, p.board.Judge(check.ID, hearing.Verdict), m.Time, m.ID)
}

func (p *past) append(ctx context.Context, events []monitor.Event, at time.Time, cause string) error {
	if len(events) == 0 {
		return nil
	}
	batch := bus.Batch{Expect: make(map[bus.Aggregate]uint64)}
	for i, revision := range p.board.Revisions(events) {
		of := bus.AggregateOf(events[i])
		batch.Expect[of] = p.board.LastSequence(of.Kind, of.ID)
		batch.Events = append(batch.Events, monitor.EventMessage{Event: events[i], Meta: monitor.Meta{
			ID: cloudevents.NewID(), Source: source, Time: at.UTC(), CausationID: cause, CorrelationID: cause, Actor: actor, Revision: revision,
		}})
	}
	written, err := p.logs.Append(ctx, batch)
	if err != nil {
		return err
	}
	for _, m := range written {
		p.board.Evolve(m)
	}
	return nil
}

// result is what would have been found.
func (d due) result() monitor.Result {
	name := d.check.ID
	a := behaviour(name)(d.at)
	r := monitor.Result{
		ID:      monitor.Execution{Check: d.check.Definition, Revision: d.check.Revision, Location: monitor.DefaultLocation, DueAt: d.at}.ID(),
		CheckID: name, Service: d.check.Service, Revision: d.check.Revision, Location: monitor.DefaultLocation, Runner: runnerName,
		DueAt: d.at, StartedAt: d.at.Add(time.Millisecond), NextDueAt: d.next, DurationMS: float64(a.latency) / float64(time.Millisecond), Attempts: 1,
		Observed: map[string]any{"made_up": true}, Trigger: monitor.TriggerSchedule,
	}
	passed := a.status == http.StatusOK
	if kindOf(name) == "queue" {
		passed = a.queue < 100
	}
	r.Outcome = d.check.Grade(passed, a.latency)
	for _, text := range d.check.Assertions {
		judged := monitor.AssertionResult{Expression: text, Passed: passed}
		if !passed {
			judged.Actual = fmt.Sprint(a.status)
			if kindOf(name) == "queue" {
				judged.Actual = fmt.Sprint(a.queue)
			}
			r.Error = text + " · actual " + judged.Actual
		}
		r.Assertions = append(r.Assertions, judged)
	}
	return r
}
