package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
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
	release, ok := s.streams.take()
	if !ok {
		return problem(fiber.StatusTooManyRequests, "streams", "there are %d clients of streams already, as many as this server takes", s.opt.MaxStreams).after(5 * time.Second)
	}
	c.Set(fiber.HeaderContentType, "text/event-stream; charset=utf-8")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no") // has proxies pass on each event at once
	// The deadlines of writing are this connection's to the end.
	c.Context().SetConnectionClose()
	t := &buildTeller{server: s, name: name, conn: c.Context().Conn()}
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer release()
		t.serve(w)
	})
	return nil
}

// buildTeller tells one client of the build of one read model. Fiber's context is not used here: it
// belongs to another request by now.
type buildTeller struct {
	server *server
	name   string
	conn   net.Conn
	out    *streamer
}

func (t *buildTeller) serve(w *bufio.Writer) {
	log := t.server.log
	defer func() {
		if value := recover(); value != nil { // it would take the process with it
			log.Error("a stream of a build panicked", "panic", value, "stack", string(debug.Stack()))
		}
	}()
	t.out = &streamer{server: t.server, conn: t.conn, w: w}
	ctx, cancel := context.WithCancel(t.server.work)
	defer cancel()
	defer context.AfterFunc(t.server.stopping, func() {
		cancel()
		_ = t.conn.SetWriteDeadline(time.Now().Add(time.Second)) // a client that takes nothing must not hold up the end
	})()
	if err := t.run(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, errGone) {
		log.Info("a stream of a build ended early; its client can ask again", "projection", t.name, "error", err)
	}
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
