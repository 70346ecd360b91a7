package assertion_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/assertion"
)

// TestComparisonsEndWithTheirContext in the midst of two values, of which one step of CEL would compare
// all.
func TestComparisonsEndWithTheirContext(t *testing.T) {
	deep := func() any {
		list := make([]any, 1000)
		for i := range list {
			list[i] = map[string]any{"a": []any{float64(i), "x"}}
		}
		return list
	}
	v := values()
	v["json"] = map[string]any{"a": deep(), "b": deep(), "c": []any{deep()}}
	for _, expression := range []string{`json.a == json.b`, `!(json.a != json.b)`, `json.a in json.c`, `json == json`} {
		a, err := compiler(t).Compile(expression)
		require.NoError(t, err)
		passed, actual, err := a.Evaluate(t.Context(), assertion.Known(v), nil)
		require.NoError(t, err, expression)
		require.True(t, passed, "%s: %s", expression, actual)

		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err = a.Evaluate(ended, assertion.Known(v), nil)
		require.ErrorIs(t, err, context.Canceled, expression)
	}
}

func TestManyLargeComparisonsTakeTooMuch(t *testing.T) {
	v := values()
	list := make([]any, 1<<17)
	v["json"] = map[string]any{"a": []any{list}, "b": []any{append([]any{}, list...)}}
	a, err := compiler(t).Compile(strings.TrimSuffix(strings.Repeat("json.a == json.b && ", 100), " && "))
	require.NoError(t, err)
	begun := time.Now()
	_, _, err = a.Evaluate(t.Context(), assertion.Known(v), nil)
	require.ErrorContains(t, err, "more work than an assertion may")
	t.Log(time.Since(begun))
}

func TestComparisonsAreThoseOfCEL(t *testing.T) {
	v := values()
	v["json"] = map[string]any{
		"list": []any{1.0, "a", nil, map[string]any{"k": []any{true}}}, "same": []any{1.0, "a", nil, map[string]any{"k": []any{true}}},
		"other": []any{1.0, "a", nil, map[string]any{"k": []any{false}}}, "map": map[string]any{"k": 1.0},
	}
	for _, expression := range []string{
		`json.list == json.same`, `json.list != json.other`, `json.list != json.map`, `json.map == {"k": 1}`, `json.list[2] == null`,
		`json.list == [1, "a", null, {"k": [true]}]`, `[] == [] && {} == {}`, `{"k": [true]} in json.list`, `!({"k": [false]} in json.list)`,
		`"k" in json.map`, `!("x" in json.map)`, `1 in json.list`, `json.map != {"x": 1}`, `json.list != [1]`,
	} {
		a, err := compiler(t).Compile(expression)
		require.NoError(t, err)
		passed, actual, err := a.Evaluate(t.Context(), assertion.Known(v), nil)
		require.NoError(t, err, expression)
		require.True(t, passed, "%s: %s", expression, actual)
	}
}
