package api

import (
	"bufio"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// stallTimeout is how long a client may take nothing of what is sent.
	stallTimeout = 10 * time.Second
	// retryHint tells browsers how long to wait before they connect again.
	retryHint = time.Second
)

// stream serves GET /api/v1/events/stream.
func (s *server) stream(c *fiber.Ctx) error {
	wanted, start, err := s.streamRequest(c)
	if err != nil {
		return err
	}
	return s.sendStream(c, func(ctx context.Context, to downstream) error {
		st := &streamer{downstream: to, server: s, filter: wanted, at: start.at, fromNow: start.fromNow}
		return st.run(ctx)
	})
}

// sendStream answers with a stream of server-sent events that run writes.
func (s *server) sendStream(c *fiber.Ctx, run func(ctx context.Context, to downstream) error) error {
	release, ok := s.streams.take()
	if !ok {
		return problem(http.StatusTooManyRequests, "streams", "there are %d clients of event streams already, as many as this server takes", s.opt.MaxStreams).after(5 * time.Second)
	}
	c.Set(fiber.HeaderContentType, "text/event-stream; charset=utf-8")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no") // has proxies pass on each event at once
	// The deadlines of writing are this connection's to the end.
	c.Context().SetConnectionClose()
	if c.Context().IsHead() {
		release()
		return nil
	}
	conn := c.Context().Conn()
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer release()
		s.serveStream(conn, func(ctx context.Context) error { return run(ctx, downstream{conn: conn, w: w}) })
	})
	return nil
}

type start struct {
	at      position
	fromNow bool
}

// streamRequest reads and checks what a client asks for.
func (s *server) streamRequest(c *fiber.Ctx) (*filter, start, error) {
	problems := unknownParameters(c, "after", "type", "service", "check", "aggregate", "results")
	results := c.Query("results", "false")
	if results != "true" && results != "false" {
		problems.Add("results", "%.80q is neither true nor false", results)
	}
	wanted, more := filterOf(listOf(c, "type"), c.Query("service"), c.Query("check"), c.Query("aggregate"), results == "true")
	if problems = append(problems, more...); len(problems) > 0 {
		return nil, start{}, invalid(problems)
	}
	// What a browser sends when it connects again comes before what the page asked for.
	after := c.Get("Last-Event-ID", c.Query("after"))
	if after == "" {
		return wanted, start{fromNow: true}, nil
	}
	ctx, cancel := context.WithTimeout(s.work, readWait)
	defer cancel()
	at, err := s.place(ctx, "after", after, wanted.results)
	return wanted, start{at: at}, err
}

// place finds a cursor's position and makes sure that the logs have come that far.
func (s *server) place(ctx context.Context, field, text string, results bool) (position, error) {
	at, hasResult, err := parseCursor(text)
	if err != nil {
		return at, invalidField(field, "%.80q cannot be used: %v", text, err)
	}
	last, err := s.bus.Last(ctx)
	if err != nil {
		return at, s.internal("finding the end of the events", err)
	}
	if at.Event > last {
		return at, invalidField(field, "event %d does not exist, the last one is %d: begin with that", at.Event, last)
	}
	if !results {
		return at, nil
	}
	if !hasResult {
		at.Result, err = s.resultsUntilEvent(ctx, at.Event)
		return at, err
	}
	last, err = s.bus.LastResult(ctx)
	if err != nil {
		return at, s.internal("finding the end of the results", err)
	}
	if at.Result.Sequence > last {
		return at, invalidField(field, "message %d of results does not exist, the last one is %d: begin with that", at.Result.Sequence, last)
	}
	return at, nil
}

// resultsUntilEvent is the place in RESULTS at the time when an event was stored.
func (s *server) resultsUntilEvent(ctx context.Context, sequence uint64) (monitor.Position, error) {
	if sequence == 0 {
		return atMessage(0), nil
	}
	events, err := s.bus.Read(ctx, sequence-1, 1, bus.Filter{})
	if err != nil {
		return monitor.Position{}, s.internal("reading an event", err)
	}
	if len(events) == 0 {
		return atMessage(0), nil
	}
	at, err := resultsUntil(ctx, s.bus, events[0].StoredAt)
	if err != nil {
		return monitor.Position{}, s.internal("searching the results", err)
	}
	return at, nil
}

func unknownParameters(c *fiber.Ctx, known ...string) monitor.Problems {
	var p monitor.Problems
	for key := range c.Context().QueryArgs().All() {
		if name := string(key); !slices.Contains(known, name) {
			p.Add(clip(name), "is not known: there are %s", strings.Join(known, ", "))
		}
	}
	return p
}

// listOf returns the values of a parameter, given several times or separated by commas.
func listOf(c *fiber.Ctx, name string) []string {
	var values []string
	for _, raw := range c.Context().QueryArgs().PeekMulti(name) {
		values = append(values, split(string(raw))...)
	}
	return values
}

// split separates at commas, leaving out what is empty.
func split(text string) []string {
	var parts []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}
