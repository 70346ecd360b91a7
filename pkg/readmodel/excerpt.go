package readmodel

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

const (
	// excerptBefore and excerptLength bound what is shown of a value around a difference, in bytes.
	excerptBefore = 40
	excerptLength = 200
)

// Excerpts shows two values of one key around their first difference, unpacked where they are
// packed. nil stands for none.
func Excerpts(key string, old, fresh []byte) (string, string) {
	old, fresh = legible(key, old), legible(key, fresh)
	at := 0
	for at < len(old) && at < len(fresh) && old[at] == fresh[at] {
		at++
	}
	if old == nil || fresh == nil {
		at = 0
	}
	return excerpt(old, at), excerpt(fresh, at)
}

func excerpt(text []byte, at int) string {
	from := max(0, at-excerptBefore)
	if from >= len(text) {
		return ""
	}
	shown, more := text[from:], ""
	if len(shown) > excerptLength {
		shown, more = shown[:excerptLength], "…"
	}
	before := ""
	if from > 0 {
		before = "…"
	}
	return before + strings.ToValidUTF8(string(shown), "") + more
}

// legible unpacks a value. What cannot be unpacked stays as it is.
func legible(key string, value []byte) []byte {
	switch {
	case strings.HasPrefix(key, pagePrefix):
		if text, err := unpack(value); err == nil {
			return text
		}
	case strings.HasPrefix(key, openPrefix), strings.HasPrefix(key, chunkPrefix):
		header, _, _ := bytes.Cut(value, []byte("\n"))
		c, err := readChunk(value)
		if err != nil {
			break
		}
		text := append(bytes.Clone(header), '\n')
		for _, block := range c.packed {
			if unpacked, err := unpack(block); err == nil {
				text = append(text, unpacked...)
			}
		}
		return append(text, c.tail...)
	}
	if !utf8.Valid(value) {
		return []byte("not legible")
	}
	return value
}
