package declare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vedette/vedette/pkg/monitor"
)

// Problem is something wrong with a definition.
type Problem struct {
	// Of is what has it: "check home".
	Of, Field, Message string
}

// InvalidError is everything that is wrong with what is declared.
type InvalidError struct{ Problems []Problem }

// Error lists all of them.
func (e *InvalidError) Error() string {
	var text strings.Builder
	text.WriteString("nothing was changed, because of what is declared:")
	for _, p := range e.Problems {
		fmt.Fprintf(&text, "\n  %s: %s: %s", p.Of, p.Field, p.Message)
	}
	return text.String()
}

// Validate reports everything wrong with what is declared, as an *InvalidError, before any of it is
// done: also what is named and is neither declared nor, unless prune takes it away, among what there is.
// kind validates what belongs to a kind of check.
func Validate(declared, have Set, prune bool, kind func(monitor.Definition) monitor.Problems) error {
	v := validation{services: make(map[string]bool), seen: make(map[string]bool)}
	for _, s := range declared.Services {
		v.services[s.ID] = true
	}
	if !prune {
		for _, s := range have.Services {
			v.services[s.ID] = true
		}
	}
	full := declared.complete()
	for i, s := range full.Services {
		v.add("service", s.ID, i, s.Validate())
	}
	for i, c := range full.Checks {
		problems := c.Validate()
		for _, p := range kind(c) {
			if !slices.ContainsFunc(problems, func(known monitor.Problem) bool { return known.Field == p.Field }) {
				problems = append(problems, p)
			}
		}
		if monitor.ValidID(c.Service) && !v.services[c.Service] {
			problems.Add("service", "%q is not declared, and does not exist", c.Service)
		}
		v.add("check", c.ID, i, problems)
	}
	for i, p := range full.Pages {
		problems := p.Validate()
		for j, id := range p.Services {
			if monitor.ValidID(id) && !v.services[id] {
				problems.Add(fmt.Sprintf("services[%d]", j), "%q is not declared, and does not exist", id)
			}
		}
		v.add("page", p.ID, i, problems)
	}
	if len(v.problems) > 0 {
		return &InvalidError{v.problems}
	}
	return nil
}

type validation struct {
	services, seen map[string]bool
	problems       []Problem
}

func (v *validation) add(what, id string, index int, problems monitor.Problems) {
	of := what + " " + id
	if id == "" {
		of = fmt.Sprintf("%ss[%d]", what, index)
	} else if v.seen[of] {
		problems.Add("id", "is declared twice")
	}
	v.seen[of] = true
	for _, p := range problems {
		v.problems = append(v.problems, Problem{Of: of, Field: p.Field, Message: p.Message})
	}
}
