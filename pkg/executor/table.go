package executor

import (
	"fmt"
	"strings"

	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/monitor"
)

// Table holds the kinds of checks. It is safe for concurrent use.
type Table struct {
	order []string
	kinds map[string]*entry
}

type entry struct {
	executor Executor
	compiler *assertion.Compiler
	compiled cache[string, *assertion.Assertion]
	prepared cache[source, Probe]
}

// source is what a probe is made of.
type source struct{ target, options string }

const (
	// maxCompiled and maxPrepared bound what is kept per kind, in bytes: some 4,000 expressions and
	// 20,000 probes.
	maxCompiled = 32 << 20
	maxPrepared = 32 << 20
	// A compiled expression takes about so much, and so many times its text; a probe so much.
	programBase, programFactor, probeBase = 6 << 10, 50, 1 << 10
)

func newEntry(e Executor, c *assertion.Compiler) *entry {
	return &entry{
		executor: e, compiler: c,
		compiled: cache[string, *assertion.Assertion]{most: maxCompiled, weight: func(text string, _ *assertion.Assertion) int { return programBase + programFactor*len(text) }},
		prepared: cache[source, Probe]{most: maxPrepared, weight: probeWeight},
	}
}

func probeWeight(s source, p Probe) int {
	weight := probeBase + 2*(len(s.target)+len(s.options))
	if w, ok := p.(Weigher); ok {
		weight += w.Weight()
	}
	return weight
}

// NewTable returns a table of the given executors. It fails on two of one name, and on a variable
// of a type that assertions do not know.
func NewTable(executors ...Executor) (*Table, error) {
	t := &Table{kinds: make(map[string]*entry, len(executors))}
	for _, e := range executors {
		kind := e.Kind()
		if t.kinds[kind.Name] != nil {
			return nil, fmt.Errorf("two executors of kind %s", kind.Name)
		}
		compiler, err := assertion.NewCompiler(kind.Variables)
		if err != nil {
			return nil, fmt.Errorf("kind %s: %w", kind.Name, err)
		}
		t.kinds[kind.Name] = newEntry(e, compiler)
		t.order = append(t.order, kind.Name)
	}
	return t, nil
}

// Kinds returns the kinds in the order of the table.
func (t *Table) Kinds() []Kind {
	kinds := make([]Kind, len(t.order))
	for i, name := range t.order {
		kinds[i] = t.kinds[name].executor.Kind()
	}
	return kinds
}

// Validate reports everything wrong with kind, target, options and assertions of a definition whose
// defaults are applied. monitor.Definition.Validate knows the rest.
func (t *Table) Validate(d monitor.Definition) monitor.Problems {
	if d.Kind == "" {
		return nil // reported as missing already
	}
	e := t.kinds[d.Kind]
	if e == nil {
		return monitor.Problems{{Field: "kind", Message: fmt.Sprintf("%q is not known: use %s", clip(d.Kind), strings.Join(t.order, ", "))}}
	}
	_, problems := e.executor.Prepare(d)
	for i, text := range d.Assertions {
		if text == "" || len(text) > monitor.MaxLongText || i >= monitor.MaxAssertions {
			continue // reported already
		}
		if _, err := e.assertion(text); err != nil {
			problems.Add(fmt.Sprintf("assertions[%d]", i), "%v", err)
		}
	}
	return problems
}

// assertion compiles an expression, or returns it as compiled before.
func (e *entry) assertion(text string) (*assertion.Assertion, error) {
	if a, ok := e.compiled.get(text); ok {
		return a, nil
	}
	a, err := e.compiler.Compile(text)
	if err == nil {
		e.compiled.put(text, a)
	}
	return a, err
}

// probe prepares a definition, or returns what was prepared of the same before.
func (e *entry) probe(d monitor.Definition) (Probe, error) {
	key := source{d.Target, string(d.Options)}
	if p, ok := e.prepared.get(key); ok {
		return p, nil
	}
	p, problems := e.executor.Prepare(d)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	e.prepared.put(key, p)
	return p, nil
}

func clip(text string) string { return clipTo(text, 80) }

// clipTo shortens a text to valid UTF-8 of at most so many bytes, and a mark that it was.
func clipTo(text string, most int) string {
	if len(text) <= most {
		return strings.ToValidUTF8(text, "�")
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
