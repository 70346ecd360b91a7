package executor

import (
	"fmt"
	"strings"
	"sync"

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
	compiled programs
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
		t.kinds[kind.Name] = &entry{executor: e, compiler: compiler}
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
	if a := e.compiled.get(text); a != nil {
		return a, nil
	}
	a, err := e.compiler.Compile(text)
	if err == nil {
		e.compiled.put(text, a)
	}
	return a, err
}

// maxPrograms bounds the compiled expressions kept per kind: some kilobytes each.
const maxPrograms = 4096

// programs keeps compiled expressions; at the bound it forgets any one for each new one.
type programs struct {
	mu    sync.RWMutex
	texts map[string]*assertion.Assertion
}

func (p *programs) get(text string) *assertion.Assertion {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.texts[text]
}

func (p *programs) put(text string, a *assertion.Assertion) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.texts == nil {
		p.texts = make(map[string]*assertion.Assertion)
	}
	if len(p.texts) >= maxPrograms {
		for any := range p.texts {
			delete(p.texts, any)
			break
		}
	}
	p.texts[text] = a
}

func clip(text string) string { return clipTo(text, 80) }

// clipTo shortens a text to valid UTF-8 of at most so many bytes, and a mark that it was.
func clipTo(text string, most int) string {
	if len(text) <= most {
		return strings.ToValidUTF8(text, "�")
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
