package jsoncheck

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/vedette/vedette/pkg/executor"
)

// maxSteps bounds the evaluations of rules in one validation, and so its time and memory: each that
// does not hold is kept by the library until the end. maxHeld bounds the values of the document, some
// of which the library evaluates before the steps are counted.
const maxSteps, maxHeld = 3000, 3000

// schema is a compiled JSON Schema whose validations end with their contexts.
type schema struct {
	compiled *jsonschema.Schema
	// turn is held by the one validation that goes on: the watches below are part of the schema.
	turn  chan struct{}
	ctx   context.Context //nolint:containedctx // of the validation that has the turn
	steps int
}

func newSchema() *schema { return &schema{turn: make(chan struct{}, 1)} }

// errTooMuch: a schema takes more steps for a document than are taken.
var errTooMuch = fmt.Errorf("the schema takes more than %d steps for this body: use a simpler one", maxSteps)

// stopped is what a watch ends a validation with; the library knows no other way out.
type stopped struct{ err error }

// watch has every rule of a schema looked at when it was evaluated, in the disguise of a vocabulary.
func (s *schema) watch() *jsonschema.Vocabulary {
	return &jsonschema.Vocabulary{
		URL: "https://schema.invalid/watch",
		Compile: func(_ *jsonschema.CompilerContext, rules map[string]any) (jsonschema.SchemaExt, error) {
			w := watch{schema: s, alternatives: 1}
			for _, name := range []string{"allOf", "anyOf", "oneOf"} {
				list, _ := rules[name].([]any)
				w.alternatives += len(list)
			}
			// Comparing with a text takes nothing, with other values about as much as a rule.
			values, _ := rules["enum"].([]any)
			for _, value := range values {
				if _, text := value.(string); !text {
					w.alternatives++
				}
			}
			return w, nil
		},
	}
}

type watch struct {
	schema *schema
	// alternatives are the rules that are evaluated of the same value: of those that do not hold the
	// watch may hear nothing.
	alternatives int
}

// Validate implements jsonschema.SchemaExt.
func (w watch) Validate(_ *jsonschema.ValidatorContext, value any) {
	w.schema.steps += w.alternatives
	switch value := value.(type) {
	case []any:
		w.schema.steps += len(value)
	case map[string]any:
		w.schema.steps += len(value)
	}
	if err := w.schema.ctx.Err(); err != nil {
		panic(stopped{executor.Explain(err, "while validating")})
	}
	if w.schema.steps > maxSteps {
		panic(stopped{errTooMuch})
	}
}

// violation says where and how a document does not fit, or nothing.
func (s *schema) violation(ctx context.Context, document any) (err error) {
	if countOf(document) > maxHeld {
		return fmt.Errorf("the body holds more than %d values, too many to be held to a schema", maxHeld)
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return executor.Explain(ctx.Err(), "while validating")
	}
	defer func() {
		if value := recover(); value != nil {
			end, ours := value.(stopped)
			if !ours {
				panic(value)
			}
			err = end.err
		}
		s.ctx = nil
		<-s.turn
	}()
	s.ctx, s.steps = ctx, 0
	return told(s.compiled.Validate(document))
}

// countOf is how many values a document holds, itself included.
func countOf(document any) int {
	count := 1
	switch document := document.(type) {
	case []any:
		for _, item := range document {
			count += countOf(item)
		}
	case map[string]any:
		for _, item := range document {
			count += countOf(item)
		}
	}
	return count
}

// told says in plain words where a document does not fit.
func told(err error) error {
	var failed *jsonschema.ValidationError
	if err == nil {
		return nil
	}
	if !errors.As(err, &failed) {
		return fmt.Errorf("the body does not fit the schema: %w", err)
	}
	leaf, printer := failed, message.NewPrinter(language.English)
	for len(leaf.Causes) > 0 {
		leaf = leaf.Causes[0]
	}
	var place strings.Builder
	for _, name := range leaf.InstanceLocation {
		place.WriteString("/" + name)
	}
	if place.Len() == 0 {
		place.WriteString("the top")
	}
	// The library escapes quotes; redaction looks for what was sent.
	text := strings.ReplaceAll(leaf.ErrorKind.LocalizedString(printer), `\'`, `'`)
	return fmt.Errorf("the body does not fit the schema at %s: %s", place.String(), text)
}
