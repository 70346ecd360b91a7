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

	"github.com/vedette/vedette/pkg/replay"
	"github.com/vedette/vedette/pkg/replay/answer"
)

// Question is what WhatIf asks. From and To are times (RFC 3339), or spans back from now ("-24h").
type Question struct {
	Service string         `json:"service,omitempty"`
	Check   string         `json:"check,omitempty"`
	From    string         `json:"from"`
	To      string         `json:"to,omitempty"`
	Set     map[string]any `json:"set"`
}

// WhatIf asks what another policy would have decided, and tells progress (may be nil) how far the
// server has come. When ctx ends, the server gives up.
func (c *Client) WhatIf(ctx context.Context, q Question, progress func(answer.Progress)) (report Item[replay.Report], err error) {
	raw, err := json.Marshal(q)
	if err != nil {
		return report, fmt.Errorf("encode the question: %w", err)
	}
	r, err := c.request(ctx, http.MethodPost, at("replays"), nil, bytes.NewReader(raw))
	if err != nil {
		return report, err
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(r)
	if err != nil {
		return report, c.unreachable(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // read to its end, or given up
	if response.StatusCode != http.StatusOK {
		raw, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		if err != nil {
			return report, c.unreachable(ctx, err)
		}
		return report, problemOf(response, raw)
	}
	err = readTold(response.Body, func(kind string, data []byte) (done bool, err error) {
		switch kind {
		case "progress":
			var p answer.Progress
			if err := json.Unmarshal(data, &p); err != nil {
				return false, fmt.Errorf("read how far the replay has come: %w", err)
			}
			if progress != nil {
				progress(p)
			}
		case "problem":
			p := &Problem{}
			if err := json.Unmarshal(data, p); err != nil {
				return false, fmt.Errorf("read why the replay failed: %w", err)
			}
			return true, p
		case "report":
			if err := json.Unmarshal(data, &report); err != nil {
				return false, fmt.Errorf("read the report: %w", err)
			}
			return true, nil
		}
		return false, nil
	})
	if ctx.Err() != nil {
		return report, ctx.Err()
	}
	return report, err
}

// maxReport bounds one line of a replay's answer.
const maxReport = 64 << 20

// readTold reads server-sent events of one line of data each until take is done.
func readTold(body io.Reader, take func(kind string, data []byte) (done bool, err error)) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxReport)
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
		return fmt.Errorf("read the replay: %w", err)
	}
	return errors.New("the server ended the replay without an answer")
}
