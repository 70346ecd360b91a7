package readmodel

import (
	"strings"
	"sync"

	"github.com/vedette/vedette/pkg/monitor"
)

// keptDefinitions is how many definitions are kept read for certain, a kilobyte or two each; at most
// twice as many are.
const keptDefinitions = 30_000

// definition is that of a check with what a board computes of it.
type definition struct {
	monitor.Definition
	// text is what a query is searched for in, name the name by which it is sorted.
	text, name string
}

func newDefinition(d monitor.Definition) *definition {
	return &definition{Definition: d, name: strings.ToLower(d.Name), text: haystack(d.Labels, d.ID, d.Name, d.Target)}
}

// definitions are definitions of checks as read from the timeline, by their text. From one instant to
// another hardly any differ, and reading them is most of what a board of the past takes. Its zero value is
// ready for use, by several goroutines.
type definitions struct {
	mu sync.RWMutex
	// recent are those last asked for, former those asked for before recent was full.
	recent, former map[string]*definition
}

// of reads a definition. It is shared, and must not be changed.
func (d *definitions) of(text []byte) (*definition, error) {
	d.mu.RLock()
	known, recent := d.recent[string(text)]
	if !recent {
		known = d.former[string(text)]
	}
	d.mu.RUnlock()
	if recent {
		return known, nil
	}
	if known == nil {
		fresh, err := readDefinition(text)
		if err != nil {
			return nil, err
		}
		known = newDefinition(fresh)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.recent == nil || len(d.recent) >= keptDefinitions {
		d.recent, d.former = make(map[string]*definition), d.recent
	}
	d.recent[string(text)] = known
	return known, nil
}

// check reads how a check stood.
func (d *definitions) check(text, body []byte) (*checkState, error) {
	known, err := d.of(text)
	if err != nil {
		return nil, err
	}
	entry := &checkEntry{}
	entry.Definition = known.Definition
	if err := entry.stand(body); err != nil {
		return nil, err
	}
	return newCheckState(entry, known), nil
}
