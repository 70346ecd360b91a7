package client

import (
	"context"
	"time"
)

// Change is one change of a definition, with what it did field by field.
type Change struct {
	Sequence  uint64        `json:"sequence"`
	Type      string        `json:"type"`
	Time      time.Time     `json:"time"`
	Revision  uint64        `json:"revision"`
	Actor     string        `json:"actor"`
	CommandID string        `json:"command_id"`
	Changes   []FieldChange `json:"changes"`
}

// FieldChange is what became of a field; nil is absent.
type FieldChange struct {
	Field string `json:"field"`
	From  any    `json:"from"`
	To    any    `json:"to"`
}

// CheckChanges returns the newest changes of a check, deleted ones too, at most so many (0: all).
func (c *Client) CheckChanges(ctx context.Context, id string, most int) (List[Change], error) {
	return all[Change](ctx, c, at("checks", id, "changes"), nil, most)
}

// ServiceChanges is CheckChanges for services.
func (c *Client) ServiceChanges(ctx context.Context, id string, most int) (List[Change], error) {
	return all[Change](ctx, c, at("services", id, "changes"), nil, most)
}
