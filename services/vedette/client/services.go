package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/vedette/vedette/pkg/readmodel"
)

// Service is a service as the server gives it.
type Service = Item[ServiceView]

// ServiceView is a service with the ids of its checks, however the server writes them: as ids in
// lists, as whole checks when one service is asked for.
type ServiceView struct {
	readmodel.ServiceView
	Members []string `json:"-"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *ServiceView) UnmarshalJSON(raw []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return err
	}
	checks := fields["checks"]
	delete(fields, "checks")
	rest, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	*v = ServiceView{}
	if err := json.Unmarshal(rest, &v.ServiceView); err != nil {
		return err
	}
	if len(checks) == 0 {
		return nil
	}
	if json.Unmarshal(checks, &v.Members) == nil {
		return nil
	}
	var whole []struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(checks, &whole); err != nil {
		return err
	}
	v.Members = nil
	for _, c := range whole {
		v.Members = append(v.Members, c.ID)
	}
	return nil
}

// Services lists services. query holds q, status, label, sort.
func (c *Client) Services(ctx context.Context, query url.Values) (List[ServiceView], error) {
	return all[ServiceView](ctx, c, at("services"), query, 0)
}

// Service returns one service and its ETag.
func (c *Client) Service(ctx context.Context, id string) (service Service, etag string, err error) {
	header, err := c.do(ctx, http.MethodGet, at("services", id), request{}, &service)
	return service, header.Get("ETag"), err
}

// ServiceAsOf is Service for a query that may hold at, an instant of the past.
func (c *Client) ServiceAsOf(ctx context.Context, id string, query url.Values) (service Service, err error) {
	_, err = c.do(ctx, http.MethodGet, at("services", id), request{query: query}, &service)
	return service, err
}

// RegisterService registers a service and returns it as registered.
func (c *Client) RegisterService(ctx context.Context, definition Object) (service Service, err error) {
	_, err = c.do(ctx, http.MethodPost, at("services"), request{body: definition}, &service)
	return service, err
}

// ReplaceService puts a definition in the place of a service's.
func (c *Client) ReplaceService(ctx context.Context, id string, definition Object, ifMatch string) (service Service, err error) {
	_, err = c.do(ctx, http.MethodPut, at("services", id), request{body: definition, ifMatch: ifMatch}, &service)
	return service, err
}

// DeleteService deletes a service that has no checks.
func (c *Client) DeleteService(ctx context.Context, id string) error {
	_, err := c.do(ctx, http.MethodDelete, at("services", id), request{}, nil)
	return err
}
