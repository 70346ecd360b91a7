package trace

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"

	"github.com/vedette/vedette/pkg/monitor"
)

// Header is what is known of a block without looking into it.
type Header struct {
	Check string `json:"check"`
	// Day counts the UTC days since 1970, by the time of storing; Part the blocks of the day from 0.
	Day  int64 `json:"day"`
	Part int   `json:"part"`
	// Count is how many results there are; Position is that of the last, First and Last are when the
	// first and the last were stored, in nanoseconds since 1970.
	Count    int              `json:"count"`
	Position monitor.Position `json:"position"`
	First    int64            `json:"first"`
	Last     int64            `json:"last"`
	// Locations and Errors are what results refer to by number.
	Locations []string `json:"locations"`
	Errors    []string `json:"errors,omitempty"`
}

// Block is a stretch of the results of one check in the order in which they came. As bytes it is a
// line of JSON, the header, and the results compressed: each a byte of flags and numbers that are
// mostly differences from what the result before, or that of the same location, leads to expect.
type Block struct {
	Header
	text  []byte
	state state
}

// state is what differences are from.
type state struct {
	sequence  uint64
	revision  uint64
	locations []pace
}

// pace is when a location was last due, and the time from then to the next.
type pace struct{ due, slot int64 }

// The flags of a result; the lowest two bits are its outcome.
const (
	flagManual   = 1 << 2
	flagAttempts = 1 << 3
	flagError    = 1 << 4
	flagRevision = 1 << 5
	flagSlot     = 1 << 6
	flagDue      = 1 << 7
	outcomeBits  = 3
)

// NewBlock returns an empty block.
func NewBlock(check string, day int64, part int) *Block {
	return &Block{Header: Header{Check: check, Day: day, Part: part}}
}

// Add adds a result, whose position is later than that of those before.
func (b *Block) Add(r Result) {
	if b.Count == 0 {
		b.First = r.StoredAt
	}
	b.Count++
	b.Position, b.Last = r.Position, r.StoredAt
	location := number(&b.Locations, r.Location)
	for len(b.state.locations) <= location {
		b.state.locations = append(b.state.locations, pace{})
	}
	at := &b.state.locations[location]
	slot := int64(0)
	if r.NextDueAt != 0 {
		slot = r.NextDueAt - r.DueAt
	}
	flags := byte(max(0, slices.Index(outcomes(), r.Outcome)))
	set := func(flag byte, wanted bool) {
		if wanted {
			flags |= flag
		}
	}
	set(flagManual, r.Trigger == monitor.TriggerManual)
	set(flagAttempts, r.Attempts != 1)
	set(flagError, r.Error != "")
	set(flagRevision, r.Revision != b.state.revision)
	set(flagSlot, slot != at.slot)
	set(flagDue, r.DueAt != at.due+at.slot)
	to := append(b.text, flags)
	to = binary.AppendUvarint(to, uint64(location))
	to = binary.AppendUvarint(to, r.Position.Sequence-b.state.sequence)
	to = binary.AppendUvarint(to, uint64(r.Position.Index))
	if flags&flagDue != 0 {
		to = binary.AppendVarint(to, r.DueAt-at.due)
	}
	if flags&flagSlot != 0 {
		to = binary.AppendVarint(to, slot)
	}
	to = binary.AppendVarint(to, r.StartedAt-r.DueAt)
	to = binary.AppendVarint(to, r.Duration)
	to = binary.AppendVarint(to, r.StoredAt-r.FinishedAt())
	if flags&flagAttempts != 0 {
		to = binary.AppendVarint(to, int64(r.Attempts))
	}
	if flags&flagRevision != 0 {
		to = binary.AppendUvarint(to, r.Revision)
	}
	if flags&flagError != 0 {
		to = binary.AppendUvarint(to, uint64(number(&b.Errors, r.Error)))
	}
	b.text = to
	*at = pace{r.DueAt, slot}
	b.state.sequence, b.state.revision = r.Position.Sequence, r.Revision
}

// number returns the place of a text among those known, and makes it known.
func number(known *[]string, text string) int {
	i := slices.Index(*known, text)
	if i < 0 {
		i = len(*known)
		*known = append(*known, text)
	}
	return i
}

func outcomes() []monitor.Outcome {
	return []monitor.Outcome{monitor.OutcomeSuccess, monitor.OutcomeDegraded, monitor.OutcomeFailure, monitor.OutcomeError}
}

// Bytes writes the block.
func (b *Block) Bytes() ([]byte, error) {
	header, err := json.Marshal(b.Header)
	if err != nil {
		return nil, fmt.Errorf("write the header of a trace: %w", err)
	}
	return append(append(header, '\n'), s2.Encode(nil, b.text)...), nil
}

// ErrTorn says that bytes are no block.
var ErrTorn = errors.New("read a trace: it is torn")

// maxText bounds what a block may grow to, in bytes.
const maxText = 16 << 20

// Read reads a block to be looked at. Errors: ErrTorn, and those of the header.
func Read(raw []byte) (*Block, error) {
	header, packed, ok := bytes.Cut(raw, []byte("\n"))
	if !ok {
		return nil, ErrTorn
	}
	b := &Block{}
	if err := json.Unmarshal(header, &b.Header); err != nil {
		return nil, fmt.Errorf("read the header of a trace: %w", err)
	}
	if b.Check == "" || b.Part < 0 || b.Count < 0 {
		return nil, fmt.Errorf("read a trace: its header is none: %.100s", header)
	}
	size, err := s2.DecodedLen(packed)
	if err != nil || size > maxText {
		return nil, ErrTorn
	}
	if b.text, err = s2.Decode(nil, packed); err != nil {
		return nil, ErrTorn
	}
	return b, nil
}

// Reopen reads a block to which results are to be added. Errors: those of Read and Each.
func Reopen(raw []byte) (*Block, error) {
	b, err := Read(raw)
	if err != nil {
		return nil, err
	}
	n := 0
	if b.state, err = b.walk(func(*Result) bool { n++; return true }); err != nil {
		return nil, err
	}
	if n != b.Count {
		return nil, ErrTorn
	}
	return b, nil
}

// Each calls take with the results in order until it returns false. What it points to is overwritten
// by the next. Error: ErrTorn.
func (b *Block) Each(take func(*Result) (more bool)) error {
	_, err := b.walk(take)
	return err
}
