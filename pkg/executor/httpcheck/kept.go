package httpcheck

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vedette/vedette/pkg/executor/secrets"
)

const (
	// maxKept bounds what a result keeps of an answer, in bytes as JSON.
	maxKept = 2 << 10
	// maxLooked is how much of the body is looked at for that.
	maxLooked = 64 << 10
	// A body that was cut may end within a secret, which then cannot be told from other text: so much
	// of its end is not kept, in bytes.
	unsafeEnd = 16 << 10
)

// kept is the beginning of the answer as a result keeps it: status, headers and body, secrets taken
// out before it is cut. Cookies, which are secrets of the server's, are left out.
func (a *answer) kept(clean func(string) string) string {
	var head strings.Builder
	fmt.Fprintf(&head, "%s %s\n", a.response.Proto, a.response.Status)
	names := make([]string, 0, len(a.response.Header))
	for name := range a.response.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range a.response.Header[name] {
			if name == "Set-Cookie" {
				value = secrets.Redacted
			}
			fmt.Fprintf(&head, "%s: %s\n", name, strings.ToValidUTF8(value, "�"))
		}
	}
	body, cut := a.body.beginning(maxLooked)
	body = clean(body)
	if cut {
		body = strings.ToValidUTF8(body[:max(0, len(body)-unsafeEnd)], "")
	}
	return cutAsJSON(clean(head.String())+"\n"+body, maxKept)
}

// cutAsJSON shortens a text to at most so many bytes when written as JSON.
func cutAsJSON(text string, most int) string {
	const escaped = 6
	size := 0
	for i, c := range text {
		switch {
		case c == '\n' || c == '\t' || c == '\r' || c == '"' || c == '\\':
			size += 2
		case c < ' ' || c == 0x7f || c == '<' || c == '>' || c == '&' || c == '\u2028' || c == '\u2029':
			size += escaped
		default:
			size += utf8.RuneLen(c)
		}
		if size > most {
			return text[:i] + "…"
		}
	}
	return text
}
