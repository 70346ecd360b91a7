// Package jsoncheck executes checks of kind json: what httpcheck asks for, held to rules for JSON.
package jsoncheck

import (
	"context"
	"errors"
	"fmt"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// maxBody bounds the JSON that is read, in bytes, maxValues the values in it, and so the memory
	// and time that its rules may take.
	maxBody, maxValues = 256 << 10, 10_000
)

// Executor implements executor.Executor.
type Executor struct {
	// Web asks; the zero one shares no tokens with other kinds.
	Web httpcheck.Executor
}

// Kind implements executor.Executor.
func (Executor) Kind() executor.Kind {
	return executor.Kind{
		Name: "json", Title: "JSON", Summary: "Asks a web server for JSON and validates it.",
		Target: "URL to ask", Example: "https://example.org/health",
		Variables: variables(),
		Options:   option.Schema(Options{}),
	}
}

// variables are those of http, and what is extracted.
func variables() []assertion.Variable {
	return append(httpcheck.Executor{}.Kind().Variables, assertion.Variable{
		Name: "extracted", Type: "map(string, dyn)", Help: "What the paths of options.extract found, by name; without what was not there.",
	})
}

// Prepare implements executor.Executor.
func (e Executor) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) {
	return e.prepare(d)
}

// Attempt implements executor.Probe.
func (p *probe) Attempt(ctx context.Context, tools executor.Tools) executor.Observation {
	seen := p.web.Attempt(ctx, tools)
	if seen.Err != nil {
		return seen
	}
	document, err := documentOf(seen)
	if err == nil && p.schema != nil {
		err = p.schema.violation(ctx, document)
	}
	if err != nil {
		if seen.Verdict != "" {
			err = fmt.Errorf("%s, and %w", seen.Verdict, err)
		}
		seen.Err = err
		return seen
	}
	extracted := make(map[string]any, len(p.paths))
	for name, path := range p.paths {
		if value, ok := path.find(document); ok {
			extracted[name] = value
		}
	}
	web := seen.Values
	seen.Values = func(name string) (any, bool) {
		if name == "extracted" {
			return extracted, true
		}
		return web(name)
	}
	if kept := worthKeeping(extracted); len(kept) > 0 {
		seen.Observed["extracted"] = kept
	}
	seen.WarnUnless = p.warnings
	return seen
}

// documentOf reads the body as JSON.
func documentOf(seen executor.Observation) (any, error) {
	if size, ok := seen.Observed["bytes"].(int); !ok || size > maxBody {
		return nil, fmt.Errorf("the body is longer than %d KiB, too long to be validated", maxBody>>10)
	}
	body, _ := seen.Values("body")
	text, ok := body.(string)
	if !ok {
		return nil, errors.New("the body is no text")
	}
	if !few(text) {
		return nil, fmt.Errorf("the body holds more than %d values, too many to be validated", maxValues)
	}
	document, _ := seen.Values("json")
	if err, ok := document.(error); ok {
		return nil, err
	}
	return document, nil
}

// few reports whether there cannot be more than maxValues in a text.
func few(text string) bool {
	count := 1
	for i := range len(text) {
		switch text[i] {
		case ',', ':', '[', '{':
			count++
		}
	}
	return count <= maxValues
}

// worthKeeping are the values that a result may show: short ones. They are not shortened, as a part
// of a secret could not be told from other text.
func worthKeeping(extracted map[string]any) map[string]any {
	const longest = 200
	kept := make(map[string]any, len(extracted))
	for name, value := range extracted {
		switch value := value.(type) {
		case bool, float64, nil:
			kept[name] = value
		case string:
			if len(value) <= longest {
				kept[name] = value
			}
		}
	}
	return kept
}
