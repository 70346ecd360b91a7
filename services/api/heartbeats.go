package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/executor/heartbeatcheck"
	"github.com/vedette/vedette/pkg/monitor"
)

// heartbeatPath is where heartbeats come in; the token in the path is all they need to show.
const heartbeatPath = base + "/heartbeats/"

// The signals of a heartbeat. An exit code, 0 to 255, is one as well.
const (
	signalStart   = "start"
	signalSuccess = "success"
	signalFail    = "fail"
)

// HeartbeatTaken is the answer to a heartbeat.
type HeartbeatTaken struct {
	Check  string `json:"check"`
	Signal string `json:"signal"`
	// Counted is false for one that makes no result: a start, or one of a paused check.
	Counted bool            `json:"counted"`
	Outcome monitor.Outcome `json:"outcome,omitempty"`
	// Note says why it is not counted, or what the outcome is due to.
	Note string `json:"note,omitempty"`
}

// HeartbeatReport is what may come with a heartbeat.
type HeartbeatReport struct {
	Message  string `json:"message"`
	Duration string `json:"duration"`
	ExitCode int    `json:"exit_code"`
}

// heartbeat serves GET and POST /api/v1/heartbeats/{token} and …/{token}/{signal}.
func (s *server) heartbeat(c *fiber.Ctx) error {
	token, signal := c.Params("token"), c.Params("signal", signalSuccess)
	id, ok := heartbeatcheck.CheckOf(token)
	if !ok {
		return noSuchToken()
	}
	ctx, cancel := context.WithTimeout(s.work, readWait)
	defer cancel()
	check, err := s.reads.Check(ctx, id)
	switch {
	case errors.Is(err, monitor.ErrNotFound):
		return noSuchToken()
	case err != nil:
		return err
	case !heartbeatcheck.Matches(check.Definition, token):
		return noSuchToken()
	}
	beat, err := readHeartbeat(c, signal)
	if err != nil {
		return err
	}
	release, ok := s.beats.take()
	if !ok {
		return problem(http.StatusTooManyRequests, "busy", "%d heartbeats are being stored, as many as this server takes: try again", maxBeats).after(time.Second)
	}
	defer release()
	taken, err := s.takeHeartbeat(ctx, check.Check, signal, beat)
	if err != nil {
		return err
	}
	return c.Status(http.StatusOK).JSON(taken)
}

// maxBeats bounds the heartbeats being stored: they share writes, each waits for one.
const maxBeats = 512

func noSuchToken() error {
	return problem(http.StatusNotFound, "not-found", "no check has this token: a check shows its own when it is registered, and POST %s/checks/ID/token makes a new one", base)
}

// takeHeartbeat makes what came the result of its check, and returns when that is durable.
func (s *server) takeHeartbeat(ctx context.Context, check monitor.Check, signal string, beat heartbeatcheck.Heartbeat) (HeartbeatTaken, error) {
	taken := HeartbeatTaken{Check: check.ID, Signal: signal}
	now := s.now().UTC()
	if check.Paused {
		taken.Note = "the check is paused"
		return taken, nil
	}
	if signal == signalStart {
		return taken, s.begins.note(ctx, check.ID, now)
	}
	if beat.Took == 0 {
		began, err := s.begins.end(ctx, check.ID)
		if err != nil {
			return taken, err
		}
		if took := now.Sub(began); !began.IsZero() && took > 0 && took <= monitor.MaxHeartbeatDuration {
			beat.Took = took
		}
	}
	result := s.engine.Judge(ctx, monitor.Execution{
		Check: check.Definition, Revision: check.Revision, Location: check.Locations[0], DueAt: s.dues.next(check.ID, now), Trigger: monitor.TriggerHeartbeat,
	}, now.Add(-beat.Took), beat.Observation())
	err := s.bus.Deliver(ctx, result.Location, bus.Report{
		Runner: monitor.Runner{ID: monitor.HeartbeatRunner, Location: result.Location}, Results: []monitor.Result{result},
	})
	if errors.Is(err, bus.ErrRefused) {
		return taken, s.internal("storing a heartbeat", err)
	}
	if err != nil {
		s.log.Warn("a heartbeat was not stored", "check", check.ID, "error", err)
		return taken, problem(http.StatusServiceUnavailable, "no-gate", "the heartbeat was not stored: no gate has taken it. Send it again").after(time.Second)
	}
	taken.Counted, taken.Outcome, taken.Note = true, result.Outcome, result.Error
	return taken, nil
}

// readHeartbeat reads signal, query and body. What the body says comes before the query; a body that
// is not JSON is the message.
func readHeartbeat(c *fiber.Ctx, signal string) (beat heartbeatcheck.Heartbeat, err error) {
	var p monitor.Problems
	what := HeartbeatReport{Message: c.Query("message"), Duration: c.Query("duration")}
	if text := c.Query("exit_code"); text != "" {
		what.ExitCode = exitCode(&p, "exit_code", text)
	}
	kind, _, _ := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	switch body := c.Body(); {
	case len(body) == 0:
	case kind == typeJSON:
		object, err := parseObject(body)
		if err != nil {
			return beat, err
		}
		if text, ok := number(object["duration"]); ok { // seconds
			object["duration"] = json.RawMessage(strconv.Quote(text))
		}
		p = append(p, decodeFields(object, &what)...)
	default:
		what.Message = string(body)
	}
	switch signal {
	case signalStart, signalSuccess, signalFail:
		beat.Failed = signal == signalFail
	default:
		what.ExitCode = exitCode(&p, "signal", signal)
	}
	if what.ExitCode < 0 || what.ExitCode > 255 {
		p.Add("exit_code", "%d is none: use 0 to 255", what.ExitCode)
	}
	beat.Took = took(&p, what.Duration)
	beat.ExitCode, beat.Message = what.ExitCode, message(what.Message)
	return beat, p.Err()
}

func exitCode(p *monitor.Problems, field, text string) int {
	code, err := strconv.ParseUint(text, 10, 8)
	switch {
	case err != nil && field == "signal":
		p.Add(field, "%.80q is none: use start, success, fail, or an exit code from 0 to 255", text)
	case err != nil:
		p.Add(field, "%.80q is none: use 0 to 255", text)
	}
	return int(code)
}

// number returns a JSON number as it is written.
func number(raw json.RawMessage) (text string, ok bool) {
	_, err := strconv.ParseFloat(string(raw), 64)
	return string(raw), err == nil
}

// took reads a duration, or a number of seconds, which shells have at hand.
func took(p *monitor.Problems, text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if seconds, isNumber := strconv.ParseFloat(text, 64); isNumber == nil {
		d, err = time.ParseDuration(fmt.Sprintf("%fs", seconds))
	}
	switch {
	case err != nil:
		p.Add("duration", "%.80q is no duration: use seconds, such as 12.5, or a text such as 3m20s", text)
	case d < 0 || d > monitor.MaxHeartbeatDuration:
		p.Add("duration", "%s is out of bounds: use 0s to %s", text, monitor.Duration(monitor.MaxHeartbeatDuration))
	}
	return d
}

// message is a text as results keep it.
func message(text string) string {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "�"))
	if len(text) <= heartbeatcheck.MaxMessage {
		return text
	}
	const mark = "…"
	cut := heartbeatcheck.MaxMessage - len(mark)
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + mark
}
