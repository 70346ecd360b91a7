package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/vedette/vedette/pkg/readmodel"
)

const (
	// newsPause is the least time between two views that a client is told.
	newsPause = 200 * time.Millisecond
	// lastNews is how long a finished build is given to tell its last words.
	lastNews = 2 * time.Second
)

// projectionStream serves GET /api/v1/projections/{name} for clients that want to be told how far
// its build has come.
func (s *server) projectionStream(c *fiber.Ctx) error {
	if !strings.Contains(c.Get(fiber.HeaderAccept), "text/event-stream") {
		return c.Next()
	}
	name := c.Params("name")
	if _, err := s.projection(name); err != nil {
		return err
	}
	return s.sendStream(c, func(ctx context.Context, to downstream) error {
		t := &buildTeller{server: s, name: name, out: to}
		return t.run(ctx)
	})
}

// buildTeller tells one client of the build of one read model.
type buildTeller struct {
	server *server
	name   string
	out    downstream
}

// run tells what is known whenever there is news, until nothing is being built any more.
func (t *buildTeller) run(ctx context.Context) error {
	beat := time.NewTicker(15 * time.Second)
	defer beat.Stop()
	var ended time.Time
	for {
		view, news := t.server.reads.Projection(t.name)
		switch idle := !underWay(view); {
		case !idle:
			ended = time.Time{}
		case ended.IsZero():
			ended = time.Now()
		}
		if !ended.IsZero() && (finished(view) || time.Since(ended) >= lastNews) {
			return t.tell("done", view)
		}
		if err := t.tell("progress", view); err != nil {
			return err
		}
		if err := wait(ctx, newsPause); err != nil {
			return err
		}
		again := (<-chan time.Time)(nil)
		if !ended.IsZero() {
			again = time.After(newsPause)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-news:
		case <-again:
		case <-beat.C:
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// underWay reports whether anything is being built, or ordered and not taken up yet.
func underWay(v readmodel.ProjectionView) bool {
	return v.Lineage.Building != 0 || (v.Order != nil && v.Order.ID != v.Lineage.Order)
}

// finished reports whether the last build has told all that it had to tell.
func finished(v readmodel.ProjectionView) bool {
	return v.Progress == nil || v.Progress.Ended() || v.Lineage.Failed != ""
}

// tell writes one event.
func (t *buildTeller) tell(kind string, view readmodel.ProjectionView) error {
	text, err := json.Marshal(view)
	if err != nil {
		return fmt.Errorf("write a %s: %w", kind, err)
	}
	if err := t.out.write(fmt.Appendf(nil, "event: %s\ndata: %s\n\n", kind, text)); err != nil {
		return err
	}
	return t.out.flush()
}
