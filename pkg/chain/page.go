package chain

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// PageSize is how many events a full page covers.
const PageSize = 1000

// Mark is the beginning of an event's digest: enough to tell which event of a page is not what it was,
// where the head of the page tells only that one is not.
type Mark [8]byte

// MarkOf returns the mark of a digest.
func MarkOf(digest Hash) Mark { return Mark(digest[:len(Mark{})]) }

// Page is what is kept of the chain for PageSize events, beside the log: page n covers the events
// n·PageSize+1 to (n+1)·PageSize.
type Page struct {
	// Head is the head after the last event that the page covers.
	Head  Head
	Marks []Mark
}

// PageOf returns the number of the page that covers an event, counted from 0.
func PageOf(sequence uint64) uint64 { return (sequence - 1) / PageSize }

// First returns the first event of page n.
func First(n uint64) uint64 { return n*PageSize + 1 }

// Add appends the next event. A full page becomes the next one.
func (p *Page) Add(digest Hash) {
	if len(p.Marks) == PageSize {
		p.Marks = p.Marks[:0]
	}
	p.Head = p.Head.Next(digest)
	p.Marks = append(p.Marks, MarkOf(digest))
}

// Number is the page's; 0 for one without events.
func (p *Page) Number() uint64 { return PageOf(max(1, p.Head.Sequence)) }

// Full reports whether the next event belongs to the next page.
func (p *Page) Full() bool { return len(p.Marks) == PageSize }

// Mark returns that of an event, if the page covers it.
func (p *Page) Mark(sequence uint64) (Mark, bool) {
	first := p.Head.Sequence - uint64(len(p.Marks)) + 1
	if sequence < first || sequence > p.Head.Sequence {
		return Mark{}, false
	}
	return p.Marks[sequence-first], true
}

var errPage = errors.New("it is no page of the chain")

// MarshalBinary implements encoding.BinaryMarshaler: the sequence, the hash, and the marks.
func (p *Page) MarshalBinary() ([]byte, error) {
	raw := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(Hash{})+len(p.Marks)*len(Mark{})), p.Head.Sequence)
	raw = append(raw, p.Head.Hash[:]...)
	for _, m := range p.Marks {
		raw = append(raw, m[:]...)
	}
	return raw, nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (p *Page) UnmarshalBinary(raw []byte) error {
	const head, mark = 8 + len(Hash{}), len(Mark{})
	if len(raw) < head || (len(raw)-head)%mark != 0 || len(raw) > head+PageSize*mark {
		return fmt.Errorf("%d bytes: %w", len(raw), errPage)
	}
	page := Page{Head: Head{Sequence: binary.BigEndian.Uint64(raw), Hash: Hash(raw[8:head])}, Marks: make([]Mark, (len(raw)-head)/mark)}
	for i := range page.Marks {
		page.Marks[i] = Mark(raw[head+i*mark : head+(i+1)*mark])
	}
	// A page holds all events from its first one to its head.
	if page.Head.Sequence-PageOf(max(1, page.Head.Sequence))*PageSize != uint64(len(page.Marks)) {
		return fmt.Errorf("%d marks up to event %d: %w", len(page.Marks), page.Head.Sequence, errPage)
	}
	*p = page
	return nil
}
