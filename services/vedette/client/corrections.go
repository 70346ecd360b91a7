package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/vedette/vedette/pkg/readmodel"
)

// Correction is a correction as the server gives it.
type Correction = Item[readmodel.CorrectionView]

// Corrections returns those of the latest spans, at most so many (0: all). query holds check, service, standing.
func (c *Client) Corrections(ctx context.Context, query url.Values, most int) (List[readmodel.CorrectionView], error) {
	return all[readmodel.CorrectionView](ctx, c, at("corrections"), query, most)
}

// Correction returns one correction.
func (c *Client) Correction(ctx context.Context, id string) (correction Correction, err error) {
	_, err = c.do(ctx, http.MethodGet, at("corrections", id), request{}, &correction)
	return correction, err
}

// AddCorrection corrects a past span.
func (c *Client) AddCorrection(ctx context.Context, definition Object) (correction Correction, err error) {
	_, err = c.do(ctx, http.MethodPost, at("corrections"), request{body: definition}, &correction)
	return correction, err
}

// WithdrawCorrection takes a correction back.
func (c *Client) WithdrawCorrection(ctx context.Context, id, reason string) (correction Correction, err error) {
	_, err = c.do(ctx, http.MethodDelete, at("corrections", id), request{query: url.Values{"reason": {reason}}}, &correction)
	return correction, err
}
