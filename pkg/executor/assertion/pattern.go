package assertion

import (
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// quickWork is up to what length of text times size of pattern a match needs no watching: a MiB
	// and a pattern of some 30 characters, up to a quarter of a second for the worst of patterns.
	quickWork = 32 << 20
	// matchTime bounds a match that is watched.
	matchTime = 250 * time.Millisecond
	// maxPatterns bounds the compiled patterns kept.
	maxPatterns = 1024
)

// patterns matches regular expressions (RE2) within a bounded time, and keeps them compiled.
type patterns struct {
	mu    sync.Mutex
	known map[string]*pattern
}

type pattern struct {
	*regexp.Regexp
	// size is the number of instructions, of which each may be due at each character.
	size int
}

func (p *patterns) match(text, expression string) (bool, error) {
	compiled, err := p.compile(expression)
	if err != nil {
		return false, err
	}
	if len(text) <= quickWork/compiled.size {
		return compiled.MatchString(text), nil
	}
	watched := &watchedText{text: text, until: time.Now().Add(matchTime)}
	matched := compiled.MatchReader(watched)
	if watched.late {
		return false, fmt.Errorf("the pattern takes too long on %d bytes: use a simpler one", len(text))
	}
	return matched, nil
}

func (p *patterns) compile(expression string) (*pattern, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.known[expression]; known != nil {
		return known, nil
	}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("the pattern %q: %w", clip(expression), err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, fmt.Errorf("the pattern %q: %w", clip(expression), err)
	}
	compiled, err := regexp.Compile(expression)
	if err != nil {
		return nil, fmt.Errorf("the pattern %q: %w", clip(expression), err)
	}
	if p.known == nil || len(p.known) >= maxPatterns {
		p.known = make(map[string]*pattern)
	}
	p.known[expression] = &pattern{compiled, len(program.Inst)}
	return p.known[expression], nil
}

// watchedText ends early when the time is up.
type watchedText struct {
	text  string
	until time.Time
	read  int
	late  bool
}

// ReadRune implements io.RuneReader.
func (w *watchedText) ReadRune() (rune, int, error) {
	const lookEvery = 256
	if w.read%lookEvery == 0 && time.Now().After(w.until) {
		w.late = true
	}
	if w.late || w.text == "" {
		return 0, 0, io.EOF
	}
	w.read++
	r, size := utf8.DecodeRuneInString(w.text)
	w.text = w.text[size:]
	return r, size, nil
}
