package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
)

// Backup returns a backup as the server takes it: a tar archive. Close it.
func (c *Client) Backup(ctx context.Context, withoutResults bool) (io.ReadCloser, error) {
	query := url.Values{}
	if withoutResults {
		query.Set("results", "false")
	}
	return c.open(ctx, at("backup"), query)
}

// open asks for something that is read as it comes.
func (c *Client) open(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	r, err := c.request(ctx, http.MethodGet, path, query, nil)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer func() { _ = response.Body.Close() }() // read to its end, or of no use
	raw, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return nil, problemOf(response, raw)
}
