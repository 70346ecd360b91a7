// Package secrets puts the values of secrets in where a definition names them, secret://name, and
// takes them out again of whatever is reported.
package secrets

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// ErrUnknown: the runner has no value for a secret.
var ErrUnknown = errors.New("secret is not known to this runner")

// Redacted stands where a secret's value was.
const Redacted = "•••"

// Source finds values: in the environment as VEDETTE_SECRET_<NAME>, upper case with _ for -, then
// in a file <name> of Dir, a trailing newline left out.
type Source struct {
	// Dir is a folder of one file per secret; empty for none.
	Dir string
	// Env looks up environment variables; default os.LookupEnv.
	Env func(name string) (string, bool)
}

const prefix = "secret://"

// reference matches what names a secret.
func reference() *regexp.Regexp { return regexp.MustCompile(`secret://([a-zA-Z0-9_-]{1,64})`) }

// Vault is the secrets that one execution used. It is not safe for concurrent use.
type Vault struct {
	source Source
	used   map[string]string
}

// Open returns a vault for one execution.
func (s Source) Open() *Vault { return &Vault{source: s} }

// Fill puts in the values of the secrets that text names. ErrUnknown: one is not known.
func (v *Vault) Fill(text string) (string, error) {
	if !strings.Contains(text, prefix) {
		return text, nil
	}
	var failed error
	filled := reference().ReplaceAllStringFunc(text, func(found string) string {
		value, err := v.value(strings.TrimPrefix(found, prefix))
		if err != nil {
			failed = errors.Join(failed, err)
		}
		return value
	})
	return filled, failed
}

func (v *Vault) value(name string) (string, error) {
	if value, ok := v.used[name]; ok {
		return value, nil
	}
	value, err := v.source.lookup(name)
	if err != nil {
		return "", err
	}
	if v.used == nil {
		v.used = make(map[string]string)
	}
	v.used[name] = value
	return value, nil
}

func (s Source) lookup(name string) (string, error) {
	env := s.Env
	if env == nil {
		env = os.LookupEnv
	}
	variable := "VEDETTE_SECRET_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	if value, ok := env(variable); ok {
		return value, nil
	}
	if s.Dir != "" {
		// The name is letters, digits, _ and -: it cannot leave the folder.
		raw, err := os.ReadFile(filepath.Join(s.Dir, name))
		if err == nil {
			return strings.TrimRight(string(raw), "\r\n"), nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("%w: %s: its file cannot be read", ErrUnknown, name)
		}
	}
	return "", fmt.Errorf("%w: %s: set %s, or put a file %s into the folder of --secrets-dir", ErrUnknown, name, variable, name)
}

// Empty reports whether no secret was used, so that there is nothing to redact.
func (v *Vault) Empty() bool { return len(v.used) == 0 }

// Redact takes the values of the secrets used out of text, also where they are written for a URL
// or in base64.
func (v *Vault) Redact(text string) string {
	if v.Empty() {
		return text
	}
	var forms []string
	for _, value := range v.used {
		if value != "" {
			forms = append(forms, value, url.QueryEscape(value), url.PathEscape(value), base64.StdEncoding.EncodeToString([]byte(value)))
		}
	}
	// Longest first, lest a part of a value hide the whole.
	sort.Slice(forms, func(i, j int) bool { return len(forms[i]) > len(forms[j]) })
	for _, form := range forms {
		text = strings.ReplaceAll(text, form, Redacted)
	}
	return text
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
