package readmodel

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/s2"
)

// step is a state that something has from a time on.
type step struct {
	id string
	// sequence is that of the event that led to it.
	sequence uint64
	at       time.Time
	// gone says that it is deleted or over: it is not in the bases of later blocks.
	gone bool
	// definition and body are JSON. An empty definition is that of the step before of the same id;
	// an empty body says that there is nothing to show any more.
	definition, body []byte
}

// block is a stretch of a page's timeline. As an entry it is a line of JSON, the header, and then two
// parts, base and steps, each the length of what follows and steps compressed.
type block struct {
	blockHeader
	base []byte // compressed, once
	text []byte // the steps
}

type blockHeader struct {
	Page   string `json:"page"`
	Number int    `json:"number"`
	// From is when it begins. Position is the sequence of the last event of the page.
	From     time.Time `json:"from"`
	Position uint64    `json:"position"`
	// Base and Steps count them.
	Base  int `json:"base"`
	Steps int `json:"steps"`
}

func newBlock(page string, number int, from time.Time, base []step) block {
	b := block{blockHeader: blockHeader{Page: page, Number: number, From: from, Base: len(base)}}
	var text []byte
	for _, s := range base {
		text = s.append(text)
	}
	b.base = bytes.Clone(s2.EncodeBetter(nil, text))
	return b
}

func (b *block) add(s step) {
	b.text = s.append(b.text)
	b.Steps++
	b.Position = s.sequence
}

func (b *block) bytes() []byte {
	raw := append(encode(b.blockHeader), '\n')
	for _, part := range [][]byte{b.base, s2.Encode(nil, b.text)} {
		raw = append(binary.AppendUvarint(raw, uint64(len(part))), part...)
	}
	return raw
}

// append writes a step: every field in turn, those of no fixed length after their length.
func (s step) append(to []byte) []byte {
	to = appendBytes(to, []byte(s.id))
	to = binary.AppendUvarint(to, s.sequence)
	to = binary.AppendVarint(to, s.at.UnixNano())
	gone := byte(0)
	if s.gone {
		gone = 1
	}
	to = append(to, gone)
	to = appendBytes(to, s.definition)
	return appendBytes(to, s.body)
}

func appendBytes(to, value []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(value))), value...)
}

var errTornBlock = errors.New("read a block of the timeline: it is torn")

// readBlock reads a block. Its steps are looked at by each.
func readBlock(raw []byte) (*block, error) {
	header, parts, ok := bytes.Cut(raw, []byte("\n"))
	if !ok {
		return nil, errTornBlock
	}
	b := &block{}
	if err := json.Unmarshal(header, &b.blockHeader); err != nil {
		return nil, fmt.Errorf("read a block of the timeline: %w", err)
	}
	if b.Page == "" || b.Number < 0 || b.Base < 0 || b.Steps < 0 {
		return nil, fmt.Errorf("read a block of the timeline: its header is none: %.100s", header)
	}
	base, parts, ok := cutBytes(parts)
	if !ok {
		return nil, errTornBlock
	}
	steps, rest, ok := cutBytes(parts)
	if !ok || len(rest) > 0 {
		return nil, errTornBlock
	}
	text, err := unpack(steps)
	if err != nil {
		return nil, fmt.Errorf("unpack a block of the timeline: %w", err)
	}
	b.base, b.text = bytes.Clone(base), text
	return b, nil
}

// cutBytes cuts off a value after its length.
func cutBytes(raw []byte) (value, rest []byte, ok bool) {
	size, n := binary.Uvarint(raw)
	if n <= 0 || size > uint64(len(raw)-n) {
		return nil, nil, false
	}
	return raw[n : n+int(size)], raw[n+int(size):], true
}

// each calls take with the base and then the steps, in order, until it returns false.
func (b *block) each(take func(step) (more bool)) error {
	base, err := unpack(b.base)
	if err != nil {
		return fmt.Errorf("unpack a block of the timeline: %w", err)
	}
	for _, text := range [][]byte{base, b.text} {
		for len(text) > 0 {
			var s step
			var ok bool
			if s, text, ok = readStep(text); !ok {
				return errTornBlock
			}
			if !take(s) {
				return nil
			}
		}
	}
	return nil
}

// readStep reads a step off the text. What it holds points into the text.
func readStep(text []byte) (s step, rest []byte, ok bool) {
	id, text, ok := cutBytes(text)
	if !ok {
		return s, nil, false
	}
	sequence, n := binary.Uvarint(text)
	if n <= 0 {
		return s, nil, false
	}
	at, m := binary.Varint(text[n:])
	if m <= 0 || len(text) == n+m {
		return s, nil, false
	}
	s = step{id: string(id), sequence: sequence, at: time.Unix(0, at).UTC(), gone: text[n+m] == 1}
	if s.definition, text, ok = cutBytes(text[n+m+1:]); !ok {
		return s, nil, false
	}
	s.body, rest, ok = cutBytes(text)
	return s, rest, ok
}
