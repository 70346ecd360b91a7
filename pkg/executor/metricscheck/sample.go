package metricscheck

import (
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
)

// sample reads the line of one series, behind its name.
type sample struct {
	rest      string
	open      bool
	selection *selection
	// names are the labels so far; the next line takes their place.
	names []string
	// matched counts the selected labels that are there.
	matched int
	id      uint64
	value   float64
}

// read reads the whole line, or says what is wrong with it without quoting it.
func (s *sample) read() error {
	s.names, s.matched, s.id = s.names[:0], 0, 0
	s.blanks()
	if strings.HasPrefix(s.rest, "{") {
		s.rest = s.rest[1:]
		if err := s.labels(); err != nil {
			return err
		}
	}
	return s.number()
}

func (s *sample) blanks() { s.rest = strings.TrimLeft(s.rest, " \t") }

func (s *sample) labels() error {
	for {
		s.blanks()
		if strings.HasPrefix(s.rest, "}") {
			s.rest = s.rest[1:]
			s.blanks()
			return nil
		}
		if err := s.label(); err != nil {
			return err
		}
		s.blanks()
		switch {
		case strings.HasPrefix(s.rest, ","):
			s.rest = s.rest[1:]
		case !strings.HasPrefix(s.rest, "}"):
			return errors.New("a label is followed by neither a comma nor a closing brace")
		}
	}
}

func (s *sample) label() error {
	name, err := s.name()
	if err != nil {
		return err
	}
	switch {
	case name == "" || name == "__name__":
		return errors.New("a label has no name of its own")
	case slices.Contains(s.names, name):
		return errors.New("a label is there twice")
	case len(s.names) == maxLabels:
		return fmt.Errorf("it has more than %d labels", maxLabels)
	}
	s.names = append(s.names, name)
	s.blanks()
	if !strings.HasPrefix(s.rest, "=") {
		return errors.New("a label has no value")
	}
	s.rest = s.rest[1:]
	s.blanks()
	value, err := s.quoted()
	if err != nil {
		return err
	}
	if wanted, ok := s.selection.labels[name]; ok && wanted == value {
		s.matched++
	}
	// Labels may come in another order next time: the sum of their numbers is the same then.
	var hash maphash.Hash
	hash.SetSeed(s.selection.seed)
	_, _ = hash.WriteString(name) // it never fails
	_ = hash.WriteByte('=')
	_, _ = hash.WriteString(value)
	s.id += hash.Sum64()
	return nil
}

// name reads that of a label, which is in quotes where it has other characters than usual.
func (s *sample) name() (string, error) {
	if strings.HasPrefix(s.rest, `"`) {
		return s.quoted()
	}
	name := s.rest[:nameLength(s.rest)]
	s.rest = s.rest[len(name):]
	return name, nil
}

func nameLength(text string) int {
	for i, c := range []byte(text) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && c != '_' && (i == 0 || c < '0' || c > '9') {
			return i
		}
	}
	return len(text)
}

// quoted reads the value of a label.
func (s *sample) quoted() (string, error) {
	if !strings.HasPrefix(s.rest, `"`) {
		return "", errors.New("the value of a label is not in quotes")
	}
	text := s.rest[1:]
	end := strings.IndexAny(text, `"\`)
	if end >= 0 && text[end] == '"' {
		s.rest = text[end+1:]
		return text[:end], nil
	}
	var value strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			s.rest = text[i+1:]
			return value.String(), nil
		case '\\':
			i++
			at := -1
			if i < len(text) {
				at = strings.IndexByte(`"\n`, text[i])
			}
			if at < 0 {
				return "", errors.New(`a label has a backslash before neither ", \ nor n`)
			}
			value.WriteByte("\"\\\n"[at])
		default:
			value.WriteByte(text[i])
		}
	}
	return "", errors.New("a label has no closing quote")
}

// number reads the value and what may stand behind it: a timestamp, in OpenMetrics an exemplar too.
func (s *sample) number() error {
	fields := s.rest
	if s.open {
		fields, _, _ = strings.Cut(fields, "#")
	}
	parts := strings.FieldsFunc(fields, func(r rune) bool { return r == ' ' || r == '\t' })
	if len(parts) == 0 || len(parts) > 2 {
		return errors.New("it is not a value, with or without a timestamp")
	}
	value, err := parseNumber(parts[0])
	if err != nil {
		return errors.New("the value is no number")
	}
	s.value = value
	if len(parts) == 1 {
		return nil
	}
	if s.open {
		_, err = parseNumber(parts[1])
	} else {
		_, err = strconv.ParseInt(parts[1], 10, 64)
	}
	if err != nil {
		return errors.New("the timestamp is no number")
	}
	return nil
}

// parseNumber reads a number as the official parser does: what Go alone can write is none.
func parseNumber(text string) (float64, error) {
	if strings.ContainsAny(text, "pP_") {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(text, 64)
}
