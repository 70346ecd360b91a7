package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// Kind is a kind of check, as forms and programs need to know it.
type Kind struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Summary string `json:"summary"`
	Target  string `json:"target"`
	Example string `json:"example"`
	// Pushed says that nobody executes these checks: what is watched sends heartbeats.
	Pushed    bool           `json:"pushed,omitempty"`
	Variables []Variable     `json:"variables"`
	Options   map[string]any `json:"options"`
}

// Variable may be used in assertions.
type Variable struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Help string `json:"help"`
}

// Command is what became of a command.
type Command struct {
	State string `json:"state"`
	bus.Outcome
}

// The states of a command.
const (
	stateUndecided = "undecided"
	stateAccepted  = "accepted"
	stateRefused   = "refused"
)

type commandRead struct {
	ID string `path:"id" maxLength:"140" doc:"Id of the command, or the Idempotency-Key under which it was sent." example:"0197c0de-7a2b-7c11-9d51-3f1f2e6f8a10"`
}

func (s *server) systemRoutes(d *document) {
	register(d, operation{
		id: "list-kinds", method: http.MethodGet, path: "/kinds", tag: tagSystem, summary: "List the kinds of checks",
		description: "With the JSON Schema of their options and the variables of their assertions.",
		answer: readmodel.Page[Kind]{Total: 1, Items: []Kind{{
			Name: "http", Title: "HTTP", Summary: "Requests a URL.", Target: "A URL.", Example: "https://example.org/",
			Variables: []Variable{{Name: "status", Type: "int", Help: "Status code of the answer."}}, Options: map[string]any{"type": "object"},
		}}},
	}, s.listKinds)
	register(d, operation{
		id: "get-command", method: http.MethodGet, path: "/commands/{id}", tag: tagSystem, summary: "Ask what became of a write",
		description: "Outcomes are kept for 24 hours. undecided: it is not decided yet, or not known.", answer: exampleOutcome(),
		errors: []int{http.StatusUnprocessableEntity},
	}, s.getCommand)
}

func (s *server) listKinds(context.Context, *struct{}) (*answer, error) {
	kinds := make([]Kind, 0, 8)
	for _, k := range s.opt.Table.Kinds() {
		kinds = append(kinds, kindOf(k))
	}
	return listed(readmodel.Page[Kind]{Items: kinds, Total: len(kinds)}, nil)
}

func kindOf(k executor.Kind) Kind {
	kind := Kind{
		Name: k.Name, Title: k.Title, Summary: k.Summary, Target: k.Target, Example: k.Example, Pushed: k.Pushed,
		Variables: make([]Variable, 0, len(k.Variables)), Options: k.Options,
	}
	for _, v := range k.Variables {
		kind.Variables = append(kind.Variables, Variable{Name: v.Name, Type: v.Type, Help: v.Help})
	}
	return kind
}

func (s *server) getCommand(ctx context.Context, in *commandRead) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	outcome, err := s.bus.Outcome(ctx, in.ID)
	switch {
	case errors.Is(err, bus.ErrNoOutcome):
		return &answer{Status: http.StatusOK, Body: Command{State: stateUndecided, Outcome: bus.Outcome{CommandID: in.ID}}}, nil
	case err != nil:
		return nil, err
	case outcome.Accepted():
		return &answer{Status: http.StatusOK, Body: Command{State: stateAccepted, Outcome: outcome}}, nil
	}
	return &answer{Status: http.StatusOK, Body: Command{State: stateRefused, Outcome: outcome}}, nil
}
