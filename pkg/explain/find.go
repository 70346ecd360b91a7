package explain

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// near is how many events around the place that its time tells an event is looked for: clocks
	// may differ, and one id is made a moment before another.
	near = 2000
	// slack is how much earlier than an id says a message may seem to have been stored.
	slack = time.Minute
	// maxResults bounds the messages of results that are searched for one.
	maxResults = 20_000
	// probed is how many events are read to look at one: some may be unreadable.
	probed = 4
	// searchBlock is how many messages are read at a time.
	searchBlock = 1000
)

// Find returns the event or result that of names, as for Explain.
func Find(ctx context.Context, log Log, of string) (monitor.EventMessage, error) {
	return (&explainer{log: log}).find(ctx, of)
}

// find finds what was named.
func (e *explainer) find(ctx context.Context, of string) (monitor.EventMessage, error) {
	kind, id, named := strings.Cut(of, ":")
	switch {
	case of == "" || named && id == "":
		return monitor.EventMessage{}, notFound("nothing is named: give the id of an event, result, incident or check")
	case named && kind == "check":
		return e.ofCheck(ctx, id)
	case named && kind == "incident":
		return e.ofIncident(ctx, id)
	case named:
		return monitor.EventMessage{}, notFound("%q: name it check:ID or incident:ID", of)
	}
	if sequence, err := strconv.ParseUint(of, 10, 64); err == nil {
		return e.bySequence(ctx, sequence)
	}
	if at, ok := timeOf(of); ok {
		return e.byID(ctx, of, at)
	}
	if due, location, ok := executionOf(of); ok {
		return e.result(ctx, due, fmt.Sprintf("execution %s at %s", of, location), func(m monitor.EventMessage) bool {
			r, isResult := monitor.ResultOf(m.Event)
			return isResult && r.ID == of
		})
	}
	m, err := e.ofIncident(ctx, of)
	if errors.Is(err, monitor.ErrNotFound) {
		m, err = e.ofCheck(ctx, of)
	}
	if errors.Is(err, monitor.ErrNotFound) {
		return m, notFound("%q is no id of an event, result, incident or check", of)
	}
	return m, err
}

func notFound(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), monitor.ErrNotFound)
}

func (e *explainer) bySequence(ctx context.Context, sequence uint64) (monitor.EventMessage, error) {
	if sequence > 0 {
		events, err := e.log.Read(ctx, sequence-1, 1, bus.Filter{})
		if err != nil {
			return monitor.EventMessage{}, fmt.Errorf("read event %d: %w", sequence, err)
		}
		if len(events) > 0 && events[0].Sequence == sequence {
			return events[0], nil
		}
	}
	return monitor.EventMessage{}, notFound("event %d", sequence)
}

// ofCheck is the last change of a check's status or, before the first, its last event.
func (e *explainer) ofCheck(ctx context.Context, id string) (monitor.EventMessage, error) {
	m, err := e.log.Latest(ctx, bus.Filter{Aggregate: "check", ID: id, Verb: monitor.CheckStatusChanged{}.Verb()})
	if errors.Is(err, bus.ErrNoEvent) {
		m, err = e.log.Latest(ctx, bus.Filter{Aggregate: "check", ID: id})
	}
	if errors.Is(err, bus.ErrNoEvent) {
		return m, notFound("check %q", id)
	}
	return m, err
}

func (e *explainer) ofIncident(ctx context.Context, id string) (monitor.EventMessage, error) {
	events, err := e.log.Read(ctx, 0, 1, bus.Filter{Aggregate: "incident", ID: id})
	if err != nil {
		return monitor.EventMessage{}, fmt.Errorf("read incident %s: %w", id, err)
	}
	if len(events) == 0 {
		return monitor.EventMessage{}, notFound("incident %q", id)
	}
	return events[0], nil
}

// byID finds an event, a result or, failing both, the first event that a command caused.
func (e *explainer) byID(ctx context.Context, id string, at time.Time) (monitor.EventMessage, error) {
	m, ok, err := e.eventByID(ctx, id, at)
	if ok || err != nil {
		return m, err
	}
	return e.result(ctx, at, "event, result or command "+id, func(m monitor.EventMessage) bool { return m.ID == id })
}

// eventByID finds an event by its id, or by the command that it names. Ids are UUIDs of version 7,
// which begin with the time of their making: the place in the log follows from that by halving.
func (e *explainer) eventByID(ctx context.Context, id string, at time.Time) (m monitor.EventMessage, ok bool, err error) {
	place, err := e.search(ctx, func(m monitor.EventMessage) bool {
		made, isUUID := timeOf(m.ID)
		if !isUUID {
			made = m.Time
		}
		return !made.Before(at)
	})
	if err != nil {
		return m, false, err
	}
	after := uint64(0)
	if place > near {
		after = place - near
	}
	events, err := e.log.Read(ctx, after, 2*near, bus.Filter{})
	if err != nil {
		return m, false, fmt.Errorf("read the events around %d: %w", place, err)
	}
	var caused *monitor.EventMessage
	for _, event := range events {
		if event.ID == id {
			return event, true, nil
		}
		if caused == nil && event.CommandID == id {
			caused = &event
		}
	}
	if caused != nil {
		return *caused, true, nil
	}
	return m, false, nil
}

// EventsUntil returns the sequence after which the events come that were stored at a time or later. It
// reads as many events as the log's length has binary digits.
func EventsUntil(ctx context.Context, log Log, at time.Time) (after uint64, err error) {
	return (&explainer{log: log}).eventsUntil(ctx, at)
}

// eventsUntil returns the sequence after which the events come that were stored at a time or later.
func (e *explainer) eventsUntil(ctx context.Context, at time.Time) (uint64, error) {
	return e.search(ctx, func(m monitor.EventMessage) bool { return !m.StoredAt.Before(at) })
}

// search returns the sequence after which late holds, of a log in which it holds from some event on.
// It reads as many events as the log's length has binary digits.
func (e *explainer) search(ctx context.Context, late func(monitor.EventMessage) bool) (after uint64, err error) {
	last, err := e.log.Last(ctx)
	if err != nil {
		return 0, fmt.Errorf("find the end of the events: %w", err)
	}
	found := sort.Search(int(last), func(i int) bool {
		if err != nil {
			return true
		}
		var events []monitor.EventMessage
		if events, err = e.log.Read(ctx, uint64(i), probed, bus.Filter{}); err != nil {
			return true
		}
		return len(events) == 0 || late(events[0])
	})
	if err != nil {
		return 0, fmt.Errorf("search the events: %w", err)
	}
	return uint64(found), nil
}

// result searches the results stored around a time and later for the first that is wanted.
func (e *explainer) result(ctx context.Context, at time.Time, what string, wanted func(monitor.EventMessage) bool) (monitor.EventMessage, error) {
	after, err := e.log.ResultsSince(ctx, at.Add(-slack))
	if err != nil {
		return monitor.EventMessage{}, err
	}
	for range maxResults / searchBlock {
		results, err := e.log.ReadResults(ctx, after, searchBlock)
		if err != nil {
			return monitor.EventMessage{}, fmt.Errorf("search the results: %w", err)
		}
		if len(results) == 0 {
			break
		}
		for _, m := range results {
			if wanted(m) {
				return m, nil
			}
			after = m.Sequence
		}
	}
	return monitor.EventMessage{}, notFound("%s, or no longer kept", what)
}

// timeOf returns the time in a UUID of version 7.
func timeOf(id string) (time.Time, bool) {
	parsed, err := uuid.Parse(id)
	if err != nil || parsed.Version() != 7 || len(id) != len(uuid.Nil.String()) {
		return time.Time{}, false
	}
	ms := int64(0)
	for _, b := range parsed[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms), true
}

// executionOf returns what the id of an execution tells: monitor.Execution.ID has the form.
func executionOf(id string) (due time.Time, location string, ok bool) {
	parts := strings.Split(id, ".")
	if len(parts) != 4 {
		return due, "", false
	}
	ms, err := strconv.ParseInt(parts[2], 36, 64)
	return time.UnixMilli(ms), parts[3], err == nil
}
