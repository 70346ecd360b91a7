package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vedette/vedette/pkg/monitor"
)

// parseObject reads a JSON object. Its error is a *Problem that says where the JSON is broken.
func parseObject(raw []byte) (map[string]json.RawMessage, error) {
	switch {
	case len(bytes.TrimSpace(raw)) == 0:
		return nil, problem(http.StatusBadRequest, "json", "the body is empty: send a JSON object")
	case !utf8.Valid(raw):
		return nil, problem(http.StatusBadRequest, "json", "the body is not valid UTF-8")
	}
	var object map[string]json.RawMessage
	err := json.Unmarshal(raw, &object)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		line, column := placeOf(raw, syntax.Offset)
		return nil, problem(http.StatusBadRequest, "json", "the body is not valid JSON, at line %d, column %d: %v", line, column, syntax)
	case err != nil, object == nil:
		return nil, problem(http.StatusBadRequest, "json", "the body is not a JSON object: write {\"name\": value, …}")
	}
	return object, nil
}

func placeOf(raw []byte, offset int64) (line, column int) {
	before := raw[:min(int(offset), len(raw))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n') - 1
}

// decodeFields sets the fields of the struct that into points to. It reports every name that is not
// known and every value of a wrong type; null is as good as nothing. ignored are known but not read.
func decodeFields(object map[string]json.RawMessage, into any, ignored ...string) monitor.Problems {
	var p monitor.Problems
	target := reflect.ValueOf(into).Elem()
	var known []string
	for i := range target.NumField() {
		name, _, _ := strings.Cut(target.Type().Field(i).Tag.Get("json"), ",")
		known = append(known, name)
		if raw, given := object[name]; given && string(raw) != "null" {
			decodeField(&p, name, raw, target.Field(i))
		}
	}
	var unknown []string
	for name := range object {
		if !slices.Contains(known, name) && !slices.Contains(ignored, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		p.Add(clip(name), "%s", unknownField(name, known))
	}
	return p
}

// readOnly are the fields that a view has and a definition has not.
func readOnly() []string {
	return []string{
		"revision", "status", "status_since", "created_at", "updated_at", "decided_at", "incident", "reason", "pending",
		"sequence", "last_result", "uptime", "recent", "latency_ms", "checks",
	}
}

func unknownField(name string, known []string) string {
	if slices.Contains(readOnly(), name) {
		return "cannot be set: remove it"
	}
	nearest, distance := "", 3
	for _, k := range known {
		if d := editDistance(name, k); d < distance {
			nearest, distance = k, d
		}
	}
	if nearest != "" {
		return fmt.Sprintf("is not known: did you mean %s?", nearest)
	}
	return "is not known: there are " + strings.Join(known, ", ")
}

// editDistance is the number of letters to insert, remove or replace; of long names it is large.
func editDistance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// decodeField reads one value; lists and maps element by element, so that each wrong one is named.
func decodeField(p *monitor.Problems, path string, raw json.RawMessage, into reflect.Value) {
	switch {
	case into.Type() == reflect.TypeFor[json.RawMessage]():
		into.SetBytes(compact(raw))
	case into.Kind() == reflect.Slice:
		var elements []json.RawMessage
		if json.Unmarshal(raw, &elements) != nil {
			p.Add(path, "%s is no list: write [\"…\", \"…\"]", clip(string(raw)))
			return
		}
		into.Set(reflect.MakeSlice(into.Type(), len(elements), len(elements)))
		for i, element := range elements {
			decodeField(p, fmt.Sprintf("%s[%d]", path, i), element, into.Index(i))
		}
	case into.Kind() == reflect.Map:
		var entries map[string]json.RawMessage
		if json.Unmarshal(raw, &entries) != nil {
			p.Add(path, "%s is no object: write {\"key\": \"value\"}", clip(string(raw)))
			return
		}
		into.Set(reflect.MakeMapWithSize(into.Type(), len(entries)))
		for key, entry := range entries {
			value := reflect.New(into.Type().Elem()).Elem()
			decodeField(p, path+"."+clip(key), entry, value)
			into.SetMapIndex(reflect.ValueOf(key), value)
		}
	default:
		decodeValue(p, path, raw, into)
	}
}

func decodeValue(p *monitor.Problems, path string, raw json.RawMessage, into reflect.Value) {
	err := json.Unmarshal(raw, into.Addr().Interface())
	switch {
	case err == nil && string(raw) != "null":
	case into.Type() == reflect.TypeFor[monitor.Duration]():
		p.Add(path, "%s is no duration: write a string with a unit, such as \"30s\", \"1m30s\" or \"500ms\"", clip(string(raw)))
	case into.Type() == reflect.TypeFor[time.Time]():
		p.Add(path, "%s is no time: write one such as \"2026-03-14T22:00:00Z\"", clip(string(raw)))
	case into.Kind() == reflect.String:
		p.Add(path, "%s is no string: put it in quotes", clip(string(raw)))
	case into.Kind() == reflect.Bool:
		p.Add(path, "%s is neither true nor false", clip(string(raw)))
	default:
		p.Add(path, "%s is no whole number, or too large: write one without quotes, such as 3", clip(string(raw)))
	}
}

func compact(raw json.RawMessage) []byte {
	var out bytes.Buffer
	if json.Compact(&out, raw) != nil {
		return raw
	}
	return out.Bytes()
}

// without leaves out the problems of fields that others are about already.
func without(problems, others monitor.Problems) monitor.Problems {
	return slices.DeleteFunc(problems, func(p monitor.Problem) bool {
		return slices.ContainsFunc(others, func(o monitor.Problem) bool { return rootOf(o.Field) == rootOf(p.Field) })
	})
}

func rootOf(field string) string {
	if i := strings.IndexAny(field, ".["); i > 0 {
		return field[:i]
	}
	return field
}

// clip keeps what a user sent short enough to be quoted back.
func clip(text string) string {
	if len(text) <= 80 {
		return text
	}
	return strings.ToValidUTF8(text[:80], "") + "…"
}
