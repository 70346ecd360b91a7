package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

func outputs() []string { return []string{"table", "json", "yaml"} }

func (a *app) checkOutput() error {
	if slices.Contains(outputs(), a.output) {
		return nil
	}
	return UsageError{fmt.Errorf("--output %q: use %s", a.output, strings.Join(outputs(), ", "))}
}

// write writes value as JSON or YAML where that is asked for, and calls people otherwise.
func (a *app) write(value any, people func() error) error {
	if a.output == "table" {
		return people()
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	return encode(a.Out, a.output, raw)
}

// encode writes JSON in another form, keeping the order of its members.
func encode(w io.Writer, form string, raw []byte) error {
	var out bytes.Buffer
	raw = escape(raw)
	switch form {
	case "yaml":
		text, err := yaml.JSONToYAML(withoutControls(raw))
		if err != nil {
			return fmt.Errorf("write YAML: %w", err)
		}
		out.Write(text)
	default:
		if err := json.Indent(&out, raw, "", "  "); err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		out.WriteByte('\n')
	}
	_, err := w.Write(out.Bytes())
	return err
}

// escape writes the control characters that JSON lets stand (DEL and C1) as escapes: they could
// control a terminal, and texts come from targets too.
func escape(raw []byte) []byte {
	var out bytes.Buffer
	for _, r := range string(raw) {
		if r >= 0x7f && r <= 0x9f {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes()
}

// withoutControls puts U+FFFD in the place of the control characters that YAML cannot hold.
func withoutControls(raw []byte) []byte {
	escapes := regexp.MustCompile(`\\(u00[0189][0-9a-fA-F]|u007[fF]|.)`)
	return escapes.ReplaceAllFunc(raw, func(found []byte) []byte {
		switch text := strings.ToLower(string(found)); {
		case text == `\u0009` || text == `\u000a` || text == `\u000d`:
			return found
		case strings.HasPrefix(text, `\u00`) || text == `\b` || text == `\f`:
			return []byte(`\ufffd`)
		}
		return found
	})
}
