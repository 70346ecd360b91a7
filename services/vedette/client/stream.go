package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Stream follows the event stream.
type Stream struct {
	// Query holds type, service, check, aggregate, results, and after: where to begin; without it
	// the stream begins now.
	Query url.Values
	// Handle takes the events, in order, each once.
	Handle func(Event) error
	// Trouble, if not nil, hears of a lost connection before it is made again after wait.
	Trouble func(err error, wait time.Duration)
}

// Pauses before a connection is made again.
const (
	firstPause = 200 * time.Millisecond
	maxPause   = 10 * time.Second
	// silence is how long a stream may say nothing, not even a heartbeat, before it is given up.
	silence = 45 * time.Second
)

// maxLine bounds one line of the stream.
const maxLine = 4 << 20

// Follow hands on events until ctx ends (then nil), Handle fails (then its error), or the server
// refuses (a *Problem). A lost connection is made again, and goes on after the last event handled.
func (c *Client) Follow(ctx context.Context, s Stream) error {
	f := &follower{client: c, stream: s, pause: firstPause}
	for {
		err := f.connect(ctx)
		var refused *Problem
		switch {
		case ctx.Err() != nil:
			return nil
		case f.handling != nil:
			return f.handling
		case errors.As(err, &refused) && refused.Status < http.StatusInternalServerError && refused.Status != http.StatusTooManyRequests:
			return err
		}
		wait := f.pause/2 + rand.N(f.pause/2)
		f.pause = min(2*f.pause, maxPause)
		if s.Trouble != nil {
			s.Trouble(err, wait)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

type follower struct {
	client *Client
	stream Stream
	// lastID is the cursor of the last event handled.
	lastID string
	pause  time.Duration
	// handling is the error of Handle.
	handling error
}

func (f *follower) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := f.client.request(ctx, http.MethodGet, at("events", "stream"), f.stream.Query, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	if f.lastID != "" {
		r.Header.Set("Last-Event-ID", f.lastID)
	}
	response, err := f.client.http.Do(r)
	if err != nil {
		return f.client.unreachable(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // a stream is never read to its end
	if response.StatusCode != http.StatusOK {
		raw, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		if err != nil {
			return f.client.unreachable(ctx, err)
		}
		return problemOf(response, raw)
	}
	watchdog := time.AfterFunc(silence, func() { cancel(fmt.Errorf("nothing was heard for %s", silence)) })
	defer watchdog.Stop()
	err = f.read(response.Body, func() { watchdog.Reset(silence) })
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// read takes the events of one connection (HTML Living Standard, 9.2.6).
func (f *follower) read(body io.Reader, heard func()) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxLine)
	var data strings.Builder
	id := f.lastID
	for lines.Scan() {
		heard()
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			id = value
		case "data":
			if data.Len() > 0 {
				data.WriteByte('\n')
			}
			data.WriteString(value)
		case "":
			if lines.Text() != "" || data.Len() == 0 {
				continue // a comment, or the end of an event without data
			}
			if err := f.handle(data.String()); err != nil {
				return err
			}
			f.lastID = id
			data.Reset()
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the event stream: %w", err)
	}
	return errors.New("the server ended the event stream")
}

func (f *follower) handle(data string) error {
	f.pause = firstPause
	var e Event
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		f.handling = fmt.Errorf("read an event of the stream: %w", err)
		return f.handling
	}
	f.handling = f.stream.Handle(e)
	return f.handling
}
