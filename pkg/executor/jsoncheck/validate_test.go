package jsoncheck

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

func TestValidationEndsWithItsContext(t *testing.T) {
	s, problem := compileSchema(`{"items":{"items":{"type":"number"}}}`)
	require.Empty(t, problem)
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(nil)
	document := []any{[]any{1.0, 2.0}, []any{3.0}}
	require.ErrorIs(t, s.violation(ended, document), context.Canceled, "in the middle, as a rule was evaluated")

	s.turn <- struct{}{} // another has the turn
	require.ErrorIs(t, s.violation(ended, document), context.Canceled, "while it waits")
	<-s.turn

	require.NoError(t, s.violation(t.Context(), document), "and the next one goes on")
	require.ErrorContains(t, s.violation(t.Context(), []any{[]any{"x"}}), "at /0/0: got string, want number")
}

func TestDraftsAreWatchedAlike(t *testing.T) {
	alternatives := strings.Repeat(`{"const":1},`, 100) + `{"const":2}`
	document := make([]any, 100)
	for i := range document {
		document[i] = 0.0
	}
	for _, draft := range []string{"http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-06/schema#", "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2019-09/schema", "https://json-schema.org/draft/2020-12/schema"} {
		s, problem := compileSchema(`{"$schema":"` + draft + `","items":{"anyOf":[` + alternatives + `]}}`)
		require.Empty(t, problem, draft)
		require.ErrorIs(t, s.violation(t.Context(), document), errTooMuch, draft)
	}
}

func TestLongListsOfValuesTakeLittle(t *testing.T) {
	document := make([]any, 500)
	for i := range document {
		document[i] = "v" + strconv.Itoa(i%200)
	}
	alternatives := make([]string, 200)
	for i := range alternatives {
		alternatives[i] = fmt.Sprintf(`{"const":"v%d","title":"Value %d"}`, i, i)
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		s, problem := compileSchema(`{"items":{"` + keyword + `":[` + strings.Join(alternatives, ",") + `]}}`)
		require.Empty(t, problem)
		require.NoError(t, s.violation(t.Context(), document), keyword)
		require.ErrorContains(t, s.violation(t.Context(), []any{"w"}), "the body does not fit the schema at /0: value must be one of 'v0', 'v1'")
	}
}

// TestNumbersOfAListAreCounted: to compare one the library converts it.
func TestNumbersOfAListAreCounted(t *testing.T) {
	s, problem := compileSchema(`{"items":{"enum":[` + strings.Repeat("1,", 100) + `0]}}`)
	require.Empty(t, problem)
	document := make([]any, 100)
	for i := range document {
		document[i] = 0.0
	}
	require.ErrorIs(t, s.violation(t.Context(), document), errTooMuch)
}

func TestTextsAreGatheredWhereThatSaysTheSame(t *testing.T) {
	for schema, want := range map[string]string{
		`{"anyOf":[{"const":"a"},{"enum":["b","c"]}]}`:              `{"enum":["a","b","c"]}`,
		`{"oneOf":[{"const":"a","description":"A"},{"const":"b"}]}`: `{"enum":["a","b"]}`,
		`{"not":{"anyOf":[{"const":"a"}]}}`:                         `{"not":{"enum":["a"]}}`,
	} {
		require.JSONEq(t, want, gatheredText(t, schema))
	}
	for _, same := range []string{
		`{"oneOf":[{"const":1},{"const":2}]}`, `{"oneOf":[{"const":"a"},{"const":"a"}]}`, `{"anyOf":[{"const":"a"},{"const":"a"}]}`, `{"anyOf":[{"const":"a"},{"const":1}]}`,
		`{"anyOf":[{"const":"a"},{"type":"string"}]}`, `{"anyOf":[{"const":"a","enum":["a"]}]}`, `{"anyOf":[{"const":"a"}],"enum":["a"]}`,
		`{"anyOf":[]}`, `{"const":{"anyOf":[{"const":"a"}]}}`, `{"anyOf":[true]}`,
		`{"$schema":"http://json-schema.org/draft-04/schema#","anyOf":[{"const":"a"}]}`, `{"anyOf":[{"const":"a"}],"items":{"$ref":"#/anyOf/0"}}`,
	} {
		require.JSONEq(t, same, gatheredText(t, same))
	}
}

func gatheredText(t *testing.T, schema string) string {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	require.NoError(t, err)
	gathered(document, schema)
	raw, err := json.Marshal(document)
	require.NoError(t, err)
	return string(raw)
}

func BenchmarkSteps(b *testing.B) {
	for name, rules := range map[string]string{"alternatives": `{"items":{"anyOf":[{"minimum":1},{"minimum":2},{"minimum":-1}]}}`, "objects": `{"items":{"properties":{"a":{"type":"number"},"b":{"type":"string"}}}}`} {
		s, problem := compileSchema(rules)
		require.Empty(b, problem)
		document := make([]any, 300)
		for i := range document {
			document[i] = 0.0
			if name == "objects" {
				document[i] = map[string]any{"a": 1.0, "b": "x"}
			}
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, s.violation(b.Context(), document))
			}
			b.ReportMetric(float64(s.steps), "steps")
		})
	}
}
