package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/vedette/vedette/pkg/monitor"
)

// parseDefinition reads a definition, and reports what is not known or of a wrong type.
func parseDefinition(raw []byte, ignored ...string) (monitor.Definition, monitor.Problems, error) {
	object, err := parseObject(raw)
	if err != nil {
		return monitor.Definition{}, nil, err
	}
	var d monitor.Definition
	problems := decodeFields(object, &d, ignored...)
	return d, problems, nil
}

// checkDefinition reports everything that is wrong with a definition at once. What is right may
// still be refused when it is decided.
func (s *server) checkDefinition(ctx context.Context, d monitor.Definition, problems monitor.Problems) error {
	d = d.WithDefaults()
	more := d.Validate()
	for _, p := range s.opt.Table.Validate(d) {
		if !slices.ContainsFunc(more, func(known monitor.Problem) bool { return known.Field == p.Field }) {
			more = append(more, p)
		}
	}
	problems = append(problems, without(more, problems)...)
	if len(problems) == 0 {
		return nil
	}
	// Whether the service exists is for the decider to say; here it completes the list.
	if _, err := s.reads.Service(ctx, d.Service); errors.Is(err, monitor.ErrNotFound) && monitor.ValidID(d.Service) {
		problems.Add("service", "%q does not exist: register the service first", d.Service)
	}
	return problems
}

// withID returns d under the route's id; a body may repeat it, but not have another one.
func withID(p *monitor.Problems, d monitor.Definition, id string) monitor.Definition {
	if d.ID != "" && d.ID != id {
		p.Add("id", "%.80q is not the %s of the route: an id cannot be changed", d.ID, id)
	}
	d.ID = id
	return d
}

// patched applies a patch to a definition, and reports everything that is wrong with what comes out;
// token is the one that it made for it, if it did.
func (s *server) patched(ctx context.Context, d monitor.Definition, patch []byte) (after monitor.Definition, token string, err error) {
	merged, err := merge(d, patch)
	if err != nil {
		return d, "", err
	}
	after, problems, err := parseDefinition(merged)
	if err != nil {
		return d, "", err
	}
	after = withID(&problems, after, d.ID)
	if token, err = s.withToken(ctx, &after); err != nil {
		return d, "", err
	}
	return after, token, s.checkDefinition(ctx, after, problems)
}

// merge returns a definition, as JSON, with a patch applied.
func merge(definition any, patch []byte) ([]byte, error) {
	before, err := json.Marshal(definition)
	if err != nil {
		return nil, fmt.Errorf("write the definition: %w", err)
	}
	return mergePatch(before, patch)
}
