package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/goccy/go-yaml"
)

func outputs() []string { return []string{"table", "json", "yaml"} }

func (a *app) checkOutput() error {
	for _, o := range outputs() {
		if a.output == o {
			return nil
		}
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
	switch form {
	case "yaml":
		text, err := yaml.JSONToYAML(raw)
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
