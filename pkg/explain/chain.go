package explain

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// around is how far from an event the others of its decision are looked for. A decision has as
	// many events as it changes aggregates: a handful.
	around = 32
	// maxEffects and effectsWithin bound the search for what an event led to later.
	maxEffects    = 2000
	effectsWithin = 15 * time.Minute
	// maxCauses bounds a walk from cause to cause.
	maxCauses = 8
)

// fromEvent adds the decision that an event is part of, what led to it and what followed.
func (e *explainer) fromEvent(ctx context.Context, m monitor.EventMessage) error {
	for range maxCauses {
		if err := e.addDecision(ctx, m); err != nil {
			return err
		}
		cause, ok, err := e.causeOf(ctx, m)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		m = cause
	}
	return e.addEffects(ctx)
}

// addDecision adds all events of the decision that m is part of, with the result or the command that
// it was made about.
func (e *explainer) addDecision(ctx context.Context, m monitor.EventMessage) error {
	decision, err := e.decision(ctx, m)
	if err != nil {
		return err
	}
	for _, part := range decision {
		if err := e.add(ctx, part); err != nil {
			return err
		}
		switch event := part.Event.(type) {
		case monitor.CheckStatusChanged:
			err = e.addDeciding(ctx, event)
		case monitor.IncidentOpened:
			err = e.addIncident(ctx, event.IncidentID)
		case monitor.IncidentResolved:
			err = e.addIncident(ctx, event.IncidentID)
		default:
		}
		if err != nil {
			return err
		}
	}
	if m.CommandID != "" {
		e.addCommand(m)
	}
	return nil
}

// decision returns the events that were decided together with m, in order: they stand side by side,
// and name the same command or result. What silence decided names neither: it is about one check, and
// of one moment.
func (e *explainer) decision(ctx context.Context, m monitor.EventMessage) ([]monitor.EventMessage, error) {
	after := uint64(0)
	if m.Sequence > around {
		after = m.Sequence - around
	}
	events, err := e.log.Read(ctx, after, 2*around, bus.Filter{})
	if err != nil {
		return nil, fmt.Errorf("read the events around %d: %w", m.Sequence, err)
	}
	at := slices.IndexFunc(events, func(other monitor.EventMessage) bool { return other.ID == m.ID })
	if at < 0 {
		return []monitor.EventMessage{m}, nil
	}
	first, end := at, at+1
	for first > 0 && together(m, events[first-1]) {
		first--
	}
	for end < len(events) && together(m, events[end]) {
		end++
	}
	return events[first:end], nil
}

func together(x, y monitor.EventMessage) bool {
	if x.CommandID != y.CommandID || x.CausationID != y.CausationID || x.Source != y.Source {
		return false
	}
	if x.CommandID != "" || x.CausationID != "" {
		return true
	}
	check := checkOf(x.Event)
	return check != "" && check == checkOf(y.Event) && x.Time.Equal(y.Time)
}

// addDeciding adds the result that decided a change of status.
func (e *explainer) addDeciding(ctx context.Context, change monitor.CheckStatusChanged) error {
	if change.ResultID == "" {
		return nil
	}
	first, err := e.log.FirstResult(ctx)
	if err != nil {
		return fmt.Errorf("find the first result: %w", err)
	}
	if first == 0 || change.Position.Sequence < first {
		e.missing("The result %s that decided it is no longer kept: results are kept for a while, events for ever.", change.ResultID)
		return nil
	}
	results, err := e.log.ReadResults(ctx, change.Position.Sequence-1, 1)
	if err != nil {
		return fmt.Errorf("read the deciding result: %w", err)
	}
	for _, m := range results {
		if r, ok := monitor.ResultOf(m.Event); ok && m.Sequence == change.Position.Sequence && r.ID == change.ResultID {
			return e.add(ctx, m)
		}
	}
	e.missing("The result %s that decided it is not at its place in the results, message %d: they were lost, or begun anew.", change.ResultID, change.Position.Sequence)
	return nil
}

// addIncident adds the opening and the end of an incident.
func (e *explainer) addIncident(ctx context.Context, id string) error {
	events, err := e.log.Read(ctx, 0, around, bus.Filter{Aggregate: "incident", ID: id})
	if err != nil {
		return fmt.Errorf("read incident %s: %w", id, err)
	}
	for _, m := range events {
		if err := e.add(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (e *explainer) addCommand(m monitor.EventMessage) {
	if slices.ContainsFunc(e.Chain, func(l Link) bool { return l.ID == m.CommandID }) {
		return
	}
	who := m.Actor
	if who == "" {
		who = "Somebody"
	}
	e.Chain = append(e.Chain, Link{Role: RoleCommand, ID: m.CommandID, Summary: fmt.Sprintf("%s asked for it, by command %s.", who, m.CommandID)})
}

// causeOf returns the event that an event names as its cause, when it is no result or command: that
// of a notification, say.
func (e *explainer) causeOf(ctx context.Context, m monitor.EventMessage) (cause monitor.EventMessage, ok bool, err error) {
	if m.CausationID == "" || m.CausationID == m.CommandID || slices.ContainsFunc(e.Chain, func(l Link) bool { return l.ID == m.CausationID }) {
		return cause, false, nil
	}
	if at, isUUID := timeOf(m.CausationID); isUUID {
		return e.eventByID(ctx, m.CausationID, at)
	}
	return cause, false, nil
}

// addEffects adds what names a member of the chain as its cause, as notifications do.
func (e *explainer) addEffects(ctx context.Context) error {
	known := make(map[string]bool)
	var last *monitor.EventMessage
	for _, l := range e.Chain {
		known[l.ID] = true
		if l.Event != nil && l.Role != RoleResult && (last == nil || l.Event.Sequence < last.Sequence) {
			last = l.Event
		}
	}
	if last == nil {
		return nil
	}
	later, err := e.log.Read(ctx, last.Sequence, maxEffects, bus.Filter{})
	if err != nil {
		return fmt.Errorf("read the events after %d: %w", last.Sequence, err)
	}
	for _, m := range later {
		if m.StoredAt.Sub(last.StoredAt) > effectsWithin {
			break
		}
		if known[m.CausationID] && !known[m.ID] {
			known[m.ID] = true
			if err := e.add(ctx, m); err != nil {
				return err
			}
		}
	}
	e.sayWhoWasTold()
	return nil
}

// sayWhoWasTold says so where an incident has no notification.
func (e *explainer) sayWhoWasTold() {
	incident := false
	for _, l := range e.Chain {
		incident = incident || l.Role == RoleIncident
		if l.Role == RoleNotification || l.Role == RoleDelivery {
			return
		}
	}
	if incident {
		e.missing("No notification is recorded: the notifier has told its log, and no channel.")
	}
}

// fromResult adds a result and, where it decided one, the change of status that followed.
func (e *explainer) fromResult(ctx context.Context, m monitor.EventMessage, result monitor.Result) error {
	if err := e.add(ctx, m); err != nil {
		return err
	}
	after, err := e.eventsUntil(ctx, m.StoredAt)
	if err != nil {
		return err
	}
	changes, err := e.log.Read(ctx, after, around, bus.Filter{Aggregate: "check", ID: result.CheckID, Verb: monitor.CheckStatusChanged{}.Verb()})
	if err != nil {
		return fmt.Errorf("read what followed from result %s: %w", result.ID, err)
	}
	for _, change := range changes {
		if decided, ok := change.Event.(monitor.CheckStatusChanged); ok && decided.ResultID == result.ID {
			return e.fromEvent(ctx, change)
		}
	}
	e.Chain[0].Summary += " It changed no status."
	return nil
}
