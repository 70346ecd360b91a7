package explain

import (
	"context"
	"fmt"
	"slices"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// definitionBlock is how many changes of a definition are read at a time, maxDefinitions how many
	// are read of one aggregate.
	definitionBlock = 500
	maxDefinitions  = 10_000
)

// inForce returns the definition under which a message came to be: of the check, or else of the
// service, that it is about.
func (e *explainer) inForce(ctx context.Context, m monitor.EventMessage) (*Definition, error) {
	of := definedBy(m.Event)
	if of.ID == "" {
		return nil, nil //nolint:nilnil // there is none, and that is no error
	}
	all, err := e.definitionsOf(ctx, of)
	if err != nil {
		return nil, err
	}
	result, isResult := monitor.ResultOf(m.Event)
	for _, d := range slices.Backward(all) {
		if isResult && d.Revision <= result.Revision || !isResult && d.Sequence <= m.Sequence {
			return &d, nil
		}
	}
	return nil, nil //nolint:nilnil // as above
}

func definedBy(e monitor.Event) bus.Aggregate {
	if changed, ok := e.(monitor.ServiceStatusChanged); ok {
		return bus.Aggregate{Kind: "service", ID: changed.ServiceID}
	}
	if check := checkOf(e); check != "" {
		return bus.Aggregate{Kind: "check", ID: check}
	}
	if kind, id := e.Aggregate(); kind == "service" {
		return bus.Aggregate{Kind: kind, ID: id}
	}
	return bus.Aggregate{}
}

// definitionsOf returns the definitions that an aggregate ever had, oldest first.
func (e *explainer) definitionsOf(ctx context.Context, of bus.Aggregate) ([]Definition, error) {
	if all, ok := e.definitions[of]; ok {
		return all, nil
	}
	var all []Definition
	for _, verb := range []string{monitor.CheckRegistered{}.Verb(), monitor.CheckUpdated{}.Verb()} {
		filter := bus.Filter{Aggregate: of.Kind, ID: of.ID, Verb: verb}
		for after := uint64(0); len(all) < maxDefinitions; {
			events, err := e.log.Read(ctx, after, definitionBlock, filter)
			if err != nil {
				return nil, fmt.Errorf("read the definitions of %s %s: %w", of.Kind, of.ID, err)
			}
			for _, m := range events {
				if d, ok := definitionIn(m); ok {
					all = append(all, d)
				}
				after = m.Sequence
			}
			if len(events) < definitionBlock {
				break
			}
		}
	}
	slices.SortFunc(all, func(x, y Definition) int {
		if x.Sequence < y.Sequence {
			return -1
		}
		return 1
	})
	e.definitions[of] = all
	return all, nil
}

func definitionIn(m monitor.EventMessage) (Definition, bool) {
	kind, id := m.Event.Aggregate()
	d := Definition{Aggregate: kind + "/" + id, Revision: m.Revision, Sequence: m.Sequence, Since: m.Time, Actor: m.Actor}
	switch event := m.Event.(type) {
	case monitor.CheckRegistered:
		d.Check = &event.Definition
	case monitor.CheckUpdated:
		d.Check = &event.Definition
	case monitor.ServiceRegistered:
		d.Service = &event.Definition
	case monitor.ServiceUpdated:
		d.Service = &event.Definition
	default:
		return d, false
	}
	return d, true
}
