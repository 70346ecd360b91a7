package readmodel

import (
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// chunkSize is how many results share an entry, chunkBytes how many bytes of them at most.
	chunkSize  = 64
	chunkBytes = 256 << 10
	// keptChunks bounds the history of a check: some 10,000 results. The chunks are a ring.
	keptChunks = 160
	// seenResults is by how many of the latest results repeats are known: the gate has dropped nearly
	// all of them.
	seenResults = 32
)

// history is the read model of the results of each check, in chunks: chunk.<check>.<slot> are full
// and written once, open.<check> is the one at hand.
type history struct {
	open   map[string]*chunk
	closed map[string][]byte
	dirty  map[string]struct{}
}

func newHistory() *history {
	return &history{open: make(map[string]*chunk), closed: make(map[string][]byte), dirty: make(map[string]struct{})}
}

func (*history) Name() string { return historyBucket }

func (*history) Version() int { return 1 }

func (*history) OfResults() bool { return true }

// Needs implements Projection.
func (*history) Needs() []string { return []string{openPrefix + "*"} }

// Apply implements Projection.
func (h *history) Apply(m monitor.EventMessage) {
	result, ok := monitor.ResultOf(m.Event)
	if !ok || result.Trigger == monitor.TriggerTest {
		return
	}
	c := h.open[result.CheckID]
	if c == nil {
		c = &chunk{chunkHeader: chunkHeader{Check: result.CheckID}}
		h.open[result.CheckID] = c
	}
	if c.Inherited {
		c = c.upTo(result.ID)
		h.open[c.Check] = c
	}
	if !m.Position().After(c.Position) {
		return
	}
	c.Position = m.Position()
	h.dirty[c.Check] = struct{}{}
	if !c.see(result.ID) {
		return
	}
	if c.Count >= chunkSize || c.Size >= chunkBytes {
		c = h.next(c)
	}
	c.add(result, m.Line)
}

// see reports whether a result is new, and remembers it.
func (c *chunk) see(id string) bool {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(id)) // never fails, by hash.Hash
	seen := sum.Sum64()
	if slices.Contains(c.Seen, seen) {
		return false
	}
	if len(c.Seen) == seenResults {
		c.Seen = c.Seen[:copy(c.Seen, c.Seen[1:])]
	}
	c.Seen = append(c.Seen, seen)
	return true
}

// next closes a chunk and opens another.
func (h *history) next(full *chunk) *chunk {
	fresh := &chunk{chunkHeader: chunkHeader{
		Check: full.Check, Number: full.Number + 1, First: full.First + full.Count,
		Position: full.Position, Seen: full.Seen,
	}}
	full.Seen = nil
	h.closed[chunkKey(full.Check, full.Number)] = full.bytes()
	h.open[full.Check] = fresh
	return fresh
}

func chunkKey(check string, number int) string {
	return fmt.Sprintf("%s%s.%d", chunkPrefix, token(check), number%keptChunks)
}

// Dirty implements Projection. Full chunks come before open ones, which go on after them.
func (h *history) Dirty() []Change {
	closed := make([]Change, 0, len(h.closed))
	for key, value := range h.closed {
		closed = append(closed, Change{key, value})
	}
	open := make([]Change, 0, len(h.dirty))
	for check := range h.dirty {
		open = append(open, Change{openPrefix + token(check), h.open[check].bytes()})
	}
	clear(h.closed)
	clear(h.dirty)
	return append(sorted(closed), sorted(open)...)
}

// Restore implements Projection.
func (h *history) Restore(entries []bus.Entry) error {
	for _, e := range entries {
		c, err := readChunk(e.Value)
		if err != nil {
			return fmt.Errorf("entry %s: %w", e.Key, err)
		}
		if openPrefix+token(c.Check) != e.Key {
			return fmt.Errorf("entry %s holds %q", e.Key, c.Check)
		}
		h.open[c.Check] = c
	}
	return nil
}
