package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/vedette/vedette/services/vedette/client"
)

// maxFile bounds a definition that is read.
const maxFile = 1 << 20

// readObject reads a definition from a file, or from standard input for "-".
func (a *app) readObject(name string) (client.Object, error) {
	in := a.In
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, UsageError{err}
		}
		defer func() { _ = file.Close() }() // only read
		in = file
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(raw) > maxFile {
		return nil, UsageError{fmt.Errorf("%s is larger than the 1 MiB that a definition may have", name)}
	}
	object, err := parseObject(raw)
	if err != nil {
		return nil, UsageError{fmt.Errorf("%s: %w", name, err)}
	}
	return object, nil
}

// parseObject reads an object of YAML, of which JSON is a part.
func parseObject(raw []byte) (client.Object, error) {
	var object client.Object
	if json.Unmarshal(raw, &object) == nil && object != nil {
		return object, nil
	}
	inJSON, err := yaml.YAMLToJSON(raw)
	if err != nil {
		return nil, fmt.Errorf("neither JSON nor YAML: %s", yaml.FormatError(err, false, true))
	}
	if err := json.Unmarshal(inJSON, &object); err != nil || object == nil {
		return nil, errors.New("holds no object: write one definition, its fields as names and values")
	}
	return object, nil
}

// givenBack takes out of an object what a read adds to a definition, so that what was read can be
// changed and given back, and returns the ETag of the revision that was read, if it is there. view
// and definition are zero values of what the server gives and takes.
func givenBack(object client.Object, view, definition any) (etag string) {
	if revision, ok := object["revision"].(float64); ok {
		etag = fmt.Sprintf("%q", fmt.Sprint(uint64(revision)))
	}
	known := members(reflect.TypeOf(definition))
	for name := range members(reflect.TypeOf(view)) {
		if !known[name] {
			delete(object, name)
		}
	}
	return etag
}

// members are the names under which a struct and those embedded in it are written as JSON.
func members(t reflect.Type) map[string]bool {
	names := map[string]bool{}
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "":
			maps.Copy(names, members(field.Type))
		case name != "" && name != "-":
			names[name] = true
		}
	}
	return names
}
