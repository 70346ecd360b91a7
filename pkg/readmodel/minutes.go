package readmodel

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/vedette/vedette/pkg/monitor"
)

// minute counts what was found of the executions due in one minute.
type minute struct {
	// At is the minute since 1970.
	At                 int64
	Up, Degraded, Down uint32
}

// minutes are those in which anything conclusive was due, in order: what a correction of a part of an
// hour or a day is applied to.
type minutes []minute

const minutesOfHour = 60

func (m *minute) found() uint32 { return m.Up + m.Degraded + m.Down }

func (m *minute) alike(other *minute) bool {
	return m.Up == other.Up && m.Degraded == other.Degraded && m.Down == other.Down
}

// count counts an execution due in a minute. One that could not run found nothing.
func (all *minutes) count(at int64, o monitor.Outcome) {
	if o == monitor.OutcomeError {
		return
	}
	i := len(*all)
	if i == 0 || (*all)[i-1].At < at {
		*all = append(*all, minute{At: at})
	} else if i--; (*all)[i].At != at { // another location was ahead
		var found bool
		i, found = slices.BinarySearchFunc(*all, at, func(m minute, at int64) int { return cmp.Compare(m.At, at) })
		if !found {
			*all = slices.Insert(*all, i, minute{At: at})
		}
	}
	switch one := &(*all)[i]; o {
	case monitor.OutcomeSuccess:
		one.Up++
	case monitor.OutcomeDegraded:
		one.Degraded++
	case monitor.OutcomeFailure:
		one.Down++
	case monitor.OutcomeError:
	}
}

// merge adds others, of which most come later.
func (all *minutes) merge(others minutes) {
	for _, m := range others {
		i := len(*all)
		found := false
		if i > 0 && (*all)[i-1].At >= m.At {
			i, found = slices.BinarySearchFunc(*all, m.At, func(m minute, at int64) int { return cmp.Compare(m.At, at) })
		}
		if !found {
			*all = slices.Insert(*all, i, m)
			continue
		}
		one := &(*all)[i]
		one.Up, one.Degraded, one.Down = one.Up+m.Up, one.Degraded+m.Degraded, one.Down+m.Down
	}
}

// bytes writes minutes as runs of those that are alike and equally far apart, so that a day of a steady
// check takes as much room as an hour of it: for each the gap from the run before, the step, how many
// there are, and what each of them counts. Nothing is nil.
func (all minutes) bytes() []byte {
	var raw []byte
	end := int64(0)
	for i := 0; i < len(all); {
		first, n, step := &all[i], 1, int64(0)
		for i+n < len(all) && all[i+n].alike(first) {
			apart := all[i+n].At - all[i+n-1].At
			if n == 1 {
				step = apart
			}
			if apart != step {
				break
			}
			n++
		}
		raw = binary.AppendVarint(raw, first.At-end)
		for _, v := range []uint64{uint64(step), uint64(n), uint64(first.Up), uint64(first.Degraded), uint64(first.Down)} {
			raw = binary.AppendUvarint(raw, v)
		}
		i += n
		end = all[i-1].At
	}
	return raw
}

// maxMinutes is more than any entry holds, lastMinute later than any: what claims more is torn.
const (
	maxMinutes = 1 << 20
	lastMinute = 1 << 40
)

var errTornMinutes = errors.New("read minutes: they are torn")

// readMinutes reads what bytes wrote.
func readMinutes(raw []byte) (minutes, error) {
	var all minutes
	end := int64(0)
	for len(raw) > 0 {
		gap, n := binary.Varint(raw)
		if n <= 0 {
			return nil, errTornMinutes
		}
		raw = raw[n:]
		var v [5]uint64
		for i := range v {
			value, n := binary.Uvarint(raw)
			if n <= 0 || value > 1<<32-1 {
				return nil, errTornMinutes
			}
			v[i], raw = value, raw[n:]
		}
		if v[1] == 0 || uint64(len(all))+v[1] > maxMinutes || (len(all) > 0 && gap <= 0) || (v[1] > 1 && v[0] == 0) {
			return nil, errTornMinutes
		}
		at := end + gap
		for range v[1] {
			if at < -lastMinute || at > lastMinute {
				return nil, errTornMinutes
			}
			all = append(all, minute{At: at, Up: uint32(v[2]), Degraded: uint32(v[3]), Down: uint32(v[4])})
			end, at = at, at+int64(v[0])
		}
	}
	return all, nil
}

// minutesOf reads what was written by us; what cannot be read tells nothing.
func minutesOf(raw []byte) minutes {
	all, _ := readMinutes(raw)
	return all
}
