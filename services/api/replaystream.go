package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/vedette/vedette/pkg/replay"
	whatif "github.com/vedette/vedette/pkg/replay/answer"
)

// replayStream serves POST /api/v1/replays for clients that want to be told how far it has come.
func (s *server) replayStream(c *fiber.Ctx) error {
	if !strings.Contains(c.Get(fiber.HeaderAccept), "text/event-stream") {
		return c.Next()
	}
	q, err := s.question(c.Body())
	if err != nil {
		return err
	}
	release, err := s.takeReplay()
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/event-stream; charset=utf-8")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no") // has proxies pass on each event at once
	// The deadlines of writing are this connection's to the end.
	c.Context().SetConnectionClose()
	teller := &teller{server: s, path: c.Path(), conn: c.Context().Conn()}
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer release()
		teller.serve(w, q)
	})
	return nil
}

// teller tells one client of one replay. Fiber's context is not used here: it belongs to another
// request by now.
type teller struct {
	server *server
	path   string
	conn   net.Conn
	out    *streamer
}

func (t *teller) serve(w *bufio.Writer, q replay.Question) {
	defer func() {
		if value := recover(); value != nil { // it would take the process with it
			t.server.log.Error("a replay panicked", "panic", value, "stack", string(debug.Stack()))
		}
	}()
	t.out = &streamer{server: t.server, downstream: downstream{conn: t.conn, w: w}}
	ctx, cancel := context.WithCancel(t.server.work)
	defer cancel()
	defer context.AfterFunc(t.server.stopping, func() {
		cancel()
		_ = t.conn.SetWriteDeadline(time.Now().Add(time.Second)) // a client that takes nothing must not hold up the end
	})()
	// The client knows at once that it is at work.
	if t.tell("progress", whatif.Progress{Reading: "events"}) != nil {
		return
	}
	report, err := t.server.whatIf(ctx, q, func(p whatif.Progress) {
		if t.tell("progress", p) != nil {
			cancel() // the client is gone
		}
	})
	switch {
	case err == nil:
		err = t.tell("report", report)
	case ctx.Err() != nil && t.server.stopping.Err() == nil:
		t.server.log.Info("a replay was given up: its client is gone", "service", q.Service, "check", q.Check)
		return
	default:
		p := *problemOf(err)
		if p.Status == http.StatusInternalServerError {
			t.server.log.Error("a replay failed", "error", err)
		}
		p.Instance = t.path
		err = t.tell("problem", p)
	}
	if err != nil && !errors.Is(err, errGone) {
		t.server.log.Info("a replay was not told to its end", "error", err)
	}
}

// tell writes one event.
func (t *teller) tell(kind string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write a %s: %w", kind, err)
	}
	if err := t.out.write(fmt.Appendf(nil, "event: %s\ndata: %s\n\n", kind, text)); err != nil {
		return err
	}
	return t.out.flush()
}
