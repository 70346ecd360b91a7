// Package option reads the options of a kind of check: strictly, with every problem named, and
// describes them as JSON Schema from the same struct.
//
// The struct's fields carry tags: json (the name), help, and where they apply title (else made of the
// name), default, enum (values separated by commas), example, min, max, lines ("true" for a text that
// may have several) and group (the heading under which people should see them; those of one group
// stand together). Those of an embedded struct count as the struct's own.
package option

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette/vedette/pkg/monitor"
)

// Decode reads raw, a JSON object or nothing, into the struct that into points to, and sets the
// defaults of the fields that raw leaves out; null and the empty string leave out too. It reports
// every unknown name, wrong type and value outside of its enum or bounds, as fields "options.name".
func Decode(raw json.RawMessage, into any) monitor.Problems {
	var p monitor.Problems
	decodeObject(&p, "options", raw, reflect.ValueOf(into).Elem())
	return p
}

func decodeObject(p *monitor.Problems, path string, raw json.RawMessage, into reflect.Value) {
	var given map[string]json.RawMessage
	if len(bytes.TrimSpace(raw)) > 0 {
		if err := json.Unmarshal(raw, &given); err != nil {
			p.Add(path, "is not a JSON object: write {\"name\": value}")
			return
		}
	}
	known := make([]string, 0, into.NumField())
	for _, field := range fieldsOf(into.Type()) {
		name := nameOf(field)
		known = append(known, name)
		value, ok := given[name]
		delete(given, name)
		decodeField(p, path+"."+name, field, value, ok && string(value) != "null", into.FieldByIndex(field.Index))
	}
	unknown := make([]string, 0, len(given))
	for name := range given {
		unknown = append(unknown, name)
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		p.Add(path+"."+clip(name), "is not known: there are %s", strings.Join(known, ", "))
	}
}

func decodeField(p *monitor.Problems, path string, field reflect.StructField, raw json.RawMessage, given bool, into reflect.Value) {
	if into.Kind() == reflect.Struct {
		decodeObject(p, path, raw, into)
		return
	}
	if text, ok := field.Tag.Lookup("default"); ok && (!given || string(raw) == `""`) {
		into.Set(reflect.ValueOf(literal(field.Type, text)))
		return
	}
	if !given {
		return
	}
	if err := json.Unmarshal(raw, into.Addr().Interface()); err != nil || holdsNull(raw, into) {
		p.Add(path, "%s is no %s", clip(string(raw)), typeOf(into.Type()))
		into.SetZero() // what was read of it in part is not given
		return
	}
	if allowed := enumOf(field); len(allowed) > 0 && !slices.Contains(allowed, into.String()) {
		p.Add(path, "%q is not allowed: use %s", clip(into.String()), strings.Join(allowed, ", "))
	}
	checkBounds(p, path, field, into)
}

// holdsNull reports whether an item of an array or object is null, which encoding/json takes for an
// empty string.
func holdsNull(raw json.RawMessage, into reflect.Value) bool {
	switch into.Kind() {
	case reflect.Slice:
		var items []*string
		return json.Unmarshal(raw, &items) != nil || slices.Contains(items, nil)
	case reflect.Map:
		var items map[string]*string
		if json.Unmarshal(raw, &items) != nil {
			return true
		}
		for _, item := range items {
			if item == nil {
				return true
			}
		}
	}
	return false
}

func checkBounds(p *monitor.Problems, path string, field reflect.StructField, value reflect.Value) {
	if value.Kind() != reflect.Int {
		return
	}
	low, errLow := strconv.ParseInt(field.Tag.Get("min"), 10, 64)
	high, errHigh := strconv.ParseInt(field.Tag.Get("max"), 10, 64)
	tooLow, tooHigh := errLow == nil && value.Int() < low, errHigh == nil && value.Int() > high
	switch {
	case !tooLow && !tooHigh:
	case errLow != nil:
		p.Add(path, "%d is out of bounds: use at most %d", value.Int(), high)
	case errHigh != nil:
		p.Add(path, "%d is out of bounds: use at least %d", value.Int(), low)
	default:
		p.Add(path, "%d is out of bounds: use %d to %d", value.Int(), low, high)
	}
}

// Schema describes a struct of options as JSON Schema (draft 2020-12). What it accepts, Decode
// accepts. x-order is the order in which people should see the properties, x-group the heading of one, x-lines whether a
// text may have several lines.
func Schema(options any) map[string]any { return schemaOf(reflect.TypeOf(options)) }

func schemaOf(t reflect.Type) map[string]any {
	properties := make(map[string]any, t.NumField())
	order := make([]string, 0, t.NumField())
	for _, field := range fieldsOf(t) {
		name := nameOf(field)
		order = append(order, name)
		properties[name] = describe(field)
	}
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false, "x-order": order}
}

func fieldsOf(t reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(t), func(field reflect.StructField) bool { return field.Anonymous })
}

func describe(field reflect.StructField) map[string]any {
	var s map[string]any
	switch field.Type.Kind() {
	case reflect.Struct:
		s = schemaOf(field.Type)
	case reflect.Slice:
		s = map[string]any{"type": "array", "items": map[string]any{"type": "string"}}
	case reflect.Map:
		s = map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}}
	default:
		s = map[string]any{"type": typeOf(field.Type)}
	}
	s["title"] = title(field)
	s["description"] = field.Tag.Get("help")
	if group := field.Tag.Get("group"); group != "" {
		s["x-group"] = group
	}
	if field.Tag.Get("lines") == "true" {
		s["x-lines"] = true
	}
	if text, ok := field.Tag.Lookup("default"); ok {
		s["default"] = literal(field.Type, text)
	}
	if text, ok := field.Tag.Lookup("example"); ok {
		s["examples"] = []any{literal(field.Type, text)}
	}
	if allowed := enumOf(field); len(allowed) > 0 {
		s["enum"] = allowed
	}
	for tag, keyword := range map[string]string{"min": "minimum", "max": "maximum"} {
		if n, err := strconv.Atoi(field.Tag.Get(tag)); err == nil {
			s[keyword] = n
		}
	}
	return s
}

// literal reads a tag's text as a value of the field's type. It panics on one that is none: tags
// are part of the program.
func literal(t reflect.Type, text string) any {
	if t.Kind() == reflect.String {
		return text
	}
	value := reflect.New(t)
	if err := json.Unmarshal([]byte(text), value.Interface()); err != nil {
		panic(fmt.Sprintf("tag %q is no %s: %v", text, t, err))
	}
	return value.Elem().Interface()
}

func typeOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.Int:
		return "integer"
	case reflect.String:
		return "string"
	case reflect.Slice:
		return "array of strings"
	case reflect.Map:
		return "object of strings"
	default:
		return t.String()
	}
}

func nameOf(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

func enumOf(field reflect.StructField) []string {
	if text := field.Tag.Get("enum"); text != "" {
		return strings.Split(text, ",")
	}
	return nil
}

// title is the tag's, or makes "Follow redirects" of "follow_redirects".
func title(field reflect.StructField) string {
	if text := field.Tag.Get("title"); text != "" {
		return text
	}
	words := strings.ReplaceAll(nameOf(field), "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

func clip(text string) string {
	if len(text) <= 80 {
		return strings.ToValidUTF8(text, "�")
	}
	return strings.ToValidUTF8(text[:80], "") + "…"
}
