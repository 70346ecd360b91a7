package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/explain"
	"github.com/vedette/vedette/pkg/monitor"
)

// Event is an event as it is read: a CloudEvent in structured mode.
type Event struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Type            string    `json:"type"`
	Source          string    `json:"source"`
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Sequence        string    `json:"sequence,omitempty"`
	CommandID       string    `json:"commandid,omitempty"`
	CausationID     string    `json:"causationid,omitempty"`
	CorrelationID   string    `json:"correlationid,omitempty"`
	Actor           string    `json:"actor,omitempty"`
	Revision        uint64    `json:"revision,omitempty"`
	// Data depends on the type: docs/events.md has them all.
	Data map[string]any `json:"data"`
}

// EventPage is one page of events.
type EventPage struct {
	Items      []Event `json:"items"`
	NextCursor string  `json:"next_cursor,omitempty"`
	Total      uint64  `json:"total"`
}

// rawPage is an EventPage whose events are written already.
type rawPage struct {
	Items      []json.RawMessage `json:"items"`
	NextCursor string            `json:"next_cursor,omitempty"`
	Total      uint64            `json:"total"`
}

type eventList struct {
	Limit     int      `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"The most events of one page." example:"100"`
	Cursor    string   `query:"cursor" maxLength:"100" doc:"The next_cursor of the page before."`
	After     string   `query:"after" maxLength:"100" doc:"Oldest first, from after this place on: the sequence of an event, or the id of an event of the stream; 0 is the beginning. Without it the newest come first." example:"1842"`
	From      string   `query:"from" maxLength:"40" doc:"Oldest first, from this time of storing on, instead of after: a time, or a span back from now." example:"-24h"`
	Type      []string `query:"type,explode" doc:"Only events of these types, separated by commas." example:"[\"vedette.check.status_changed.v1\"]"`
	Service   string   `query:"service" doc:"Only events about this service, its checks and their incidents." example:"web"`
	Check     string   `query:"check" doc:"Only events about this check and its incidents." example:"home"`
	Aggregate string   `query:"aggregate" doc:"Only events of this kind of aggregate, KIND or KIND/ID; KIND is check, service, correction, incident, runner or result." example:"check/home"`
	Results   bool     `query:"results" doc:"Merge the results of executions in, by the time of storing." example:"true"`
}

type eventRead struct {
	ID string `path:"id" minLength:"1" maxLength:"320" doc:"Sequence or id of the event; also the id of a result, an incident, a check or a command, as for its causes." example:"1842"`
}

// searchTime bounds the search for events that a filter selects; a page may then hold fewer.
const searchTime = 2 * time.Second

func (s *server) eventRoutes(d *document) {
	register(d, operation{
		id: "list-events", method: http.MethodGet, path: "/events", tag: tagEvents, summary: "List events",
		description: "Newest first; with `after` or `from`, oldest first. With filters a page may hold fewer events than `limit`, even none, and a `next_cursor` nevertheless. " +
			"`total` counts all events, filters or not.",
		errors: []int{http.StatusUnprocessableEntity}, answer: EventPage{Items: []Event{exampleEvent()}, NextCursor: "b1842", Total: 1842},
	}, s.listEvents)
	register(d, operation{
		id: "get-event", method: http.MethodGet, path: "/events/{id}", tag: tagEvents, summary: "Read an event",
		description: "By its place in EVENTS, or by its id.", answer: exampleEvent(), errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
	}, s.getEvent)
	s.causeRoutes(d)
}

func (s *server) getEvent(ctx context.Context, in *eventRead) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	event, err := explain.Find(ctx, s.bus, in.ID)
	if err != nil {
		return nil, err
	}
	raw, err := cloudevents.MarshalEvent(event)
	return &answer{Status: http.StatusOK, Body: json.RawMessage(raw)}, err
}

// backMark begins the cursors of lists that go back.
const backMark = "b"

func (s *server) listEvents(ctx context.Context, in *eventList) (*answer, error) {
	var types []string
	for _, t := range in.Type {
		types = append(types, split(t)...)
	}
	wanted, problems := filterOf(types, in.Service, in.Check, in.Aggregate, in.Results)
	back := in.After == "" && in.From == "" && (in.Cursor == "" || strings.HasPrefix(in.Cursor, backMark))
	from, problems := instant(problems, "from", in.From, time.Time{}, s.now())
	if in.After != "" && in.From != "" {
		problems.Add("from", "and after both say where to begin: leave one of them out")
	}
	if (in.After != "" || in.From != "") && strings.HasPrefix(in.Cursor, backMark) {
		problems.Add("cursor", "belongs to a list without after and from: leave one of them out")
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	total, err := s.bus.Last(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the end of the events: %w", err)
	}
	page := rawPage{Items: []json.RawMessage{}, Total: total}
	if back {
		err = s.listBack(ctx, in, wanted, &page)
	} else {
		err = s.listOn(ctx, in, wanted, from, &page)
	}
	return &answer{Status: http.StatusOK, Body: page}, err
}

// listOn fills a page oldest first.
func (s *server) listOn(ctx context.Context, in *eventList, wanted *filter, from time.Time, page *rawPage) error {
	var at position
	var err error
	switch {
	case in.Cursor != "":
		at, err = s.place(ctx, "cursor", in.Cursor, wanted.results)
	case in.After != "":
		at, err = s.place(ctx, "after", in.After, wanted.results)
	default:
		at, err = s.placeAt(ctx, from, wanted.results)
	}
	if err != nil {
		return err
	}
	logs := &forward{bus: s.bus, filter: wanted, at: at}
	more, err := fillPage(ctx, page, in.Limit, wanted, logs.next)
	if more {
		page.NextCursor = logs.at.cursor(wanted.results)
	}
	return err
}

// placeAt is the place in the logs at a time.
func (s *server) placeAt(ctx context.Context, from time.Time, results bool) (at position, err error) {
	if at.Event, err = explain.EventsUntil(ctx, s.bus, from); err != nil || !results {
		return at, err
	}
	at.Result, err = resultsUntil(ctx, s.bus, from)
	return at, err
}

// listBack fills a page newest first.
func (s *server) listBack(ctx context.Context, in *eventList, wanted *filter, page *rawPage) error {
	logs := &backward{bus: s.bus, filter: wanted}
	var err error
	if wanted.results {
		if logs.first, err = s.bus.FirstResult(ctx); err != nil {
			return fmt.Errorf("find the first result: %w", err)
		}
	}
	if logs.at, err = s.backFrom(ctx, in.Cursor, page.Total, wanted.results); err != nil {
		return err
	}
	more, err := fillPage(ctx, page, in.Limit, wanted, logs.next)
	if more {
		page.NextCursor = backMark + logs.at.cursor(wanted.results)
	}
	return err
}

func (s *server) backFrom(ctx context.Context, cursor string, last uint64, results bool) (position, error) {
	if cursor != "" {
		at, hasResult, err := parseCursor(strings.TrimPrefix(cursor, backMark))
		if err != nil || results && !hasResult {
			return at, invalidField("cursor", "%.80q does not belong to this list: begin again without a cursor", cursor)
		}
		return at, nil
	}
	at := position{Event: last + 1}
	if results {
		result, err := s.bus.LastResult(ctx)
		if err != nil {
			return at, fmt.Errorf("find the end of the results: %w", err)
		}
		at.Result = monitor.Position{Sequence: result + 1}
	}
	return at, nil
}

// fillPage takes wanted messages from next until the page is full, the time is up, or there are no
// more; more tells whether there may be.
func fillPage(ctx context.Context, page *rawPage, limit int, wanted *filter, next func(context.Context) (*monitor.EventMessage, error)) (more bool, err error) {
	for until := time.Now().Add(searchTime); len(page.Items) < limit; {
		m, err := next(ctx)
		if err != nil || m == nil {
			return false, err
		}
		if wanted.matches(*m) {
			raw, err := cloudevents.MarshalEvent(*m)
			if err != nil {
				return false, err
			}
			page.Items = append(page.Items, raw)
		} else if time.Now().After(until) {
			return true, nil
		}
	}
	return true, nil
}
