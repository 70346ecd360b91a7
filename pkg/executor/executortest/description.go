package executortest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/monitor"
)

// testDescription: what people and programs read of the kind is all there, and its example works.
func (s Subject) testDescription(t *testing.T) {
	k := s.Executor.Kind()
	require.Regexp(t, `^[a-z][a-z0-9]*$`, k.Name)
	for _, text := range []string{k.Title, k.Summary, k.Target, k.Example} {
		require.NotEmpty(t, text)
	}
	require.Equal(t, k, s.Executor.Kind(), "a description does not change")
	_, problems := s.Executor.Prepare(monitor.Definition{Kind: k.Name, Target: k.Example})
	require.Empty(t, problems, "the example target works without options")
	names := map[string]bool{}
	for _, v := range k.Variables {
		require.Regexp(t, `^[a-z][a-z0-9_]*$`, v.Name)
		require.NotEmpty(t, v.Help, v.Name)
		require.False(t, names[v.Name], "%s is described twice", v.Name)
		names[v.Name] = true
	}
	require.True(t, names["latency"] && names["latency_ms"], "every kind knows its latency")
	_, err := executor.NewTable(s.Executor)
	require.NoError(t, err)
	walk(k.Options, "options", func(path string, property map[string]any) {
		require.NotEmpty(t, property["title"], path)
		require.NotEmpty(t, property["description"], path)
	})
}

// walk visits the properties of a schema, each with its path.
func walk(schema map[string]any, path string, visit func(path string, property map[string]any)) {
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		property, _ := property.(map[string]any)
		visit(path+"."+name, property)
		walk(property, path+"."+name, visit)
	}
}

// testOptions reads from the schema what may be sent wrong, and wants each to be refused by its
// field and by nothing else.
func (s Subject) testOptions(t *testing.T) {
	good := s.Serve(t)
	refused := func(options any, field, cure string) {
		t.Helper()
		d := good
		d.Options = Options(t, options)
		_, problems := s.Executor.Prepare(d)
		require.Len(t, problems, 1, "%s: %v", d.Options, problems)
		require.Equal(t, field, problems[0].Field, "%s", d.Options)
		require.Contains(t, problems[0].Message, cure, "%s", d.Options)
	}
	refused([]any{}, "options", "object")
	refused("x", "options", "object")
	refused(map[string]any{"no_such": 1}, "options.no_such", "there are ")
	walk(s.Executor.Kind().Options, "options", func(path string, property map[string]any) {
		kind, _ := property["type"].(string)
		article := " no " + kind
		if kind == "object" && property["properties"] != nil {
			refused(nested(path, map[string]any{"no_such": 1}), path+".no_such", "there are ")
			article = "is not a JSON object"
		}
		for _, wrong := range []any{true, 7, 1.5, "x", []any{1}, map[string]any{"k": 1}} {
			_, object := wrong.(map[string]any)
			if !fits(kind, wrong) && !(object && property["properties"] != nil) {
				refused(nested(path, wrong), path, article)
			}
		}
		if property["enum"] != nil {
			refused(nested(path, "no_such"), path, "use ")
		}
		if least, ok := property["minimum"].(int); ok {
			refused(nested(path, least-1), path, "out of bounds")
		}
		if most, ok := property["maximum"].(int); ok {
			refused(nested(path, most+1), path, "out of bounds")
		}
	})
	for raw, field := range s.BadOptions {
		refused(json.RawMessage(raw), field, "")
	}
}

// nested builds the object that has a value at a path.
func nested(path string, value any) any {
	names := strings.Split(path, ".")[1:]
	for _, name := range slices.Backward(names) {
		value = map[string]any{name: value}
	}
	return value
}

// fits reports whether a value could be of a type, so that it is not wrong for that.
func fits(kind string, value any) bool {
	switch reflect.TypeOf(value).Kind() {
	case reflect.Bool:
		return kind == "boolean"
	case reflect.Int:
		return kind == "integer" || kind == "number"
	case reflect.Float64:
		return kind == "number"
	case reflect.String:
		return kind == "string"
	default:
		return false // the arrays and objects tried hold what none takes
	}
}

// testSchema: the schema is one, its defaults and examples fit it and the decoder, and what it
// refuses the decoder refuses.
func (s Subject) testSchema(t *testing.T) {
	schema := compile(t, s.Executor.Kind().Options)
	good := s.Serve(t)
	prepare := func(options any) (monitor.Problems, error) {
		d := good
		d.Options = Options(t, options)
		_, problems := s.Executor.Prepare(d)
		return problems, validate(t, schema, d.Options)
	}
	var alternatives []*rapid.Generator[any]
	walk(s.Executor.Kind().Options, "options", func(path string, property map[string]any) {
		values := []any{}
		if value, ok := property["default"]; ok {
			values = append(values, value)
		}
		examples, _ := property["examples"].([]any)
		for _, value := range append(values, examples...) {
			problems, err := prepare(nested(path, value))
			require.NoError(t, err, path)
			require.Empty(t, problems, path)
			alternatives = append(alternatives, rapid.Just(nested(path, value)))
		}
		for _, value := range []any{true, 0, -1, 3, math.MaxInt32, 1.5, "x", "GET", []any{}, []any{"a"}, []any{1}, map[string]any{"k": "v"}, map[string]any{"k": 1}} {
			alternatives = append(alternatives, rapid.Just(nested(path, value)))
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		options := map[string]any{}
		for _, part := range rapid.SliceOfN(rapid.OneOf(alternatives...), 1, 3).Draw(rt, "parts") {
			maps.Copy(options, part.(map[string]any)) //nolint:forcetypeassert // nested returns nothing else
		}
		problems, described := prepare(options)
		if described != nil && problems.Err() == nil {
			rt.Fatalf("%v: the decoder takes what the schema refuses: %v", options, described)
		}
	})
}

func compile(t *testing.T, schema map[string]any) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(Options(t, schema))))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("options.json", document))
	compiled, err := c.Compile("options.json")
	require.NoError(t, err)
	return compiled
}

func validate(t *testing.T, schema *jsonschema.Schema, raw json.RawMessage) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	require.NoError(t, err)
	if err := schema.Validate(document); err != nil {
		return fmt.Errorf("%s: %w", raw, err)
	}
	return nil
}
