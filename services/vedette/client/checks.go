package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// mergePatch is the media type of a change by fields (RFC 7396).
const mergePatch = "application/merge-patch+json"

// Check is a check as the server gives it.
type Check = Item[readmodel.CheckView]

// Result is a result as the server gives it.
type Result = Item[monitor.Result]

// Object is a JSON object to send.
type Object = map[string]any

// Checks lists checks. query holds q, status, service, kind, label, sort, at.
func (c *Client) Checks(ctx context.Context, query url.Values) (List[readmodel.CheckView], error) {
	return all[readmodel.CheckView](ctx, c, at("checks"), query, 0)
}

// Check returns one check and its ETag.
func (c *Client) Check(ctx context.Context, id string) (check Check, etag string, err error) {
	header, err := c.do(ctx, http.MethodGet, at("checks", id), request{}, &check)
	return check, header.Get("ETag"), err
}

// CheckAsOf is Check for a query that may hold at, an instant of the past.
func (c *Client) CheckAsOf(ctx context.Context, id string, query url.Values) (check Check, err error) {
	_, err = c.do(ctx, http.MethodGet, at("checks", id), request{query: query}, &check)
	return check, err
}

// RegisterCheck registers a check and returns it as registered.
func (c *Client) RegisterCheck(ctx context.Context, definition Object) (check Check, err error) {
	_, err = c.do(ctx, http.MethodPost, at("checks"), request{body: definition}, &check)
	return check, err
}

// PatchCheck changes fields of a check; null takes a field back to its default.
func (c *Client) PatchCheck(ctx context.Context, id string, patch Object, ifMatch string) (check Check, err error) {
	_, err = c.do(ctx, http.MethodPatch, at("checks", id), request{body: patch, kind: mergePatch, ifMatch: ifMatch}, &check)
	return check, err
}

// ReplaceCheck puts a definition in the place of a check's.
func (c *Client) ReplaceCheck(ctx context.Context, id string, definition Object, ifMatch string) (check Check, err error) {
	_, err = c.do(ctx, http.MethodPut, at("checks", id), request{body: definition, ifMatch: ifMatch}, &check)
	return check, err
}

// RenewToken gives a heartbeat check another token and returns the check, with its new address.
func (c *Client) RenewToken(ctx context.Context, id string) (check Check, err error) {
	_, err = c.do(ctx, http.MethodPost, at("checks", id, "token"), request{}, &check)
	return check, err
}

// HeartbeatAddress returns where the heartbeats of a check are to be sent, if the answer shows it: once,
// when the token was made.
func (c *Client) HeartbeatAddress(check Check) (address string, ok bool) {
	var shown struct {
		Heartbeat struct {
			Path string `json:"path"`
		} `json:"heartbeat"`
	}
	if err := json.Unmarshal(check.Raw, &shown); err != nil || shown.Heartbeat.Path == "" {
		return "", false
	}
	return strings.TrimSuffix(c.base.String(), "/") + shown.Heartbeat.Path, true
}

// DeleteCheck deletes a check; its history stays.
func (c *Client) DeleteCheck(ctx context.Context, id string) error {
	_, err := c.do(ctx, http.MethodDelete, at("checks", id), request{}, nil)
	return err
}

// PauseCheck stops the executions of a check, ResumeCheck takes them up again.
func (c *Client) PauseCheck(ctx context.Context, id string) (check Check, err error) {
	_, err = c.do(ctx, http.MethodPost, at("checks", id, "pause"), request{}, &check)
	return check, err
}

// ResumeCheck takes the executions of a check up again.
func (c *Client) ResumeCheck(ctx context.Context, id string) (check Check, err error) {
	_, err = c.do(ctx, http.MethodPost, at("checks", id, "resume"), request{}, &check)
	return check, err
}

// RunCheck executes a check now, from its first location or the one named, and returns the result.
func (c *Client) RunCheck(ctx context.Context, id, location string) (result Result, err error) {
	var query url.Values
	if location != "" {
		query = url.Values{"location": {location}}
	}
	_, err = c.do(ctx, http.MethodPost, at("checks", id, "run"), request{query: query}, &result)
	return result, err
}

// TestCheck executes a definition that is not registered, and returns the result. Nothing is stored.
func (c *Client) TestCheck(ctx context.Context, definition Object) (result Result, err error) {
	_, err = c.do(ctx, http.MethodPost, at("checks", "test"), request{body: definition}, &result)
	return result, err
}

// Results returns the newest results of a check, at most so many.
func (c *Client) Results(ctx context.Context, id string, query url.Values, most int) (List[monitor.Result], error) {
	return all[monitor.Result](ctx, c, at("checks", id, "results"), query, most)
}
