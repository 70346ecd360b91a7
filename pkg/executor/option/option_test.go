package option_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/executor/option"
)

type sample struct {
	Mode   string            `json:"mode" default:"fast" enum:"fast,slow" help:"How."`
	Count  int               `json:"count" default:"3" min:"1" max:"5" help:"How often."`
	Follow bool              `json:"follow" default:"true" help:"Whether."`
	Note   string            `json:"note" example:"a, b" help:"Anything."`
	Names  []string          `json:"names" example:"[\"a\"]" help:"Names."`
	Pairs  map[string]string `json:"pairs" help:"Pairs."`
	Inner  inner             `json:"inner" help:"More."`
}

type inner struct {
	Level int  `json:"level" max:"9" help:"How deep."`
	Deep  bool `json:"deep" help:"Whether."`
}

func TestDecode(t *testing.T) {
	defaults := sample{Mode: "fast", Count: 3, Follow: true}
	for raw, want := range map[string]sample{
		``: defaults, `{}`: defaults, ` null `: defaults,
		`{"mode":null,"count":null,"names":null,"pairs":null,"inner":null}`: defaults,
		`{"mode":"","note":""}`: defaults,
		`{"mode":"slow","count":5,"follow":false,"note":"x","names":["a",""],"pairs":{"k":"v"},"inner":{"level":-4,"deep":true}}`: {
			Mode: "slow", Count: 5, Note: "x", Names: []string{"a", ""}, Pairs: map[string]string{"k": "v"}, Inner: inner{-4, true},
		},
	} {
		var got sample
		require.Empty(t, option.Decode(json.RawMessage(raw), &got), raw)
		require.Equal(t, want, got, raw)
	}
}

func TestDecodeNamesEverythingThatIsWrong(t *testing.T) {
	for raw, problems := range map[string]string{
		`[]`:                       `options: is not a JSON object: write {"name": value}`,
		`"x"`:                      `options: is not a JSON object: write {"name": value}`,
		`{"mode"`:                  `options: is not a JSON object: write {"name": value}`,
		`{} {}`:                    `options: is not a JSON object: write {"name": value}`,
		`{"Mode":"fast"}`:          `options.Mode: is not known: there are mode, count, follow, note, names, pairs, inner`,
		`{"mode":"FAST"}`:          `options.mode: "FAST" is not allowed: use fast, slow`,
		`{"mode":3}`:               `options.mode: 3 is no string`,
		`{"count":0}`:              `options.count: 0 is out of bounds: use 1 to 5`,
		`{"count":6}`:              `options.count: 6 is out of bounds: use 1 to 5`,
		`{"count":1.5}`:            `options.count: 1.5 is no integer`,
		`{"count":"2"}`:            `options.count: "2" is no integer`,
		`{"count":1e40}`:           `options.count: 1e40 is no integer`,
		`{"follow":"yes"}`:         `options.follow: "yes" is no boolean`,
		`{"names":"a"}`:            `options.names: "a" is no array of strings`,
		`{"names":["a",null]}`:     `options.names: ["a",null] is no array of strings`,
		`{"pairs":{"a":1}}`:        `options.pairs: {"a":1} is no object of strings`,
		`{"pairs":{"a":null}}`:     `options.pairs: {"a":null} is no object of strings`,
		`{"inner":7}`:              `options.inner: is not a JSON object: write {"name": value}`,
		`{"inner":{"level":10}}`:   `options.inner.level: 10 is out of bounds: use at most 9`,
		`{"inner":{"levl":1}}`:     `options.inner.levl: is not known: there are level, deep`,
		`{"x":1,"count":9,"a":2}`:  `options.count: 9 is out of bounds: use 1 to 5; options.a: is not known: there are mode, count, follow, note, names, pairs, inner; options.x: is not known: there are mode, count, follow, note, names, pairs, inner`,
		`{"` + long + `":1}`:       `options.` + long[:80] + `…: is not known: there are mode, count, follow, note, names, pairs, inner`,
		`{"count":"` + long + `"}`: `options.count: "` + long[:79] + `… is no integer`,
	} {
		var into sample
		require.EqualError(t, option.Decode(json.RawMessage(raw), &into).Err(), problems, raw)
	}
}

var long = strings.Repeat("x", 500)

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	raw, err := json.Marshal(option.Schema(sample{}))
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("options.json", document))
	schema, err := c.Compile("options.json")
	require.NoError(t, err)
	return schema
}

// TestSchemaAndDecoderAgree on whatever could be sent, but for null and the empty string, which the
// decoder takes for left out.
func TestSchemaAndDecoderAgree(t *testing.T) {
	schema := compiled(t)
	scalar := rapid.OneOf(
		rapid.Just[any](true), rapid.Just[any]("fast"), rapid.Just[any]("slow"), rapid.Just[any]("x"),
		rapid.Map(rapid.IntRange(-12, 12), func(n int) any { return n }), rapid.Just[any](1.5), rapid.Just[any](math.MaxInt32),
		rapid.Just[any]([]any{}), rapid.Just[any]([]any{"a"}), rapid.Just[any]([]any{1}), rapid.Just[any](map[string]any{"level": 1}),
		rapid.Just[any](map[string]any{}), rapid.Just[any](map[string]any{"k": "v"}), rapid.Just[any](map[string]any{"k": 2}),
		rapid.Just[any](map[string]any{"deep": true, "level": 99}),
	)
	name := rapid.SampledFrom([]string{"mode", "count", "follow", "note", "names", "pairs", "inner", "other"})
	rapid.Check(t, func(t *rapid.T) {
		raw, err := json.Marshal(rapid.MapOfN(name, scalar, 0, 3).Draw(t, "options"))
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		var into sample
		decoded, described := option.Decode(raw, &into).Err(), schema.Validate(document)
		if (decoded == nil) != (described == nil) {
			t.Fatalf("%s: decoder: %v; schema: %v", raw, decoded, described)
		}
	})
}

func TestSchemaTellsDefaultsOrderAndHelp(t *testing.T) {
	schema := option.Schema(sample{})
	require.Equal(t, []string{"mode", "count", "follow", "note", "names", "pairs", "inner"}, schema["x-order"])
	properties, ok := schema["properties"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, map[string]any{
		"type": "integer", "title": "Count", "description": "How often.", "default": 3, "minimum": 1, "maximum": 5,
	}, properties["count"])
	require.Equal(t, map[string]any{
		"type": "string", "title": "Mode", "description": "How.", "default": "fast", "enum": []string{"fast", "slow"},
	}, properties["mode"])
	require.Equal(t, []any{[]string{"a"}}, properties["names"].(map[string]any)["examples"])
	require.NotContains(t, properties["mode"], "x-group")
	type grouped struct {
		Way string `json:"way" group:"Network" help:"Which."`
	}
	properties, ok = option.Schema(grouped{})["properties"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, "Network", properties["way"].(map[string]any)["x-group"])
	properties, ok = schema["properties"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, []any{"a, b"}, properties["note"].(map[string]any)["examples"])
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{``, `{}`, `{"mode":"slow","count":5}`, `{"pairs":{"a":null}}`, `{"inner":{"level":1e1}}`, `[`, `{"\ud800":1}`} {
		f.Add([]byte(seed))
	}
	schema := compiled(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var into, again sample
		problems := option.Decode(raw, &into)
		for _, p := range problems {
			require.Regexp(t, `^options(\.(.|\n)*)?$`, p.Field)
			require.NotEmpty(t, p.Message)
		}
		if problems.Err() != nil {
			return
		}
		encoded, err := json.Marshal(into)
		require.NoError(t, err)
		require.Empty(t, option.Decode(encoded, &again), "what was decoded is within its bounds")
		require.Equal(t, fmt.Sprint(into), fmt.Sprint(again))
		if into.Names != nil && into.Pairs != nil {
			document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(encoded)))
			require.NoError(t, err)
			require.NoError(t, schema.Validate(document))
		}
	})
}

func TestEmbeddedFieldsAreTheStructsOwn(t *testing.T) {
	type whole struct {
		inner

		Name string `json:"name" help:"Name."`
	}
	var got whole
	require.Empty(t, option.Decode(json.RawMessage(`{"level":7,"name":"x"}`), &got))
	require.Equal(t, whole{inner{Level: 7}, "x"}, got)
	require.Equal(t, []string{"level", "deep", "name"}, option.Schema(whole{})["x-order"])
	problems := option.Decode(json.RawMessage(`{"inner":{}}`), &got)
	require.Len(t, problems, 1)
	require.Equal(t, "options.inner", problems[0].Field)
}

func TestSchemaOfTexts(t *testing.T) {
	type texts struct {
		MaxRedirects string `json:"max_redirects" help:"A."`
		URL          string `json:"url" title:"URL" lines:"true" help:"B."`
	}
	properties, _ := option.Schema(texts{})["properties"].(map[string]any)
	require.Equal(t, map[string]any{"type": "string", "title": "Max redirects", "description": "A."}, properties["max_redirects"])
	require.Equal(t, map[string]any{"type": "string", "title": "URL", "description": "B.", "x-lines": true}, properties["url"])
}
