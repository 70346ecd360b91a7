package wire

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// readable writes what cannot be shown as \xHH; an end of a line is one, whichever it was.
func readable(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var out strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '\n', r == '\t', unicode.IsPrint(r) && (r != utf8.RuneError || size > 1):
			out.WriteString(text[i : i+size])
		default:
			for _, b := range []byte(text[i : i+size]) {
				_, _ = fmt.Fprintf(&out, `\x%02x`, b)
			}
		}
		i += size
	}
	return out.String()
}

// within shortens a text to what takes no more bytes than that as JSON.
func within(text string, most int) string {
	if jsonLength(text) <= most {
		return text
	}
	const mark = "…"
	length := len(mark)
	for i, r := range text {
		if length += widthOf(r); length > most {
			return text[:i] + mark
		}
	}
	return text
}

func jsonLength(text string) (length int) {
	for _, r := range text {
		length += widthOf(r)
	}
	return length
}

// widthOf is how many bytes encoding/json takes for a character that is printable, or \n or \t.
func widthOf(r rune) int {
	switch r {
	case '"', '\\', '\n', '\t':
		return 2
	case '<', '>', '&', '\u2028', '\u2029':
		return 6
	}
	return max(1, utf8.RuneLen(r))
}
