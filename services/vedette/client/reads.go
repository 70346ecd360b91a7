package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/vedette/vedette/pkg/readmodel"
)

// Incidents returns the newest incidents, at most so many (0: all). query holds open, check, service, at.
func (c *Client) Incidents(ctx context.Context, query url.Values, most int) (List[readmodel.IncidentView], error) {
	return all[readmodel.IncidentView](ctx, c, at("incidents"), query, most)
}

// Runners lists the runners.
func (c *Client) Runners(ctx context.Context) (List[readmodel.RunnerView], error) {
	return short[readmodel.RunnerView](ctx, c, at("runners"))
}

// Overview returns the counts by status. query may hold at, an instant of the past.
func (c *Client) Overview(ctx context.Context, query url.Values) (overview Item[readmodel.Overview], err error) {
	_, err = c.do(ctx, http.MethodGet, at("overview"), request{query: query}, &overview)
	return overview, err
}

// Kind is a kind of check.
type Kind struct {
	Name      string `json:"name"`
	Title     string `json:"title"`
	Summary   string `json:"summary"`
	Target    string `json:"target"`
	Example   string `json:"example"`
	Variables []struct {
		Name string `json:"name"`
		Type string `json:"type"`
		Help string `json:"help"`
	} `json:"variables"`
	Options Schema `json:"options"`
}

// Schema is what is needed here of a JSON Schema.
type Schema struct {
	Type        string             `json:"type"`
	Description string             `json:"description"`
	Default     any                `json:"default"`
	Enum        []string           `json:"enum"`
	Properties  map[string]*Schema `json:"properties"`
	// Order is the order of the properties for people.
	Order []string `json:"x-order"`
}

// Kinds lists the kinds of checks that the server knows.
func (c *Client) Kinds(ctx context.Context) (List[Kind], error) {
	return short[Kind](ctx, c, at("kinds"))
}

// Healthy asks whether the process behind a URL's /healthz or /readyz is well.
func (c *Client) Healthy(ctx context.Context, path string) error {
	_, err := c.do(ctx, http.MethodGet, path, request{}, nil)
	return err
}
