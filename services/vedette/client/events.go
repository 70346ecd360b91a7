package client

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Event is an event as the server gives it.
type Event = Item[EventView]

// EventView is a CloudEvent of Vedette's, in structured form. Its data depends on its type.
type EventView struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Source  string `json:"source"`
	Subject string `json:"subject"`
	// Revision is that of the aggregate; the ids say what led to the event.
	Revision      uint64          `json:"revision"`
	CommandID     string          `json:"commandid"`
	CausationID   string          `json:"causationid"`
	CorrelationID string          `json:"correlationid"`
	Time          time.Time       `json:"time"`
	Sequence      Sequence        `json:"sequence"`
	Actor         string          `json:"actor"`
	Data          json.RawMessage `json:"data"`
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

// errEnough ends reading when there is enough.
var errEnough = errors.New("enough")

// SelectEvents returns the events that are wanted, at most so many (0: all). query holds type, service,
// check, aggregate, results, and after or from: with them the oldest come first, without the newest.
func (c *Client) SelectEvents(ctx context.Context, query url.Values, most int, wanted func(Event) (bool, error)) ([]Event, error) {
	events := []Event{}
	err := c.EachEvent(ctx, query, most, func(e Event) error {
		ok, err := wanted(e)
		if err != nil {
			return err
		}
		if ok {
			events = append(events, e)
		}
		if most > 0 && len(events) >= most {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return events, err
}

// EachEvent hands on events page by page, in the order that query asks for, until there are no more or
// each fails (then its error). hint, if it is not 0, says how many may be enough.
func (c *Client) EachEvent(ctx context.Context, query url.Values, hint int, each func(Event) error) error {
	page := maps.Clone(query)
	size := pageSize
	if hint > 0 {
		size = min(size, hint)
	}
	page.Set("limit", strconv.Itoa(size))
	for {
		var list List[EventView]
		if _, err := c.do(ctx, http.MethodGet, at("events"), request{query: page}, &list); err != nil {
			return err
		}
		for _, e := range list.Items {
			if err := each(e); err != nil {
				return err
			}
		}
		if list.NextCursor == "" {
			return nil
		}
		page.Del("after")
		page.Del("from")
		page.Set("cursor", list.NextCursor)
	}
}
