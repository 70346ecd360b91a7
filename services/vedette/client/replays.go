package client

import (
	"context"
	"encoding/json"

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
	err = c.told(ctx, at("replays"), q, "report", func(raw []byte) error {
		var p answer.Progress
		if err := json.Unmarshal(raw, &p); err != nil {
			return err
		}
		if progress != nil {
			progress(p)
		}
		return nil
	}, &report)
	return report, err
}
