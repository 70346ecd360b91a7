package secrets

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Redacted stands where a secret's value was.
const Redacted = "•••"

// Empty reports whether no secret was used, so that there is nothing to redact.
func (v *Vault) Empty() bool { return len(v.used) == 0 }

// Redact takes the values of the secrets used out of text, also where they are written for a URL,
// quoted, as JSON, HTML or hexadecimal, or in base64, alone or within something longer.
func (v *Vault) Redact(text string) string {
	cuts := v.find(text)
	if len(cuts) == 0 {
		return text
	}
	return cut(text, cuts)
}

// Find returns where Redact would take something out, from and to in bytes, in order and apart.
func (v *Vault) Find(text string) (places [][2]int) {
	cuts := v.find(text)
	slices.SortFunc(cuts, func(a, b span) int { return a.from - b.from })
	for _, c := range cuts {
		if last := len(places) - 1; last >= 0 && c.from <= places[last][1] {
			places[last][1] = max(places[last][1], c.to)
			continue
		}
		places = append(places, [2]int{c.from, c.to})
	}
	return places
}

// Longest is the most bytes that Redact would take out in one place, were it no part of a longer one.
func (v *Vault) Longest() (most int) {
	for _, form := range v.forms {
		most = max(most, len(form))
	}
	return most
}

func (v *Vault) find(text string) (cuts []span) {
	for _, form := range v.forms {
		for from := 0; ; {
			at := strings.Index(text[from:], form)
			if at < 0 {
				break
			}
			cuts = append(cuts, span{from + at, from + at + len(form)})
			from += at + 1 // the next may overlap this one
		}
	}
	return cuts
}

type span struct{ from, to int }

// cut replaces the spans, those that touch or overlap as one.
func cut(text string, cuts []span) string {
	slices.SortFunc(cuts, func(a, b span) int { return a.from - b.from })
	var out strings.Builder
	done := 0
	for i, c := range cuts {
		if i == 0 || c.from > done {
			out.WriteString(text[done:c.from])
			out.WriteString(Redacted)
		}
		done = max(done, c.to)
	}
	out.WriteString(text[done:])
	return out.String()
}

// formsOf are the ways in which a value may come back.
func formsOf(value string) []string {
	quoted := strconv.Quote(value)
	ascii := strconv.QuoteToASCII(value)
	encoded, _ := json.Marshal(value) //nolint:errchkjson // a string always can be
	var plain strings.Builder
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) //nolint:errchkjson // a string always can be
	unescaped := strings.TrimSuffix(plain.String(), "\n")
	forms := []string{
		value, unescaped[1 : len(unescaped)-1], quoted[1 : len(quoted)-1], ascii[1 : len(ascii)-1], string(encoded[1 : len(encoded)-1]),
		url.QueryEscape(value), url.PathEscape(value), (&url.URL{Path: value}).EscapedPath(), html.EscapeString(value),
	}
	for _, form := range forms[5:8] {
		forms = append(forms, lowerEscapes(form))
	}
	digits := hex.EncodeToString([]byte(value))
	for _, form := range append(base64Forms(value), digits, strings.ToUpper(digits)) {
		if len(form) >= leastEncoded {
			forms = append(forms, form)
		}
	}
	slices.Sort(forms)
	return slices.Compact(forms)
}

// leastEncoded is from how many characters on an encoded value is looked for: a shorter one would
// be found in what has nothing to do with the secret.
const leastEncoded = 6

// lowerEscapes writes the hexadecimal digits after % in lower case: servers write either.
func lowerEscapes(text string) string {
	out := []byte(text)
	for i := 0; i+2 < len(out); i++ {
		if out[i] == '%' {
			copy(out[i+1:], strings.ToLower(string(out[i+1:i+3])))
		}
	}
	return string(out)
}

// base64Forms are a value's characters in base64, whatever stands before and after it, as in
// "Basic " + base64("user:" + value): three positions, less the characters shared with neighbours.
func base64Forms(value string) (forms []string) {
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + value))
			text = text[(before*8+5)/6:]
			if (before+len(value))%3 != 0 {
				text = text[:len(text)-1]
			}
			forms = append(forms, text)
		}
		forms = append(forms, encoding.EncodeToString([]byte(value)))
	}
	return forms
}

// RedactValue takes them out of every string of a value made of maps, slices and scalars.
func (v *Vault) RedactValue(value any) any {
	switch value := value.(type) {
	case string:
		return v.Redact(value)
	case []string:
		redacted := make([]string, len(value))
		for i, item := range value {
			redacted[i] = v.Redact(item)
		}
		return redacted
	case []any:
		redacted := make([]any, len(value))
		for i, item := range value {
			redacted[i] = v.RedactValue(item)
		}
		return redacted
	case map[string]any:
		redacted := make(map[string]any, len(value))
		for key, item := range value {
			redacted[v.Redact(key)] = v.RedactValue(item)
		}
		return redacted
	case map[string]string:
		redacted := make(map[string]string, len(value))
		for key, item := range value {
			redacted[v.Redact(key)] = v.Redact(item)
		}
		return redacted
	default:
		return value
	}
}
