package replay

import (
	"reflect"
	"strings"

	"github.com/vedette/vedette/pkg/monitor"
)

// Assessor knows the kinds of checks and what their assertions mean; *executor.Table is one.
type Assessor interface {
	// Validate reports everything wrong with kind, target, options and assertions of a definition.
	Validate(d monitor.Definition) monitor.Problems
	// Assess judges the assertions of d over what r kept of what was observed; failure says what does
	// not hold. Not ok when one of them needs what was not kept.
	Assess(d monitor.Definition, r monitor.Result) (passed bool, failure string, ok bool)
}

// fitting applies a change to the definitions that it fits.
type fitting struct {
	change   Change
	assessor Assessor
}

// on returns a definition as changed, and whether it is another one. A definition that the change
// does not fit (a quorum of two at one location) stays as it was.
func (f fitting) on(d monitor.Definition) (monitor.Definition, bool) {
	if !f.change.ofChecks() || len(f.problems(d)) > 0 {
		return d, false
	}
	changed := f.change.on(d)
	return changed, !reflect.DeepEqual(changed, d)
}

// problems are what is wrong with a definition as changed that is not wrong without.
func (f fitting) problems(d monitor.Definition) monitor.Problems {
	changed := f.change.on(d)
	found := changed.Validate()
	if f.change.Assertions != nil {
		for _, p := range f.assessor.Validate(changed) {
			if strings.HasPrefix(p.Field, "assertions") {
				found = append(found, p)
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	before := make(map[string]bool)
	for _, p := range d.Validate() {
		before[p.Field] = true
	}
	var problems monitor.Problems
	for _, p := range found {
		if !before[p.Field] {
			problems = append(problems, monitor.Problem{Field: "set." + p.Field, Message: p.Message})
		}
	}
	return problems
}

// command returns a request as it would have been made under the changed policy.
func (f fitting) command(c monitor.Command) monitor.Command {
	switch c := c.(type) {
	case monitor.RegisterCheck:
		c.Definition, _ = f.on(c.Definition)
		return c
	case monitor.UpdateCheck:
		c.Definition, _ = f.on(c.Definition)
		return c
	case monitor.RegisterService:
		c.Definition = f.change.onService(c.Definition)
		return c
	case monitor.UpdateService:
		c.Definition = f.change.onService(c.Definition)
		return c
	case monitor.DeleteCheck, monitor.PauseCheck, monitor.ResumeCheck, monitor.DeleteService,
		monitor.RegisterPage, monitor.UpdatePage, monitor.DeletePage, monitor.AddCorrection,
		monitor.WithdrawCorrection, monitor.ExecuteChecks:
	}
	return c
}
