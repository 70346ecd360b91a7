package readmodel

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/klauspost/compress/s2"
)

// statusCount is how many statuses there are.
const statusCount = 6

// count is how everything stood at the end of a minute or hour, and what happened in it.
type count struct {
	// At is the minute or hour since 1970.
	At int64 `json:"t"`
	// By is how many checks have each status, worst first, as monitor.Statuses has them.
	By [statusCount]uint32 `json:"by"`
	// Seen are the statuses that any check had within it, by bit.
	Seen byte `json:"seen,omitempty"`
	// Opened are the incidents opened within it, Open those open at its end.
	Opened uint32 `json:"opened,omitempty"`
	Open   uint32 `json:"open,omitempty"`
}

// next is the count of a later minute before anything has happened in it.
func (c count) next(at int64) count {
	next := count{At: at, By: c.By, Open: c.Open}
	next.Seen = next.present()
	return next
}

// present are the statuses that any check has at the end.
func (c count) present() (bits byte) {
	for place, n := range c.By {
		if n > 0 {
			bits |= 1 << place
		}
	}
	return bits
}

// joinCounts makes one count of several, which are in order.
func joinCounts(at int64, parts []count) count {
	joined := parts[len(parts)-1]
	joined.At, joined.Seen, joined.Opened = at, 0, 0
	for _, part := range parts {
		joined.Seen |= part.Seen
		joined.Opened += part.Opened
	}
	return joined
}

// writeCounts writes counts in order, each as numbers: how much later it is than the one before, what
// was seen, opened and is open, and how many there are by status.
func writeCounts(all []count) []byte {
	var raw []byte
	before := int64(0)
	for _, c := range all {
		raw = binary.AppendVarint(raw, c.At-before)
		before = c.At
		raw = append(raw, c.Seen)
		raw = binary.AppendUvarint(raw, uint64(c.Opened))
		raw = binary.AppendUvarint(raw, uint64(c.Open))
		for _, n := range c.By {
			raw = binary.AppendUvarint(raw, uint64(n))
		}
	}
	return s2.Encode(nil, raw)
}

var errTornCounts = errors.New("read counts: they are torn")

func readCounts(packed []byte) ([]count, error) {
	raw, err := unpack(packed)
	if err != nil {
		return nil, fmt.Errorf("unpack counts: %w", err)
	}
	var all []count
	before := int64(0)
	for len(raw) > 0 {
		later, n := binary.Varint(raw)
		if n <= 0 || len(raw) == n || (len(all) > 0 && later <= 0) {
			return nil, errTornCounts
		}
		c := count{At: before + later, Seen: raw[n]}
		before = c.At
		raw = raw[n+1:]
		for _, field := range []*uint32{&c.Opened, &c.Open, &c.By[0], &c.By[1], &c.By[2], &c.By[3], &c.By[4], &c.By[5]} {
			value, n := binary.Uvarint(raw)
			if n <= 0 || value > 1<<32-1 {
				return nil, errTornCounts
			}
			*field, raw = uint32(value), raw[n:]
		}
		all = append(all, c)
	}
	return all, nil
}

func readPresent(raw []byte) (p countsPresent, err error) {
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, fmt.Errorf("read the counts at hand: %w", err)
	}
	return p, nil
}

func readLately(raw []byte) (l countsLately, err error) {
	minutes, hours, ok := cutBytes(raw)
	if !ok {
		return l, errTornCounts
	}
	if l.Minutes, err = readCounts(minutes); err != nil {
		return l, err
	}
	l.Hours, err = readCounts(hours)
	return l, err
}
