package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/explain"
	"github.com/vedette/vedette/pkg/monitor"
)

// Causes is an event with the chain that it is part of.
type Causes struct {
	Event Event        `json:"event"`
	Chain []CausesLink `json:"chain"`
	// Missing says in sentences what belongs to the chain and is not recorded.
	Missing []string `json:"missing"`
}

// CausesLink is one member of a chain.
type CausesLink struct {
	Role    explain.Role `json:"role"`
	ID      string       `json:"id"`
	Summary string       `json:"summary"`
	// Event is absent for a command, which is not kept once it is decided.
	Event            *Event                    `json:"event,omitempty"`
	Definition       *DefinitionInForce        `json:"definition,omitempty"`
	FailedAssertions []monitor.AssertionResult `json:"failed_assertions,omitempty"`
}

// DefinitionInForce is the definition under which something came to be.
type DefinitionInForce struct {
	Aggregate string    `json:"aggregate"`
	Revision  uint64    `json:"revision"`
	Sequence  uint64    `json:"sequence"`
	Since     time.Time `json:"since"`
	Actor     string    `json:"actor,omitempty"`
	// Definition is that of a check or of a service.
	Definition map[string]any `json:"definition"`
}

// rawCauses is Causes with events and definitions written already.
type rawCauses struct {
	Event   json.RawMessage `json:"event"`
	Chain   []rawLink       `json:"chain"`
	Missing []string        `json:"missing"`
}

type rawLink struct {
	CausesLink
	Event      json.RawMessage `json:"event,omitempty"`
	Definition *rawDefinition  `json:"definition,omitempty"`
}

type rawDefinition struct {
	DefinitionInForce
	Definition any `json:"definition"`
}

func (s *server) causeRoutes(d *document) {
	register(d, operation{
		id: "get-event-causes", method: http.MethodGet, path: "/events/{id}/causes", tag: tagEvents, summary: "Explain an event",
		description: "The chain that the event is part of, causes first: the result, the check's change of status, the incident, the service's " +
			"change of status, and who was told, each with the definition then in force. `id` is the id or sequence of an event, the id of a " +
			"result's event or of its execution, of an incident (its opening), of a check (its last change of status) or of a command. " +
			"`incident:ID` and `check:ID` tell apart what has the same id.\n\nWhat is not recorded, or no longer kept, is listed in `missing`.",
		answer: exampleCauses(), errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusGatewayTimeout},
	}, s.getCauses)
}

func (s *server) getCauses(ctx context.Context, in *eventRead) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	found, err := explain.Explain(ctx, s.bus, in.ID)
	if err != nil {
		return nil, err
	}
	causes := rawCauses{Chain: make([]rawLink, len(found.Chain)), Missing: found.Missing}
	if causes.Missing == nil {
		causes.Missing = []string{}
	}
	if causes.Event, err = cloudevents.MarshalEvent(found.Event); err != nil {
		return nil, err
	}
	for i, link := range found.Chain {
		causes.Chain[i] = rawLink{CausesLink: CausesLink{Role: link.Role, ID: link.ID, Summary: link.Summary, FailedAssertions: link.Failed}}
		causes.Chain[i].Definition = definitionInForce(link.Definition)
		if link.Event == nil {
			continue
		}
		if causes.Chain[i].Event, err = cloudevents.MarshalEvent(*link.Event); err != nil {
			return nil, err
		}
	}
	return &answer{Status: http.StatusOK, Body: causes}, nil
}

func definitionInForce(d *explain.Definition) *rawDefinition {
	if d == nil {
		return nil
	}
	in := &rawDefinition{DefinitionInForce: DefinitionInForce{
		Aggregate: d.Aggregate, Revision: d.Revision, Sequence: d.Sequence, Since: d.Since.UTC(), Actor: d.Actor,
	}, Definition: d.Check}
	if d.Service != nil {
		in.Definition = d.Service
	}
	return in
}

func exampleCauses() Causes {
	event := exampleEvent()
	return Causes{
		Event: event, Missing: []string{}, Chain: []CausesLink{{
			Role: explain.RoleCheckStatus, ID: event.ID, Event: &event, Summary: "Check home went from up to down: status == 200 · actual 503.",
			Definition: &DefinitionInForce{
				Aggregate: "check/home", Revision: 3, Sequence: 1790, Since: exampleTime(-time.Hour),
				Definition: map[string]any{"id": "home", "service": "web", "kind": "http", "assertions": []string{"status == 200"}, "failure_threshold": 2},
			},
		}},
	}
}

func causeSchemas() map[string]string {
	return map[string]string{
		"Causes": "An event with what led to it and what followed.", "CausesLink": "One member of a chain of causes and effects.",
		"DefinitionInForce": "The definition of a check or service under which something came to be.",
	}
}

func causeFields() map[string]string {
	return map[string]string{
		"Causes.event": "What was asked about.", "Causes.chain": "What led to it, itself, and what followed; causes first.",
		"Causes.missing":  "Sentences about what belongs to the chain and is not recorded, or no longer kept.",
		"CausesLink.role": "What part it plays.", "CausesLink.id": "Id of the event, or of the command.", "CausesLink.summary": "A sentence.",
		"CausesLink.event":            "The event; absent for a command, which is not kept once it is decided.",
		"CausesLink.definition":       "The definition then in force; absent where there is none.",
		"failed_assertions":           "The assertions of a result that did not hold.",
		"DefinitionInForce.aggregate": "`check/ID` or `service/ID`.", "DefinitionInForce.revision": "Its revision.",
		"DefinitionInForce.sequence": "Sequence of the event that set it.", "DefinitionInForce.since": "When it was set.", "DefinitionInForce.actor": "Who set it.",
		"DefinitionInForce.definition": "The definition, as it is written by `/checks` or `/services`.",
	}
}
