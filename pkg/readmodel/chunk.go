package readmodel

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/vedette/vedette/pkg/monitor"
)

// blockSize is how many results are compressed together. Of an open chunk only the last block is
// ever compressed again, and all others are kept compressed in memory too.
const blockSize = 8

// chunk is some results of one check in the order in which they came. As an entry it is a line of
// JSON, the header, and then blocks, each the length of what follows and lines of JSON compressed.
type chunk struct {
	chunkHeader
	packed [][]byte
	// tail are the results of the last block, one a line; inTail says how many.
	tail   []byte
	inTail int
}

type chunkHeader struct {
	Check string `json:"check"`
	// Number counts the chunks of the check from 0, First its results before this chunk.
	Number int `json:"number"`
	First  int `json:"first"`
	// Count is how many results there are, Size how many bytes they take unpacked.
	Count int `json:"count"`
	Size  int `json:"size"`
	// Position is that of the last message folded; Newest the latest due time.
	Position monitor.Position `json:"position"`
	Newest   time.Time        `json:"newest,omitzero"`
	// Seen are hashes of the ids of the latest results, while the chunk is open.
	Seen []uint64 `json:"seen,omitempty"`
	// Inherited says that it is an older generation's, and that the log goes on somewhere within it.
	Inherited bool `json:"inherited,omitempty"`
}

// add adds a result, with its line where that is at hand.
func (c *chunk) add(result monitor.Result, line []byte) {
	if line == nil {
		line = encode(result)
	}
	if c.inTail == blockSize {
		c.packed = append(c.packed, bytes.Clone(s2.Encode(nil, c.tail))) // the encoder's slice is much larger
		c.tail, c.inTail = c.tail[:0], 0
	}
	c.tail = append(append(c.tail, line...), '\n')
	c.inTail++
	c.Count++
	c.Size += len(line) + 1
	if result.DueAt.After(c.Newest) {
		c.Newest = result.DueAt
	}
}

func (c *chunk) bytes() []byte {
	raw := append(encode(c.chunkHeader), '\n')
	for _, block := range c.packed {
		raw = append(binary.AppendUvarint(raw, uint64(len(block))), block...)
	}
	if c.inTail > 0 {
		block := s2.Encode(nil, c.tail)
		raw = append(binary.AppendUvarint(raw, uint64(len(block))), block...)
	}
	return raw
}

var errTorn = errors.New("read a chunk of history: it is torn")

func readChunk(raw []byte) (*chunk, error) {
	header, blocks, ok := bytes.Cut(raw, []byte("\n"))
	if !ok {
		return nil, errTorn
	}
	c := &chunk{}
	if err := json.Unmarshal(header, &c.chunkHeader); err != nil {
		return nil, fmt.Errorf("read a chunk of history: %w", err)
	}
	if c.Check == "" || c.Number < 0 || c.First < 0 || c.Count < 0 {
		return nil, fmt.Errorf("read a chunk of history: its header is none: %.100s", header)
	}
	for len(blocks) > 0 {
		size, n := binary.Uvarint(blocks)
		if n <= 0 || size > uint64(len(blocks)-n) {
			return nil, errTorn
		}
		c.packed = append(c.packed, bytes.Clone(blocks[n:n+int(size)]))
		blocks = blocks[n+int(size):]
	}
	return c, c.reopen()
}

// reopen unpacks the last block where there is room in it.
func (c *chunk) reopen() error {
	if len(c.packed) == 0 {
		return nil
	}
	last := len(c.packed) - 1
	text, err := unpack(c.packed[last])
	if err != nil {
		return fmt.Errorf("unpack a chunk of history: %w", err)
	}
	if n := bytes.Count(text, []byte("\n")); n < blockSize {
		c.packed, c.tail, c.inTail = c.packed[:last], text, n
	}
	return nil
}

// results returns what the chunk holds, oldest first.
func (c *chunk) results() ([]monitor.Result, error) {
	all := make([]monitor.Result, 0, min(c.Count, chunkSize))
	err := c.each(func(r monitor.Result, _ []byte) { all = append(all, r) })
	if err != nil {
		return nil, err
	}
	return all, nil
}

// each calls take with every result and its line, oldest first.
func (c *chunk) each(take func(r monitor.Result, line []byte)) error {
	read := func(text []byte) error {
		for line := range bytes.Lines(text) {
			var r monitor.Result
			if err := json.Unmarshal(line, &r); err != nil {
				return fmt.Errorf("read a chunk of history: %w", err)
			}
			take(r, bytes.TrimSuffix(line, []byte("\n")))
		}
		return nil
	}
	for _, block := range c.packed {
		text, err := unpack(block)
		if err == nil {
			err = read(text)
		}
		if err != nil {
			return fmt.Errorf("unpack a chunk of history: %w", err)
		}
	}
	return read(c.tail)
}
