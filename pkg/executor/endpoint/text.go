package endpoint

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

const (
	// MaxReceived is how much of what a server sends patterns are held to, in bytes.
	MaxReceived = 16 << 10
	// maxPattern bounds a pattern in bytes, and maxProgram in the instructions it is made of, each of
	// which may be due at each byte received: at most some 50 ms.
	maxPattern, maxProgram = 500, 500
)

// ParsePattern reads a regular expression that does not match nothing at all, or says what is wrong.
func ParsePattern(text string) (pattern *regexp.Regexp, problem string) {
	if len(text) > maxPattern {
		return nil, fmt.Sprintf("has a pattern that is too long: use at most %d bytes", maxPattern)
	}
	if strings.Contains(text, "secret://") {
		return nil, "refers to a secret, which is only put into what is sent: use a pattern without it"
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, fmt.Sprintf("is no regular expression: %v: use RE2, such as ^220 ", err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxProgram {
		return nil, "has a pattern that is too much work: use a simpler one, with fewer repetitions"
	}
	pattern, err = regexp.Compile(text)
	if err != nil {
		return nil, fmt.Sprintf("is no regular expression: %v: use RE2, such as ^220 ", err)
	}
	if pattern.MatchString("") {
		return nil, "has a pattern that nothing at all matches too: use one that needs a character"
	}
	return pattern, ""
}

// Unescape puts in the bytes that stand behind backslashes, or says what is wrong.
func Unescape(text string) (raw, problem string) {
	const cure = "use \\r, \\n, \\t, \\0, \\\\ or \\xHH"
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		i++
		if i == len(text) {
			return "", "ends in a lone backslash: " + cure
		}
		if at := strings.IndexByte(`rnt0\`, text[i]); at >= 0 {
			b.WriteByte("\r\n\t\x00\\"[at])
			continue
		}
		if text[i] != 'x' || i+2 >= len(text) {
			return "", fmt.Sprintf("has a backslash before %q: %s", text[i], cure)
		}
		n, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
		if err != nil {
			return "", fmt.Sprintf("has \\x before %q, which are no two hexadecimal digits: %s", text[i+1:i+3], cure)
		}
		b.WriteByte(byte(n))
		i += 2
	}
	return b.String(), ""
}
