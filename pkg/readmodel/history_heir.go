package readmodel

import (
	"fmt"
	"strings"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

var _ Heir = (*history)(nil)

// Heirlooms implements Heir.
func (*history) Heirlooms() []string { return []string{openPrefix + "*", chunkPrefix + "*.*"} }

// Inherit implements Heir. A chunk's position is that of the result after its last, or of its last
// one where it is open: so the chunks before the log's beginning are kept as they are, and the first
// of the others is where the log goes on, somewhere within it or right after it.
func (h *history) Inherit(e bus.Entry, log Beginning) ([]Change, error) {
	c, err := readChunk(e.Value)
	if err != nil {
		return nil, fmt.Errorf("entry %s: %w", e.Key, err)
	}
	before := c.Position.Sequence < log.First
	if before && strings.HasPrefix(e.Key, chunkPrefix) {
		return []Change{{e.Key, e.Value}}, nil
	}
	if other := h.open[c.Check]; other != nil && other.Number < c.Number {
		return nil, nil
	}
	c.Inherited = !before
	h.open[c.Check] = c
	h.dirty[c.Check] = struct{}{}
	return nil, nil
}

// upTo returns the chunk as it was before a result came: the first one of the check that the log holds.
func (c *chunk) upTo(id string) *chunk {
	fresh := &chunk{chunkHeader: chunkHeader{Check: c.Check, Number: c.Number, First: c.First}}
	over := false
	err := c.each(func(r monitor.Result, line []byte) {
		if over = over || r.ID == id; !over {
			fresh.see(r.ID)
			fresh.add(r, line)
		}
	})
	if err != nil { // what cannot be read is lost, as it was before
		return &chunk{chunkHeader: chunkHeader{Check: c.Check, Number: c.Number, First: c.First}}
	}
	return fresh
}
