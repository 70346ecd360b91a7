package readmodel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/s2"
)

// pageSize is how many checks share a page: what changes with every result is written in few, large
// entries.
const pageSize = 100

// pages are the pulses as they are kept: each page sorted by check. A check stays on the page on
// which it began.
type pages struct {
	all     [][]*pulse
	changed map[int]struct{}
	// text is where a page is put together.
	text []byte
}

// grow makes sure that there is a page of the number.
func (g *pages) grow(page int) {
	for len(g.all) <= page {
		g.all = append(g.all, nil)
	}
}

// add puts a new check on the last page.
func (g *pages) add(p *pulse) {
	page := len(g.all) - 1
	if page < 0 || len(g.all[page]) >= pageSize {
		page++
	}
	g.put(p, page)
}

func (g *pages) put(p *pulse, page int) {
	g.grow(page)
	p.page = page
	i, _ := slices.BinarySearchFunc(g.all[page], p, byCheck)
	g.all[page] = slices.Insert(g.all[page], i, p)
}

func byCheck(x, y *pulse) int { return strings.Compare(x.Check, y.Check) }

func (g *pages) remove(p *pulse) {
	if i, found := slices.BinarySearchFunc(g.all[p.page], p, byCheck); found {
		g.all[p.page] = slices.Delete(g.all[p.page], i, i+1)
	}
	g.touch(p)
}

// touch notes that a pulse changes.
func (g *pages) touch(p *pulse) {
	if g.changed == nil {
		g.changed = make(map[int]struct{})
	}
	g.changed[p.page] = struct{}{}
	p.line = nil
}

func (g *pages) dirty() []Change {
	numbers := make([]int, 0, len(g.changed))
	for page := range g.changed {
		numbers = append(numbers, page)
	}
	slices.Sort(numbers)
	changes := make([]Change, len(numbers))
	for i, page := range numbers {
		changes[i] = Change{Key: pagePrefix + strconv.Itoa(page), Value: g.write(page)}
	}
	clear(g.changed)
	return changes
}

// write makes the page's entry: a line of JSON for each check, compressed together. Only the lines of
// checks that have changed are encoded again.
func (g *pages) write(page int) []byte {
	text := g.text[:0]
	for _, p := range g.all[page] {
		if p.line == nil {
			p.Sketch, p.Minutes = p.latencies.bytes(), p.found.bytes()
			if p.unwritten != nil {
				p.Last, p.unwritten = compact(*p.unwritten), nil
			}
			p.line = append(encode(p), '\n')
		}
		text = append(text, p.line...)
	}
	g.text = text
	return s2.Encode(nil, text)
}

// pageOf returns the number in a page's key.
func pageOf(key string) (int, error) {
	page, err := strconv.Atoi(strings.TrimPrefix(key, pagePrefix))
	if err != nil || page < 0 || page > 1e6 {
		return 0, fmt.Errorf("%q is no page", key)
	}
	return page, nil
}

// readPage returns the lines of a page's entry.
func readPage(raw []byte) ([][]byte, error) {
	text, err := unpack(raw)
	if err != nil {
		return nil, fmt.Errorf("unpack a page: %w", err)
	}
	var lines [][]byte
	for line := range bytes.Lines(text) {
		lines = append(lines, line)
	}
	return lines, nil
}

// maxUnpacked bounds what an entry may grow to, in bytes: more than any that is written.
const maxUnpacked = 64 << 20

func unpack(raw []byte) ([]byte, error) {
	size, err := s2.DecodedLen(raw)
	if err != nil {
		return nil, err
	}
	if size > maxUnpacked {
		return nil, fmt.Errorf("%d bytes is too large", size)
	}
	return s2.Decode(nil, raw)
}

// readPulse reads a line of a page.
func readPulse(line []byte) (*pulse, error) {
	p := &pulse{line: line}
	if err := json.Unmarshal(line, p); err != nil {
		return nil, fmt.Errorf("read a line of a page: %w", err)
	}
	if p.Check == "" {
		return nil, fmt.Errorf("read a line of a page: it names no check")
	}
	if p.Locations == nil {
		p.Locations = make(map[string]locationPulse)
	}
	return p, nil
}
