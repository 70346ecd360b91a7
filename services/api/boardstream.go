package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// wholeBoardRoutes has routes of the board as a whole, for those who show it.
func (s *server) wholeBoardRoutes(d *document) {
	register(d, operation{
		id: "get-board", method: http.MethodGet, path: "/board", tag: tagBoard, summary: "Read the whole board",
		description: "Every check in short, every service, and the counts, in one answer from memory. `/api/v1/checks` has all that is known of each check. " + ofThePast +
			" What results told by then is left out: `/api/v1/board/beats` has it for those in sight.",
		answer: exampleBoard(), errors: []int{http.StatusUnprocessableEntity},
	}, s.getBoard)
	register(d, operation{
		id: "get-board-beats", method: http.MethodGet, path: "/board/beats", tag: tagBoard, summary: "Read what results told of some checks by an instant",
		description: "For the rows of a board of the past that are in sight: the heartbeat bar, what the last result found, and the uptime of 24 hours with its coverage, up to `at`, as far back as results are kept. Checks that are not known are left out.",
		answer:      readmodel.Page[PastBeat]{Items: []PastBeat{exampleBeat()}, Total: 1}, errors: []int{http.StatusUnprocessableEntity},
	}, s.getBeats)
}

func (s *server) getBoard(ctx context.Context, in *Then) (*answer, error) {
	if !in.isPast() {
		board, err := s.board.Board(ctx)
		return &answer{Status: http.StatusOK, Body: board}, err
	}
	moment, err := s.moment(ctx, *in)
	if err != nil {
		return nil, err
	}
	board, err := moment.Board(ctx)
	return &answer{Status: http.StatusOK, CacheControl: cachingOf(*in, moment), Body: board}, err
}

// boardStream serves GET /api/v1/board/stream.
func (s *server) boardStream(c *fiber.Ctx) error {
	if problems := unknownParameters(c); len(problems) > 0 {
		return invalid(problems)
	}
	return s.sendStream(c, s.showBoard)
}

// showBoard sends the whole board, then what changes, and signs of life.
func (s *server) showBoard(ctx context.Context, to downstream) error {
	if err := to.write(fmt.Appendf(nil, "retry: %d\n: vedette\n\n", retryHint.Milliseconds())); err != nil {
		return err
	}
	v := newViewer(func() { _ = to.conn.SetWriteDeadline(time.Now()) }) // a write that hangs ends with it
	if err := s.viewers.join(v); err != nil {
		return err
	}
	defer s.viewers.leave(v)
	heartbeat := time.NewTicker(s.opt.Heartbeat)
	defer heartbeat.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-heartbeat.C:
			if err := to.write([]byte(": alive\n\n")); err != nil {
				return err
			}
		case <-v.wake:
		}
		frames, dropped := v.take()
		for _, text := range frames {
			if err := to.write(text); err != nil {
				return err
			}
			s.metrics.sent.Inc()
		}
		if dropped {
			return errSlow
		}
		if err := to.flush(); err != nil {
			return err
		}
	}
}

// boardStreamRoute describes the stream of the board, which huma cannot serve on Fiber.
func (d *document) boardStreamRoute() {
	d.api.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "stream-board", Method: http.MethodGet, Path: base + "/board/stream", Tags: []string{tagBoard},
		Summary: "Follow the whole board as it changes",
		Description: "Server-sent events. The first, `board`, is what `/api/v1/board` answers; each `change` after it says what is new since, four times a second at most: " +
			"`checks` and `services` replace what was known of them, `gone_checks` and `gone_services` are the ids of those that were deleted, and each of `beats` is what results have changed of a check: " +
			"`[id, letters to append to recent, latency_ms, uptime_24h, coverage_24h]`; of `recent` the last 60 letters count. An idle stream carries a comment every 15 s. " +
			"A client that connects again gets the whole board again. What must not be missed is in the event stream.",
		Responses: d.responsesOf("The stream.", map[string]*huma.MediaType{"text/event-stream": {
			Schema: &huma.Schema{Type: "string"}, Example: exampleBoardStream(),
		}}, http.StatusUnprocessableEntity, http.StatusTooManyRequests),
	})
}

func exampleRow() readmodel.Row {
	ratio := 0.9986
	return readmodel.Row{
		ID: "home", Name: "Home page", Service: "web", Kind: "http", Target: "https://example.org/", Labels: map[string]string{"team": "web"},
		Locations: []string{"default"}, Revision: 3, Sequence: 1842, Status: monitor.StatusUp, StatusSince: exampleTime(0), Recent: "UUUGUU",
		LatencyMS: 41.7, Uptime: &ratio, Coverage: 1,
	}
}

func exampleBoard() readmodel.Board {
	return readmodel.Board{At: exampleTime(0), Checks: []readmodel.Row{exampleRow()}, Services: []monitor.Service{exampleService().Service}, Runners: 3, Sequence: 1842}
}

func exampleBoardChange() readmodel.BoardChange {
	row := exampleRow()
	return readmodel.BoardChange{
		At: exampleTime(0), Beats: []readmodel.Beat{{ID: row.ID, Letters: "U", LatencyMS: row.LatencyMS, Uptime: row.Uptime, Coverage: row.Coverage}}, Runners: 3, Sequence: 1842,
	}
}

func exampleBoardStream() string {
	text, err := boardFrame("change", exampleBoardChange())
	if err != nil {
		panic(fmt.Sprintf("api: an example cannot be written as JSON: %v", err))
	}
	return string(text)
}
