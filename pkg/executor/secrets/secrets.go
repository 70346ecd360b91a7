// Package secrets puts the values of secrets in where a definition names them, secret://name, and
// takes them out again of whatever is reported.
package secrets

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrUnknown: the runner has no value for a secret.
var ErrUnknown = errors.New("secret is not known to this runner")

// Source finds values: in the environment as VEDETTE_SECRET_<NAME>, upper case with _ for -, then
// in a file <name> of Dir, a trailing newline left out. An empty value is none.
type Source struct {
	// Dir is a folder of one file per secret; empty for none.
	Dir string
	// Env looks up environment variables; default os.LookupEnv.
	Env func(name string) (string, bool)
}

const (
	prefix = "secret://"
	// maxName bounds names of secrets: letters, digits, _ and -.
	maxName = 64
)

// Vault is the secrets that one execution used. It is not safe for concurrent use.
type Vault struct {
	source Source
	used   map[string]string
	// forms are how the values may be written in what a target sends back.
	forms []string
}

// Open returns a vault for one execution.
func (s Source) Open() *Vault { return &Vault{source: s} }

// Fill puts in the values of the secrets that text names. ErrUnknown: one is not known, or nothing
// is named after secret://; then it returns no text.
func (v *Vault) Fill(text string) (string, error) {
	before, rest, found := strings.Cut(text, prefix)
	if !found {
		return text, nil
	}
	var filled strings.Builder
	var failed error
	for found {
		filled.WriteString(before)
		name := rest[:nameLength(rest)]
		value, err := v.value(name)
		failed = errors.Join(failed, err)
		filled.WriteString(value)
		before, rest, found = strings.Cut(rest[len(name):], prefix)
	}
	if failed != nil {
		return "", failed
	}
	return filled.String() + before, nil
}

func nameLength(text string) int {
	for i, c := range []byte(text) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if i == maxName || (!letter && (c < '0' || c > '9') && c != '_' && c != '-') {
			return i
		}
	}
	return len(text)
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
	v.forms = append(v.forms, formsOf(value)...)
	return value, nil
}

// Hide has a value that was come by otherwise, such as a token, taken out as a secret is; one of fewer
// than 6 bytes is not, as it would be found in what has nothing to do with it.
func (v *Vault) Hide(value string) {
	if len(value) < leastEncoded || v.hides(value) {
		return
	}
	if v.used == nil {
		v.used = make(map[string]string)
	}
	v.used[hidden+value] = value // no name of a secret begins so
	v.forms = append(v.forms, formsOf(value)...)
}

const hidden = "hidden:"

func (v *Vault) hides(value string) bool {
	_, ok := v.used[hidden+value]
	return ok
}

func (s Source) lookup(name string) (string, error) {
	if name == "" {
		return "", fmt.Errorf("%w: secret:// is followed by no name: use secret://name, of letters, digits, _ and -", ErrUnknown)
	}
	env := s.Env
	if env == nil {
		env = os.LookupEnv
	}
	variable := "VEDETTE_SECRET_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	if value, ok := env(variable); ok {
		if value == "" {
			return "", fmt.Errorf("%w: %s: %s is empty: set it", ErrUnknown, name, variable)
		}
		return value, nil
	}
	if s.Dir == "" {
		return "", fmt.Errorf("%w: %s: set %s, or give the runner --secrets-dir with a file %s in it", ErrUnknown, name, variable, name)
	}
	// The name is letters, digits, _ and -: it cannot leave the folder.
	raw, err := os.ReadFile(filepath.Join(s.Dir, name))
	value := strings.TrimRight(string(raw), "\r\n")
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("%w: %s: set %s, or put a file %s into the folder of --secrets-dir", ErrUnknown, name, variable, name)
	case err != nil:
		return "", fmt.Errorf("%w: %s: its file in the folder of --secrets-dir cannot be read", ErrUnknown, name)
	case value == "":
		return "", fmt.Errorf("%w: %s: its file in the folder of --secrets-dir is empty", ErrUnknown, name)
	}
	return value, nil
}
