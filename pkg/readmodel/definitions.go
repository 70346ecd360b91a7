package readmodel

import (
	"encoding/json"
	"sync"

	"github.com/vedette/vedette/pkg/monitor"
)

// keptDefinitions is how many definitions are kept read, a kilobyte or two each.
const keptDefinitions = 20_000

// definitions are definitions of checks as read from the timeline, by their text. From one instant to
// another hardly any differ, and reading them is most of what a board of the past takes. Its zero value is
// ready for use, by several goroutines.
type definitions struct {
	mu   sync.RWMutex
	read map[string]monitor.Definition
}

// of reads a definition. What it points to is shared, and must not be changed.
func (d *definitions) of(text []byte) (monitor.Definition, error) {
	d.mu.RLock()
	known, ok := d.read[string(text)]
	d.mu.RUnlock()
	if ok {
		return known, nil
	}
	var fresh monitor.Definition
	if err := json.Unmarshal(text, &fresh); err != nil {
		return fresh, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.read == nil || len(d.read) >= keptDefinitions {
		d.read = make(map[string]monitor.Definition)
	}
	d.read[string(text)] = fresh
	return fresh, nil
}

// standing reads a check.
func (d *definitions) standing(definition, body []byte) (*checkEntry, error) {
	c := &checkEntry{}
	var err error
	if c.Definition, err = d.of(definition); err != nil {
		return nil, err
	}
	return c, c.stand(body)
}
