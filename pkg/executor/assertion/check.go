package assertion

import (
	"fmt"

	"github.com/vedette/vedette/pkg/monitor"
)

// Check compiles expressions that stand in a field of the options, beside a definition's assertions,
// and adds what is wrong with each. variables are those of the kind.
func Check(problems *monitor.Problems, field string, texts []string, variables []Variable) {
	if len(texts) > monitor.MaxAssertions {
		problems.Add(field, "has %d assertions: use at most %d", len(texts), monitor.MaxAssertions)
		return
	}
	if len(texts) == 0 {
		return
	}
	compiler, err := NewCompiler(variables)
	if err != nil {
		problems.Add(field, "cannot be read: %v", err)
		return
	}
	for i, text := range texts {
		at := fmt.Sprintf("%s[%d]", field, i)
		if text == "" || len(text) > monitor.MaxLongText {
			problems.Add(at, "is empty or too long: use 1 to %d bytes", monitor.MaxLongText)
			continue
		}
		if _, err := compiler.Compile(text); err != nil {
			problems.Add(at, "%v", err)
		}
	}
}
