package cloudevents

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// scanner reads JSON as this package writes it: compact, each key once and known. Of anything else it
// says that it is foreign; then encoding/json has the word, which knows all of JSON and names errors.
// What it does not find foreign it reads as encoding/json does.
type scanner struct {
	raw     []byte
	at      int
	foreign bool
	// words are short texts that come again and again, kept once.
	words map[string]string
}

const (
	// maxWords bounds how many words are kept, maxWord how long they are in bytes, maxDepth how deep
	// values of any type lie in each other.
	maxWords = 256
	maxWord  = 64
	maxDepth = 32
)

// next reports whether c comes next, and passes over it.
func (s *scanner) next(c byte) bool {
	if s.foreign || s.at >= len(s.raw) || s.raw[s.at] != c {
		return false
	}
	s.at++
	return true
}

// must is next where nothing else may come.
func (s *scanner) must(c byte) {
	if !s.next(c) {
		s.foreign = true
	}
}

// object calls member with each key, standing at its value.
func (s *scanner) object(member func(key []byte)) {
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
		if !s.foreign {
			member(key)
		}
	}
}

// array calls element at each value.
func (s *scanner) array(element func()) {
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
func (s *scanner) literal() (text []byte, plain bool) {
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

// skip passes over a string.
func (s *scanner) skip() {
	from := s.at
	if _, plain := s.literal(); !plain && !s.foreign {
		s.at = from
		s.text()
	}
}

// text returns a string. One that is like one of those at hand is not made anew.
func (s *scanner) text(like ...string) string {
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

// word is text that is expected again.
func (s *scanner) word() string {
	from := s.at
	raw, plain := s.literal()
	if s.foreign {
		return ""
	}
	if !plain || len(raw) > maxWord {
		s.at = from
		return s.text()
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
func (s *scanner) number() []byte {
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

func (s *scanner) digits() (n int) {
	for !s.foreign && s.at < len(s.raw) && s.raw[s.at] >= '0' && s.raw[s.at] <= '9' {
		s.at++
		n++
	}
	return n
}

func (s *scanner) float() float64 {
	f, err := strconv.ParseFloat(string(s.number()), 64)
	s.foreign = s.foreign || err != nil
	return f
}

func (s *scanner) unsigned() uint64 {
	n, err := strconv.ParseUint(string(s.number()), 10, 64)
	s.foreign = s.foreign || err != nil
	return n
}

func (s *scanner) integer() int {
	n, err := strconv.ParseInt(string(s.number()), 10, strconv.IntSize)
	s.foreign = s.foreign || err != nil
	return int(n)
}

// time returns a time in RFC 3339.
func (s *scanner) time() (at time.Time) {
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

func (s *scanner) boolean() bool {
	if !s.foreign && s.at < len(s.raw) && s.raw[s.at] == 't' {
		s.rest("true")
		return true
	}
	s.rest("false")
	return false
}

func (s *scanner) rest(text string) {
	for i := range len(text) {
		s.must(text[i])
	}
}

// value returns a value of any type, as encoding/json makes it.
func (s *scanner) value(depth int) any {
	if s.foreign || s.at >= len(s.raw) || depth > maxDepth {
		s.foreign = true
		return nil
	}
	switch s.raw[s.at] {
	case '"':
		return s.word()
	case '{':
		return s.values(depth)
	case '[':
		list := make([]any, 0)
		s.array(func() { list = append(list, s.value(depth+1)) })
		return list
	case 't', 'f':
		return s.boolean()
	case 'n':
		s.rest("null")
		return nil
	}
	return s.float()
}

// values returns an object of values of any type.
func (s *scanner) values(depth int) map[string]any {
	all := make(map[string]any)
	s.must('{')
	for first := true; !s.foreign && !s.next('}'); first = false {
		if !first {
			s.must(',')
		}
		key := s.word()
		s.must(':')
		all[key] = s.value(depth + 1)
	}
	return all
}
