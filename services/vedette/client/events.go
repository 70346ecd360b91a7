package client

import (
	"context"
	"encoding/json"
	"net/url"
	"time"
)

// Event is an event as the server gives it.
type Event = Item[EventView]

// EventView is a CloudEvent of Vedette's, in structured form. Its data depends on its type.
type EventView struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Source   string          `json:"source"`
	Subject  string          `json:"subject"`
	Time     time.Time       `json:"time"`
	Sequence Sequence        `json:"sequence"`
	Actor    string          `json:"actor"`
	Data     json.RawMessage `json:"data"`
}

// Sequence is a place in a stream. CloudEvents has no large integers, so it may come as a string.
type Sequence string

// UnmarshalJSON implements json.Unmarshaler.
func (s *Sequence) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*s = Sequence(text)
		return nil
	}
	var number json.Number
	if err := json.Unmarshal(raw, &number); err != nil {
		return err
	}
	*s = Sequence(number)
	return nil
}

// Events returns events, at most so many (0: all). query holds type, service, check, aggregate,
// results, and after: with it the oldest come first, without it the newest.
func (c *Client) Events(ctx context.Context, query url.Values, most int) (List[EventView], error) {
	return all[EventView](ctx, c, at("events"), query, most)
}
