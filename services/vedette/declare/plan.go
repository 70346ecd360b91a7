package declare

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/vedette/vedette/pkg/executor/heartbeatcheck"
	"github.com/vedette/vedette/pkg/monitor"
)

// Action is what is done with a definition.
type Action string

// The actions.
const (
	Create    Action = "create"
	Update    Action = "update"
	Unchanged Action = "unchanged"
	Delete    Action = "delete"
)

// Change is what becomes of a field; nil is absent.
type Change struct {
	Field string `json:"field"`
	From  any    `json:"from,omitempty"`
	To    any    `json:"to,omitempty"`
}

// Step is what is done with one definition.
type Step struct {
	Action Action `json:"action"`
	// What is "service", "check" or "page".
	What    string   `json:"what"`
	ID      string   `json:"id"`
	Changes []Change `json:"changes,omitempty"`
	// Definition is what to send; nil where something is deleted.
	Definition map[string]any `json:"-"`
}

// Plan returns what is to be done, in the order in which it can be, so that what there is becomes what
// is declared; prune deletes what is not. declared is valid.
func Plan(declared, have Set, prune bool) ([]Step, error) {
	full, there := declared.complete(), have.complete()
	if err := keepTokens(full.Checks, there.Checks); err != nil {
		return nil, err
	}
	var steps, gone []Step
	for _, kind := range []struct {
		what           string
		declared, have any
	}{
		{"service", full.Services, there.Services}, {"check", full.Checks, there.Checks}, {"page", full.Pages, there.Pages},
	} {
		want, err := objects(kind.declared)
		if err != nil {
			return nil, err
		}
		has, err := objects(kind.have)
		if err != nil {
			return nil, err
		}
		for _, id := range slices.Sorted(maps.Keys(want)) {
			steps = append(steps, step(kind.what, id, want[id], has[id]))
		}
		for _, id := range slices.Sorted(maps.Keys(has)) {
			if prune && want[id] == nil {
				gone = append(gone, Step{Action: Delete, What: kind.what, ID: id})
			}
		}
	}
	slices.SortStableFunc(gone, func(a, b Step) int { return order(b.What) - order(a.What) }) // a service goes when nothing is in it
	return append(steps, gone...), nil
}

func order(what string) int { return slices.Index([]string{"service", "check", "page"}, what) }

func step(what, id string, want, has map[string]any) Step {
	s := Step{Action: Create, What: what, ID: id, Definition: want}
	if has == nil {
		return s
	}
	s.Action = Unchanged
	if s.Changes = diff("", has, want); len(s.Changes) > 0 {
		s.Action = Update
	}
	return s
}

// keepTokens lets heartbeats that are declared without a token keep the one they have, as the server does.
func keepTokens(declared, have []monitor.Definition) error {
	tokens := make(map[string]monitor.Definition)
	for _, h := range have {
		if h.Pushed() && heartbeatcheck.HasToken(h) {
			tokens[h.ID] = h
		}
	}
	for i := range declared {
		d := &declared[i]
		holder, held := tokens[d.ID]
		if !held || !d.Pushed() || heartbeatcheck.HasToken(*d) {
			continue
		}
		var err error
		if d.Options, err = heartbeatcheck.Kept(*d, holder); err != nil {
			return fmt.Errorf("check %s: %w", d.ID, err)
		}
	}
	return nil
}

// objects are definitions as JSON objects, by id.
func objects(definitions any) (map[string]map[string]any, error) {
	raw, err := json.Marshal(definitions)
	if err != nil {
		return nil, fmt.Errorf("compare the definitions: %w", err)
	}
	var all []map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("compare the definitions: %w", err)
	}
	by := make(map[string]map[string]any, len(all))
	for _, one := range all {
		id, _ := one["id"].(string)
		by[id] = one
	}
	return by, nil
}

// diff compares two objects; fields of objects within them are named with a dot.
func diff(path string, from, to map[string]any) (changes []Change) {
	names := maps.Clone(from)
	if names == nil {
		names = make(map[string]any)
	}
	maps.Copy(names, to)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, b := present(from[name]), present(to[name])
		before, isObject := a.(map[string]any)
		after, both := b.(map[string]any)
		switch {
		case reflect.DeepEqual(a, b):
		case isObject && (both || b == nil), both && a == nil:
			changes = append(changes, diff(path+name+".", before, after)...)
		default:
			changes = append(changes, Change{Field: path + name, From: a, To: b})
		}
	}
	return changes
}

// present is nil for what says no more than its absence.
func present(v any) any {
	switch of := v.(type) {
	case []any:
		if len(of) == 0 {
			return nil
		}
	case map[string]any:
		if len(of) == 0 {
			return nil
		}
	}
	return v
}
