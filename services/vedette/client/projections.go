package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/vedette/vedette/pkg/readmodel"
)

// Projection is how far a read model has come, and which generations there are of it.
type Projection = readmodel.ProjectionView

// Projections lists the read models.
func (c *Client) Projections(ctx context.Context) (List[Projection], error) {
	return short[Projection](ctx, c, at("projections"))
}

// OrderProjection orders something of a read model: readmodel.OrderRebuild and the like. It answers
// when the order is given, which is before it is carried out.
func (c *Client) OrderProjection(ctx context.Context, name, what string) (view Item[Projection], err error) {
	_, err = c.do(ctx, http.MethodPost, at("projections", name, what), request{}, &view)
	return view, err
}

// FollowBuild tells progress how far the build of a read model is, until nothing is being built any
// more, and returns what there is then.
func (c *Client) FollowBuild(ctx context.Context, name string, progress func(Projection)) (view Item[Projection], err error) {
	r, err := c.request(ctx, http.MethodGet, at("projections", name), nil, nil)
	if err != nil {
		return view, err
	}
	r.Header.Set("Accept", "text/event-stream")
	response, err := c.http.Do(r)
	if err != nil {
		return view, c.unreachable(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // read to its end, or given up
	if response.StatusCode != http.StatusOK {
		raw, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		if err != nil {
			return view, c.unreachable(ctx, err)
		}
		return view, problemOf(response, raw)
	}
	err = readTold(response.Body, func(kind string, data []byte) (done bool, err error) {
		if err := json.Unmarshal(data, &view); err != nil {
			return false, fmt.Errorf("read how far the build has come: %w", err)
		}
		progress(view.Value)
		return kind == "done", nil
	})
	if ctx.Err() != nil {
		return view, ctx.Err()
	}
	return view, err
}
