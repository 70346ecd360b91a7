// Package client speaks to Vedette's REST API.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// DefaultServer is where `vedette up` listens unless told otherwise.
const DefaultServer = "http://127.0.0.1:8080"

// maxAnswer bounds what is read of one answer.
const maxAnswer = 256 << 20

// Client asks one server. It is safe for concurrent use.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
	// agent is sent as User-Agent.
	agent string
}

// New returns a client for a server, http://host:port with or without a path, and its admin token,
// if it has one. agent names the program to the server.
func New(server, token, agent string) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(server, "/"))
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, fmt.Errorf("server %q: use a URL such as %s", server, DefaultServer)
	}
	// No timeout for the whole: event streams last, and a run takes as long as its check may.
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 4,
		IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true,
	}
	return &Client{base: base, token: token, http: &http.Client{Transport: transport}, agent: agent}, nil
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Server is the address asked.
func (c *Client) Server() string { return c.base.String() }

// Item is a value together with the JSON that it was read from, which may hold more than this
// program knows of.
type Item[T any] struct {
	Value T
	Raw   json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (i *Item[T]) UnmarshalJSON(raw []byte) error {
	i.Raw = bytes.Clone(raw)
	return json.Unmarshal(raw, &i.Value)
}

// MarshalJSON implements json.Marshaler.
func (i Item[T]) MarshalJSON() ([]byte, error) { return i.Raw, nil }

// List is one page of a list, or all of it.
type List[T any] struct {
	Items      []Item[T] `json:"items"`
	NextCursor string    `json:"next_cursor"`
	Total      int       `json:"total"`
}

// pageSize is how many items are asked for at once.
const pageSize = 500

// all reads every page of a list, or as many as hold at least most items (0: no bound).
func all[T any](ctx context.Context, c *Client, path string, query url.Values, most int) (List[T], error) {
	whole := List[T]{Items: []Item[T]{}}
	for cursor := ""; ; {
		page := url.Values{"limit": {strconv.Itoa(pageSize)}}
		maps.Copy(page, query)
		if most > 0 {
			page.Set("limit", strconv.Itoa(min(pageSize, most-len(whole.Items))))
		}
		if cursor != "" {
			page.Set("cursor", cursor)
		}
		var list List[T]
		if _, err := c.do(ctx, http.MethodGet, path, request{query: page}, &list); err != nil {
			return whole, err
		}
		whole.Items, whole.Total = append(whole.Items, list.Items...), list.Total
		cursor = list.NextCursor
		if cursor == "" || len(list.Items) == 0 || (most > 0 && len(whole.Items) >= most) {
			whole.NextCursor = cursor
			return whole, nil
		}
	}
}

// short reads a list that comes whole.
func short[T any](ctx context.Context, c *Client, path string) (List[T], error) {
	list := List[T]{Items: []Item[T]{}}
	_, err := c.do(ctx, http.MethodGet, path, request{}, &list)
	return list, err
}

// request is what goes with a method and a path.
type request struct {
	query   url.Values
	body    any // encoded as JSON; nil for none
	kind    string
	ifMatch string
}

// do makes one request and decodes the answer into into, unless that is nil. What the server refuses
// is a *Problem, a server that cannot be reached an *UnreachableError.
func (c *Client) do(ctx context.Context, method, path string, r request, into any) (http.Header, error) {
	var body io.Reader
	if r.body != nil {
		raw, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	asked, err := c.request(ctx, method, path, r.query, body)
	if err != nil {
		return nil, err
	}
	if r.body != nil {
		asked.Header.Set("Content-Type", "application/json")
	}
	if r.kind != "" {
		asked.Header.Set("Content-Type", r.kind)
	}
	if r.ifMatch != "" {
		asked.Header.Set("If-Match", r.ifMatch)
	}
	response, err := c.http.Do(asked)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // read to its end, or of no use
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return response.Header, problemOf(response, raw)
	}
	if into == nil || len(raw) == 0 {
		return response.Header, nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return nil, fmt.Errorf("%s does not answer as Vedette does to %s %s: %w", c.Server(), method, path, err)
	}
	return response.Header, nil
}

func (c *Client) request(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Request, error) {
	address := c.base.String() + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.Server(), err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", c.agent)
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	return r, nil
}

// UnreachableError says that the server could not be asked.
type UnreachableError struct {
	Server string
	Err    error
}

// Error says what to do about it.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s cannot be reached: %v\nIs `vedette up` running there? Another address is given with --server or VEDETTE_SERVER.", e.Server, e.Err)
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err
	}
	return &UnreachableError{Server: c.Server(), Err: err}
}

// at builds a path of the API from segments that need escaping.
func at(segments ...string) string {
	var path strings.Builder
	path.WriteString("/api/v1")
	for _, s := range segments {
		path.WriteString("/" + url.PathEscape(s))
	}
	return path.String()
}
