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
)

// long is work that takes a while, and whose client is told how far it has come: by server-sent
// events progress, then one of kind, or problem.
type long struct {
	// name is for the log: "replay".
	name string
	// kind is that of the answer, begun the first progress.
	kind  string
	begun any
	run   func(ctx context.Context, progress func(any)) (answer any, err error)
	// release, if not nil, is called when it is done.
	release func()
}

// wantsTelling reports whether a client wants to be told how far it has come.
func wantsTelling(c *fiber.Ctx) bool {
	return strings.Contains(c.Get(fiber.HeaderAccept), "text/event-stream")
}

// tellOf answers with a stream of what is told of work.
func (s *server) tellOf(c *fiber.Ctx, work long) {
	c.Set(fiber.HeaderContentType, "text/event-stream; charset=utf-8")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no") // has proxies pass on each event at once
	// The deadlines of writing are this connection's to the end.
	c.Context().SetConnectionClose()
	t := &teller{server: s, path: c.Path(), conn: c.Context().Conn(), work: work}
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		if work.release != nil {
			defer work.release()
		}
		t.serve(w)
	})
}

// teller tells one client of one piece of work. Fiber's context is not used here: it belongs to
// another request by now.
type teller struct {
	server *server
	path   string
	conn   net.Conn
	out    *downstream
	work   long
}

func (t *teller) serve(w *bufio.Writer) {
	defer func() {
		if value := recover(); value != nil { // it would take the process with it
			t.server.log.Error("a "+t.work.name+" panicked", "panic", value, "stack", string(debug.Stack()))
		}
	}()
	t.out = &downstream{conn: t.conn, w: w}
	ctx, cancel := context.WithCancel(t.server.work)
	defer cancel()
	defer context.AfterFunc(t.server.stopping, func() {
		cancel()
		_ = t.conn.SetWriteDeadline(time.Now().Add(time.Second)) // a client that takes nothing must not hold up the end
	})()
	// The client knows at once that it is at work.
	if t.tell("progress", t.work.begun) != nil {
		return
	}
	answer, err := t.work.run(ctx, func(p any) {
		if t.tell("progress", p) != nil {
			cancel() // the client is gone
		}
	})
	switch {
	case err == nil:
		err = t.tell(t.work.kind, answer)
	case ctx.Err() != nil && t.server.stopping.Err() == nil:
		t.server.log.Info("a " + t.work.name + " was given up: its client is gone")
		return
	default:
		p := *problemOf(err)
		if p.Status == http.StatusInternalServerError {
			t.server.log.Error("a "+t.work.name+" failed", "error", err)
		}
		p.Instance = t.path
		err = t.tell("problem", p)
	}
	if err != nil && !errors.Is(err, errGone) {
		t.server.log.Info("a "+t.work.name+" was not told to its end", "error", err)
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
