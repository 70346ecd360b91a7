package trace

import (
	"encoding/binary"

	"github.com/vedette/vedette/pkg/monitor"
)

// cursor reads numbers; torn is set once one cannot be read.
type cursor struct {
	text []byte
	torn bool
}

func (c *cursor) unsigned() uint64 {
	if len(c.text) > 0 && c.text[0] < 0x80 { // most are small
		value := uint64(c.text[0])
		c.text = c.text[1:]
		return value
	}
	return c.large()
}

func (c *cursor) large() uint64 {
	if len(c.text) >= 4 && c.text[3] < 0x80 && c.text[1] >= 0x80 && c.text[2] >= 0x80 { // most of the others have four bytes
		t := c.text
		c.text = t[4:]
		return uint64(t[0]&0x7f) | uint64(t[1]&0x7f)<<7 | uint64(t[2]&0x7f)<<14 | uint64(t[3])<<21
	}
	value, n := binary.Uvarint(c.text)
	if n <= 0 {
		c.torn, c.text = true, nil
		return 0
	}
	c.text = c.text[n:]
	return value
}

func (c *cursor) signed() int64 {
	u := c.unsigned()
	return int64(u>>1) ^ -int64(u&1)
}

// walk reads the results and returns the state after those that were taken.
func (b *Block) walk(take func(*Result) bool) (state, error) {
	s := state{locations: make([]pace, len(b.Locations))}
	all := outcomes()
	c := cursor{text: b.text}
	var r Result
	for len(c.text) > 0 {
		flags := c.text[0]
		c.text = c.text[1:]
		location := c.unsigned()
		if c.torn || location >= uint64(len(b.Locations)) {
			return s, ErrTorn
		}
		at := &s.locations[location]
		s.sequence += c.unsigned()
		r.Position = monitor.Position{Sequence: s.sequence, Index: int(c.unsigned())}
		r.Location, r.Outcome, r.Trigger = b.Locations[location], all[flags&outcomeBits], monitor.TriggerSchedule
		r.DueAt, r.NextDueAt, r.Attempts, r.Error = at.due+at.slot, 0, 1, ""
		if flags&flagDue != 0 {
			r.DueAt = at.due + c.signed()
		}
		if flags&flagSlot != 0 {
			at.slot = c.signed()
		}
		if at.slot != 0 {
			r.NextDueAt = r.DueAt + at.slot
		}
		at.due = r.DueAt
		r.StartedAt = r.DueAt + c.signed()
		r.Duration = c.signed()
		r.StoredAt = r.FinishedAt() + c.signed()
		if flags&(flagManual|flagAttempts|flagRevision|flagError) != 0 && !b.rare(flags, &c, &s, &r) {
			return s, ErrTorn
		}
		r.Revision = s.revision
		if c.torn {
			return s, ErrTorn
		}
		if !take(&r) {
			return s, nil
		}
	}
	return s, nil
}

// rare reads what few results have.
func (b *Block) rare(flags byte, c *cursor, s *state, r *Result) (ok bool) {
	if flags&flagManual != 0 {
		r.Trigger = monitor.TriggerManual
	}
	if flags&flagAttempts != 0 {
		r.Attempts = int(c.signed())
	}
	if flags&flagRevision != 0 {
		s.revision = c.unsigned()
	}
	if flags&flagError != 0 {
		i := c.unsigned()
		if c.torn || i >= uint64(len(b.Errors)) {
			return false
		}
		r.Error = b.Errors[i]
	}
	return true
}
