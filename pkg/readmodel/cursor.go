package readmodel

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"strings"
)

// Bounds of a page.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

func limitOf(limit int) (int, error) {
	switch {
	case limit == 0:
		return defaultLimit, nil
	case limit < 0 || limit > maxLimit:
		return 0, fmt.Errorf("%w: limit %d: use 1 to %d", ErrQuery, limit, maxLimit)
	}
	return limit, nil
}

// place is where an item stands in a sorted list: by Number, or by Text, then by ID. A cursor is the
// place of the last item of a page, so that it holds however the list changes meanwhile.
type place struct {
	List   uint64  `json:"l"`
	Number float64 `json:"n,omitempty"`
	Text   string  `json:"t,omitempty"`
	ID     string  `json:"i"`
}

// last is the number of what has none, which stands at the end however the list is sorted.
const last = math.MaxFloat64

// order is that of a list.
type order struct{ descending bool }

func (o order) compare(x, y place) int {
	c := cmp.Compare(x.Number, y.Number)
	if c == 0 {
		c = strings.Compare(x.Text, y.Text)
	}
	if c == 0 {
		return strings.Compare(x.ID, y.ID)
	}
	if o.descending && x.Number != last && y.Number != last {
		return -c
	}
	return c
}

// listOf tells apart the lists that queries make, so that a cursor of another one is known.
func listOf(parts ...any) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(encode(parts)) // never fails, by hash.Hash
	return h.Sum64()
}

func (p place) cursor() string { return base64.RawURLEncoding.EncodeToString(encode(p)) }

// placeOf reads a cursor of the given list; nil for none.
func placeOf(cursor string, list uint64) (*place, error) {
	if cursor == "" {
		return nil, nil //nolint:nilnil // the beginning is no place
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, ErrCursor
	}
	p := &place{}
	if err := json.Unmarshal(raw, p); err != nil || p.List != list {
		return nil, ErrCursor
	}
	return p, nil
}
