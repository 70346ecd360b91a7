// Package declare reads services, checks and status pages that are declared in files, and plans what is
// to be done so that a server has them. It does no I/O.
package declare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/vedette/vedette/pkg/monitor"
)

// Set is what is declared, or what there is: as export writes it and apply reads it.
type Set struct {
	Services []monitor.ServiceDefinition `json:"services,omitempty"`
	Checks   []monitor.Definition        `json:"checks,omitempty"`
	Pages    []monitor.PageDefinition    `json:"pages,omitempty"`
}

// Empty reports whether nothing is in it.
func (s Set) Empty() bool { return len(s.Services)+len(s.Checks)+len(s.Pages) == 0 }

// With returns what is in either. What is in both is twice in it, which Validate tells.
func (s Set) With(other Set) Set {
	return Set{
		Services: slices.Concat(s.Services, other.Services), Checks: slices.Concat(s.Checks, other.Checks), Pages: slices.Concat(s.Pages, other.Pages),
	}
}

// Parse reads documents of YAML, of which JSON is a part. A field that there is not is an error.
func Parse(raw []byte) (whole Set, err error) {
	documents := yaml.NewDecoder(bytes.NewReader(raw))
	for n := 1; ; n++ {
		var document any
		if err := documents.Decode(&document); errors.Is(err, io.EOF) {
			return whole, nil
		} else if err != nil {
			return Set{}, fmt.Errorf("neither JSON nor YAML: %s", yaml.FormatError(err, false, true))
		}
		if document == nil { // an empty one
			continue
		}
		inJSON, err := json.Marshal(document)
		if err != nil {
			return Set{}, fmt.Errorf("document %d: %w", n, err)
		}
		strict := json.NewDecoder(bytes.NewReader(inJSON))
		strict.DisallowUnknownFields()
		var set Set
		if err := strict.Decode(&set); err != nil {
			return Set{}, fmt.Errorf("document %d: %s: write lists of services, checks and pages, each as get -o yaml shows it", n, strings.TrimPrefix(err.Error(), "json: "))
		}
		whole = whole.With(set)
	}
}

// YAML writes a set so that Parse reads the same.
func (s Set) YAML() ([]byte, error) {
	inJSON, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("write the definitions: %w", err)
	}
	text, err := yaml.JSONToYAML(inJSON)
	if err != nil {
		return nil, fmt.Errorf("write the definitions: %w", err)
	}
	return text, nil
}

// complete returns the set with the defaults that its definitions leave out.
func (s Set) complete() Set {
	return Set{
		Services: each(s.Services, monitor.ServiceDefinition.WithDefaults), Checks: each(s.Checks, monitor.Definition.WithDefaults),
		Pages: each(s.Pages, monitor.PageDefinition.WithDefaults),
	}
}

func each[T any](of []T, do func(T) T) []T {
	done := make([]T, len(of))
	for i, one := range of {
		done[i] = do(one)
	}
	return done
}
