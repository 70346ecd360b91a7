// Package jsonscan reads JSON that was written by this project's own code several times as fast as
// encoding/json does, to which it leaves everything else.
package jsonscan

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// Scanner reads JSON that is compact and whose keys are known, each there once. Of anything else it says that
// it is foreign; then encoding/json has the word, which knows all of JSON and names errors. What it does not
// find foreign it reads as encoding/json does.
type Scanner struct {
	raw     []byte
	at      int
	foreign bool
	// words are short texts that come again and again, kept once.
	words map[string]string
}

// New returns a scanner at the beginning of raw, which must not change.
func New(raw []byte) *Scanner { return &Scanner{raw: raw} }

// Whole reports whether everything was read, and nothing foreign found.
func (s *Scanner) Whole() bool { return !s.foreign && s.at == len(s.raw) }

// Refuse finds what was read foreign.
func (s *Scanner) Refuse() { s.foreign = true }

// MaxDepth is how deep values of any type lie in each other at most.
const MaxDepth = 32

// How many words are kept at most, and how long they are in bytes.
const (
	maxWords = 256
	maxWord  = 64
)

// next reports whether c comes next, and passes over it.
func (s *Scanner) next(c byte) bool {
	if s.foreign || s.at >= len(s.raw) || s.raw[s.at] != c {
		return false
	}
	s.at++
	return true
}

// must is next where nothing else may come.
func (s *Scanner) must(c byte) {
	if !s.next(c) {
		s.foreign = true
	}
}

// Object calls member with each key, standing at its value. It returns the number of the key, 1 to 63, of
// which none may come twice, or 0 for a key that is not known.
func (s *Scanner) Object(member func(key []byte) int) {
	var seen uint64
	s.must('{')
	for first := true; !s.foreign && !s.next('}'); first = false {
		if !first {
			s.must(',')
		}
		key, plain := s.literal()
		if !plain {
			s.foreign = true
		}
		s.must(':')
		if s.foreign {
			return
		}
		number := member(key)
		was := seen
		seen |= 1 << number
		s.foreign = s.foreign || number == 0 || seen == was
	}
}

// Array calls element at each value.
func (s *Scanner) Array(element func()) {
	s.must('[')
	for first := true; !s.foreign && !s.next(']'); first = false {
		if !first {
			s.must(',')
		}
		if !s.foreign {
			element()
		}
	}
}

// literal returns what stands between quotes, and whether it is the text as it is: in ASCII, without
// escapes.
func (s *Scanner) literal() (text []byte, plain bool) {
	s.must('"')
	if s.foreign {
		return nil, false
	}
	plain = true
	for i := s.at; i < len(s.raw); i++ {
		switch c := s.raw[i]; {
		case c == '"':
			text, s.at = s.raw[s.at:i], i+1
			return text, plain
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			s.foreign = true
			return nil, false
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	s.foreign = true
	return nil, false
}

// Skip passes over a string.
func (s *Scanner) Skip() {
	from := s.at
	if _, plain := s.literal(); !plain && !s.foreign {
		s.at = from
		s.Text()
	}
}

// Text returns a string. One that is like one of those at hand is not made anew.
func (s *Scanner) Text(like ...string) string {
	from := s.at
	raw, plain := s.literal()
	if s.foreign {
		return ""
	}
	for _, l := range like {
		if plain && string(raw) == l {
			return l
		}
	}
	switch {
	case plain, bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw):
		return string(raw)
	}
	var text string
	if err := json.Unmarshal(s.raw[from:s.at], &text); err != nil {
		s.foreign = true
	}
	return text
}

// Word is text that is expected again.
func (s *Scanner) Word() string {
	from := s.at
	raw, plain := s.literal()
	if s.foreign {
		return ""
	}
	if !plain || len(raw) > maxWord {
		s.at = from
		return s.Text()
	}
	if known, ok := s.words[string(raw)]; ok {
		return known
	}
	text := string(raw)
	if s.words == nil {
		s.words = make(map[string]string)
	}
	if len(s.words) < maxWords {
		s.words[text] = text
	}
	return text
}

// number returns a number as it stands.
func (s *Scanner) number() []byte {
	from := s.at
	s.next('-')
	if !s.next('0') && s.digits() == 0 {
		s.foreign = true
	}
	if s.next('.') && s.digits() == 0 {
		s.foreign = true
	}
	if s.next('e') || s.next('E') {
		if !s.next('+') {
			s.next('-')
		}
		if s.digits() == 0 {
			s.foreign = true
		}
	}
	return s.raw[from:s.at]
}

func (s *Scanner) digits() (n int) {
	for !s.foreign && s.at < len(s.raw) && s.raw[s.at] >= '0' && s.raw[s.at] <= '9' {
		s.at++
		n++
	}
	return n
}

// Float returns a number.
func (s *Scanner) Float() float64 {
	f, err := strconv.ParseFloat(string(s.number()), 64)
	s.foreign = s.foreign || err != nil
	return f
}

// Unsigned returns a whole number.
func (s *Scanner) Unsigned() uint64 {
	n, err := strconv.ParseUint(string(s.number()), 10, 64)
	s.foreign = s.foreign || err != nil
	return n
}

// Integer returns a whole number.
func (s *Scanner) Integer() int {
	n, err := strconv.ParseInt(string(s.number()), 10, strconv.IntSize)
	s.foreign = s.foreign || err != nil
	return int(n)
}

// Time returns a time in RFC 3339.
func (s *Scanner) Time() (at time.Time) {
	from := s.at
	s.literal()
	if s.foreign {
		return at
	}
	if err := at.UnmarshalJSON(s.raw[from:s.at]); err != nil {
		s.foreign = true
	}
	return at
}

// Boolean returns true or false.
func (s *Scanner) Boolean() bool {
	if !s.foreign && s.at < len(s.raw) && s.raw[s.at] == 't' {
		s.rest("true")
		return true
	}
	s.rest("false")
	return false
}

func (s *Scanner) rest(text string) {
	for i := range len(text) {
		s.must(text[i])
	}
}

// Span returns what read passes over, as it stands.
func (s *Scanner) Span(read func()) []byte {
	from := s.at
	read()
	return s.raw[from:s.at:s.at]
}

// Raw returns a value of any type as it stands.
func (s *Scanner) Raw() []byte { return s.Span(func() { s.pass(0) }) }

// pass passes over a value of any type.
func (s *Scanner) pass(depth int) {
	if s.foreign || s.at >= len(s.raw) || depth > MaxDepth {
		s.foreign = true
		return
	}
	switch s.raw[s.at] {
	case '"':
		s.Skip()
	case '{':
		s.must('{')
		for first := true; !s.foreign && !s.next('}'); first = false {
			if !first {
				s.must(',')
			}
			s.Skip()
			s.must(':')
			s.pass(depth + 1)
		}
	case '[':
		s.Array(func() { s.pass(depth + 1) })
	case 't', 'f':
		s.Boolean()
	case 'n':
		s.rest("null")
	default:
		s.number()
	}
}

// value returns a value of any type, as encoding/json makes it.
func (s *Scanner) value(depth int) any {
	if s.foreign || s.at >= len(s.raw) || depth > MaxDepth {
		s.foreign = true
		return nil
	}
	switch s.raw[s.at] {
	case '"':
		return s.Word()
	case '{':
		return s.values(depth)
	case '[':
		list := make([]any, 0)
		s.Array(func() { list = append(list, s.value(depth+1)) })
		return list
	case 't', 'f':
		return s.Boolean()
	case 'n':
		s.rest("null")
		return nil
	}
	return s.Float()
}

// Values returns an object of values of any type.
func (s *Scanner) Values() map[string]any { return s.values(0) }

func (s *Scanner) values(depth int) map[string]any {
	all := make(map[string]any)
	s.must('{')
	for first := true; !s.foreign && !s.next('}'); first = false {
		if !first {
			s.must(',')
		}
		key := s.Word()
		s.must(':')
		all[key] = s.value(depth + 1)
	}
	return all
}
