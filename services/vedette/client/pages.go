package client

import (
	"context"
	"net/http"

	"github.com/vedette/vedette/pkg/readmodel"
)

// Page is a public status page as the server gives it.
type Page = Item[readmodel.StatusPageView]

// Pages lists the status pages.
func (c *Client) Pages(ctx context.Context) (list List[readmodel.StatusPageView], err error) {
	_, err = c.do(ctx, http.MethodGet, at("pages"), request{}, &list)
	return list, err
}

// Page returns one page and its ETag.
func (c *Client) Page(ctx context.Context, id string) (page Page, etag string, err error) {
	header, err := c.do(ctx, http.MethodGet, at("pages", id), request{}, &page)
	return page, header.Get("ETag"), err
}

// RegisterPage publishes a page and returns it as registered.
func (c *Client) RegisterPage(ctx context.Context, definition Object) (page Page, err error) {
	_, err = c.do(ctx, http.MethodPost, at("pages"), request{body: definition}, &page)
	return page, err
}

// ReplacePage puts a definition in the place of a page's.
func (c *Client) ReplacePage(ctx context.Context, id string, definition Object, ifMatch string) (page Page, err error) {
	_, err = c.do(ctx, http.MethodPut, at("pages", id), request{body: definition, ifMatch: ifMatch}, &page)
	return page, err
}

// DeletePage takes a page away.
func (c *Client) DeletePage(ctx context.Context, id string) error {
	_, err := c.do(ctx, http.MethodDelete, at("pages", id), request{}, nil)
	return err
}

// PageAddress returns where anybody sees a page.
func (c *Client) PageAddress(id string) string { return c.base.JoinPath("status", id).String() }
