package readmodel

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// TimelineName is the name of the read model of the past.
	TimelineName = "timeline"
	// stepsPerBlock is how many steps a block takes at least. One whose base is larger takes as many
	// as that, so that bases never outweigh what happened.
	stepsPerBlock = 256
)

// The keys of the timeline: index.<page> says when each block of a page begins, open.<page> is the
// block at hand, block.<page>.<n> are those that are full, each written once and kept for ever.
const (
	indexPrefix = "index."
	blockPrefix = "block."
)

// timeline is the read model of the past: every state that a check, service, incident or runner ever
// had, as the read models of the present showed it then. How everything stood at an instant is read
// from one block of each page, however long ago that is: a block begins with all that there was when
// it began, its base, and goes on with one step for each change.
//
// What is followed is spread over a fixed number of pages by a hash, so that each has its place
// whatever the order in which events come.
type timeline struct {
	strands []strand
	pages   map[string]*timelinePage
	// perBlock is stepsPerBlock, but in tests.
	perBlock int
	// full are blocks that are not written yet, by key; changed are the pages whose block at hand is
	// not, begun those whose index is not.
	full           map[string][]byte
	changed, begun map[string]struct{}
}

// timelinePage is a page of one kind.
type timelinePage struct {
	name string
	block
	// froms are when the blocks begin, in nanoseconds since 1970, that at hand the last.
	froms []int64
	// live are the ids of what is neither deleted nor over.
	live map[string]struct{}
	// last is the time of the last step.
	last time.Time
}

func newTimeline() *timeline {
	return &timeline{
		strands: strands(), pages: make(map[string]*timelinePage), perBlock: stepsPerBlock,
		full: make(map[string][]byte), changed: make(map[string]struct{}), begun: make(map[string]struct{}),
	}
}

func (*timeline) Name() string { return TimelineName }

func (*timeline) Version() int { return 1 }

func (*timeline) OfResults() bool { return false }

// Unhurried implements Unhurried: nobody waits to read of the past what he has just written.
func (*timeline) Unhurried() {}

// Needs implements Projection.
func (*timeline) Needs() []string { return []string{openPrefix + "*", indexPrefix + "*"} }

// pageNamed returns the name of the page of a kind on which something is followed.
func pageNamed(kind, home string, pages uint32) string {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(home)) // never fails, by hash.Hash
	return fmt.Sprintf("%s-%d", kind, sum.Sum32()%pages)
}

// Apply implements Projection.
func (t *timeline) Apply(m monitor.EventMessage) {
	for _, s := range t.strands {
		id, home, ok := s.about(m.Event)
		if !ok {
			continue
		}
		name := pageNamed(s.kind(), home, s.spread())
		p := t.pages[name]
		if p == nil {
			p = &timelinePage{name: name, live: make(map[string]struct{})}
			p.Page = name
		}
		if m.Sequence <= p.Position {
			continue
		}
		var base []step
		full := p.Steps >= max(t.perBlock, p.Base)
		if full {
			base = baseOf(s, p)
		}
		next, changed := s.take(m, id)
		if !changed {
			continue
		}
		next.at = m.Time.UTC()
		if next.at.Before(p.last) { // of two deciders one may be ahead; steps are in order
			next.at = p.last
		}
		switch {
		case p.Position == 0:
			t.pages[name] = p
			t.begin(p, next.at, nil)
		case full:
			t.full[fmt.Sprintf("%s%s.%d", blockPrefix, name, p.Number)] = p.bytes()
			p.Number++
			t.begin(p, next.at, base)
		}
		p.follow(next)
		t.changed[name] = struct{}{}
	}
}

// begin begins a block.
func (t *timeline) begin(p *timelinePage, at time.Time, base []step) {
	number := p.Number
	p.block = newBlock(p.name, number, at, base)
	p.froms = append(p.froms, at.UnixNano())
	t.begun[p.name] = struct{}{}
}

// follow adds a step to the block at hand.
func (p *timelinePage) follow(s step) {
	p.add(s)
	p.last = s.at
	if s.gone {
		delete(p.live, s.id)
	} else {
		p.live[s.id] = struct{}{}
	}
}

// baseOf returns how everything on a page stands, by id.
func baseOf(s strand, p *timelinePage) []step {
	base := make([]step, 0, len(p.live))
	for _, id := range slices.Sorted(maps.Keys(p.live)) {
		one := s.now(id)
		one.at = p.last
		base = append(base, one)
	}
	return base
}

// Dirty implements Projection. Full blocks come before the indexes, which name them, and those before
// the blocks at hand, which go on after them.
func (t *timeline) Dirty() []Change {
	full := make([]Change, 0, len(t.full))
	for key, value := range t.full {
		full = append(full, Change{key, value})
	}
	begun := make([]Change, 0, len(t.begun))
	for name := range t.begun {
		begun = append(begun, Change{indexPrefix + name, encode(t.pages[name].froms)})
	}
	open := make([]Change, 0, len(t.changed))
	for name := range t.changed {
		open = append(open, Change{openPrefix + name, t.pages[name].bytes()})
	}
	clear(t.full)
	clear(t.begun)
	clear(t.changed)
	return slices.Concat(sorted(full), sorted(begun), sorted(open))
}

// Restore implements Projection.
func (t *timeline) Restore(entries []bus.Entry) error {
	indexes := make(map[string][]int64)
	for _, e := range entries {
		if name, ok := strings.CutPrefix(e.Key, indexPrefix); ok {
			froms, err := readIndex(e.Value)
			if err != nil {
				return fmt.Errorf("entry %s: %w", e.Key, err)
			}
			indexes[name] = froms
		}
	}
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Key, openPrefix)
		if !ok {
			continue
		}
		if err := t.restorePage(name, e.Value, indexes[name]); err != nil {
			return fmt.Errorf("entry %s: %w", e.Key, err)
		}
	}
	return nil
}

func (t *timeline) restorePage(name string, raw []byte, froms []int64) error {
	b, err := readBlock(raw)
	if err != nil {
		return err
	}
	if b.Page != name {
		return fmt.Errorf("it holds %q", b.Page)
	}
	if len(froms) <= b.Number {
		return fmt.Errorf("its index knows of %d blocks, not of number %d", len(froms), b.Number)
	}
	kind, _, _ := strings.Cut(name, "-")
	i := slices.IndexFunc(t.strands, func(s strand) bool { return s.kind() == kind })
	if i < 0 {
		return fmt.Errorf("%q is no kind", kind)
	}
	// The index may have been written where the block was not.
	p := &timelinePage{name: name, block: *b, froms: slices.Clone(froms[:b.Number+1]), live: make(map[string]struct{})}
	latest := make(map[string]step)
	if err := b.each(func(s step) bool {
		if len(s.definition) == 0 {
			s.definition = latest[s.id].definition
		}
		p.last = s.at
		latest[s.id] = s
		return true
	}); err != nil {
		return err
	}
	for id, s := range latest {
		if s.gone {
			continue
		}
		p.live[id] = struct{}{}
		if err := t.strands[i].restore(s); err != nil {
			return err
		}
	}
	t.pages[name] = p
	return nil
}

// readIndex reads when the blocks of a page begin.
func readIndex(raw []byte) ([]int64, error) {
	var froms []int64
	if err := json.Unmarshal(raw, &froms); err != nil {
		return nil, fmt.Errorf("read an index of the timeline: %w", err)
	}
	if len(froms) == 0 || !slices.IsSorted(froms) {
		return nil, fmt.Errorf("read an index of the timeline: it is not in order: %.100s", raw)
	}
	return froms, nil
}
