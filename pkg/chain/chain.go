// Package chain makes the events of a log depend on each other, so that nobody can change, take out or
// put in one without everything after it telling. It is pure: no I/O, no clock.
//
// Every event has a digest, SHA-256 of its canonical bytes, and every place in the log a head: the
// SHA-256 of the head before it and the event's digest. The head before the first event is 32 zeros.
// docs/events.md describes the canonical bytes, so that others can compute the same.
package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
)

// Hash is a SHA-256.
type Hash [sha256.Size]byte

// Head is the state of the chain after an event.
type Head struct {
	// Sequence is the event's; 0 is before the first.
	Sequence uint64
	Hash     Hash
}

// Event is what of an event is chained. When the server stored it is not: a copy of the log has the
// same chain.
type Event struct {
	Sequence uint64
	Subject  string
	// Headers are all headers; those that begin with "ce-" count. Others are the server's.
	Headers map[string][]string
	Body    []byte
}

// domain keeps these digests apart from any others.
const domain = "vedette event 1"

// prefix begins the names of the headers that count.
const prefix = "ce-"

// Digest returns the SHA-256 of an event's canonical bytes: the domain, the sequence, the subject,
// the number of headers, each header's name and value in the order of the names, and the body. Numbers
// are 8 bytes, most significant first; every text has its length before it.
func (e Event) Digest() Hash {
	w := writer{sha256.New()}
	w.text(domain)
	w.number(e.Sequence)
	w.text(e.Subject)
	var names []string
	for name := range e.Headers {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	w.number(uint64(len(names)))
	for _, name := range names {
		value := ""
		if values := e.Headers[name]; len(values) > 0 {
			value = values[0]
		}
		w.text(name)
		w.text(value)
	}
	w.number(uint64(len(e.Body)))
	w.Write(e.Body)
	return Hash(w.Sum(nil))
}

type writer struct{ hash.Hash }

func (w writer) number(n uint64) {
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], n)
	w.Write(raw[:])
}

func (w writer) text(s string) {
	w.number(uint64(len(s)))
	w.Write([]byte(s))
}

// Next returns the head after the next event, whose digest is given.
func (h Head) Next(digest Hash) Head {
	sum := sha256.New()
	sum.Write(h.Hash[:])
	sum.Write(digest[:])
	return Head{Sequence: h.Sequence + 1, Hash: Hash(sum.Sum(nil))}
}

// String is "1842:9f86d081…", the sequence and the hash in full.
func (h Head) String() string {
	return strconv.FormatUint(h.Sequence, 10) + ":" + hex.EncodeToString(h.Hash[:])
}

// MarshalText implements encoding.TextMarshaler.
func (h Head) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Head) UnmarshalText(text []byte) (err error) {
	*h, err = ParseHead(string(text))
	return err
}

// ErrHead: the text is no head.
var ErrHead = errors.New("it is no head: a head is SEQUENCE:HASH, such as vedette verify --head prints it")

// ParseHead reads what String wrote. ErrHead: it is no head.
func ParseHead(text string) (Head, error) {
	number, sum, ok := strings.Cut(text, ":")
	sequence, err := strconv.ParseUint(number, 10, 63)
	raw, hexErr := hex.DecodeString(sum)
	if !ok || err != nil || hexErr != nil || len(raw) != sha256.Size || (Head{sequence, Hash(raw)}).String() != text {
		return Head{}, fmt.Errorf("%.100q: %w", text, ErrHead)
	}
	return Head{Sequence: sequence, Hash: Hash(raw)}, nil
}
