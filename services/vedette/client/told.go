package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// told posts a question whose answer takes a while: progress hears how far the server has come, and
// into takes the answer, the event of the given kind. When ctx ends, the server gives up.
func (c *Client) told(ctx context.Context, path string, question any, kind string, progress func(raw []byte) error, into any) error {
	raw, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("encode the question: %w", err)
	}
	r, err := c.request(ctx, http.MethodPost, path, nil, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(r)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // read to its end, or given up
	if response.StatusCode != http.StatusOK {
		raw, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		if err != nil {
			return c.unreachable(ctx, err)
		}
		return problemOf(response, raw)
	}
	err = readTold(response.Body, func(event string, data []byte) (done bool, err error) {
		switch event {
		case "progress":
			if err := progress(data); err != nil {
				return false, fmt.Errorf("read how far the server has come: %w", err)
			}
		case "problem":
			p := &Problem{}
			if err := json.Unmarshal(data, p); err != nil {
				return false, fmt.Errorf("read why it failed: %w", err)
			}
			return true, p
		case kind:
			if err := json.Unmarshal(data, into); err != nil {
				return false, fmt.Errorf("read the answer: %w", err)
			}
			return true, nil
		}
		return false, nil
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// maxTold bounds one line of such an answer.
const maxTold = 64 << 20

// readTold reads server-sent events of one line of data each until take is done.
func readTold(body io.Reader, take func(kind string, data []byte) (done bool, err error)) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxTold)
	kind := ""
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			kind = value
		case "data":
			if done, err := take(kind, []byte(value)); done || err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return errors.New("the server ended the stream without an answer")
}
