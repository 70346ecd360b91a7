package client

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Causes is an event with the chain that it is part of, causes first.
type Causes struct {
	Event   EventView    `json:"event"`
	Chain   []CausesLink `json:"chain"`
	Missing []string     `json:"missing"`
}

// CausesLink is one member of a chain. Event is nil for a command.
type CausesLink struct {
	Role             string                    `json:"role"`
	ID               string                    `json:"id"`
	Summary          string                    `json:"summary"`
	Event            *EventView                `json:"event"`
	Definition       *DefinitionInForce        `json:"definition"`
	FailedAssertions []monitor.AssertionResult `json:"failed_assertions"`
}

// DefinitionInForce is the definition under which something came to be.
type DefinitionInForce struct {
	Aggregate  string          `json:"aggregate"`
	Revision   uint64          `json:"revision"`
	Sequence   uint64          `json:"sequence"`
	Since      time.Time       `json:"since"`
	Actor      string          `json:"actor"`
	Definition json.RawMessage `json:"definition"`
}

// Causes explains an event, a result, an incident, a check's last change of status, or a command.
func (c *Client) Causes(ctx context.Context, of string) (causes Item[Causes], err error) {
	_, err = c.do(ctx, http.MethodGet, at("events", of, "causes"), request{}, &causes)
	return causes, err
}
