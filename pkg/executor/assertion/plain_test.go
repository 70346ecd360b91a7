package assertion

import (
	"math"
	"testing"
	"time"

	"github.com/google/cel-go/common/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestWhatHoldsPlainlyHolds by CEL too, whatever is compared with whatever; and what is plain and holds
// is seen to.
func TestWhatHoldsPlainlyHolds(t *testing.T) {
	c, err := NewCompiler([]Variable{
		{Name: "status", Type: "int"}, {Name: "latency", Type: "duration"}, {Name: "ratio", Type: "double"}, {Name: "name", Type: "string"}, {Name: "ok", Type: "bool"},
		{Name: "json", Type: "dyn"}, {Name: "answers", Type: "list(string)"}, {Name: "timings", Type: "map(string, double)"},
	})
	require.NoError(t, err)
	observed := []any{nil, true, false, 0.0, 1.0, -1.5, 200.0, math.Inf(1), math.NaN(), float64(1 << 60), "", "a", "ok", []any{"a"}, map[string]any{"a": 1.0}}
	seen := 0
	rapid.Check(t, func(rt *rapid.T) {
		one := func() string {
			operand := rapid.SampledFrom([]string{"status", "latency", "ratio", "name", "ok", "json", "json.a", "json.a.b", "timings.x", "timings.none"}).Draw(rt, "operand")
			operator := rapid.SampledFrom([]string{"==", "!=", "<", "<=", ">", ">="}).Draw(rt, "operator")
			want := rapid.SampledFrom([]string{"200", "0", "1", "-1", "1152921504606846976", "1.0", "-1.5", "'a'", "'ok'", "''", "true", "false", "null", "duration('1s')", "duration('1500ms')"}).Draw(rt, "want")
			if rapid.IntRange(0, 9).Draw(rt, "in") == 0 {
				return want + " in " + rapid.SampledFrom([]string{"answers", "json.a"}).Draw(rt, "list")
			}
			return operand + " " + operator + " " + want
		}
		text := one()
		if rapid.Bool().Draw(rt, "both") {
			text += " && " + one()
		}
		a, err := c.Compile(text)
		if err != nil {
			return // of types that cannot be compared
		}
		whatever := rapid.SampledFrom(observed)
		values := Known(map[string]any{
			"status": rapid.SampledFrom([]any{200, 0, int64(1)}).Draw(rt, "status"), "latency": rapid.SampledFrom([]any{time.Second, time.Duration(0)}).Draw(rt, "latency"),
			"ratio": rapid.SampledFrom([]any{0.0, 1.0, -1.5, math.NaN()}).Draw(rt, "ratio"), "name": rapid.SampledFrom([]any{"", "a", "ok"}).Draw(rt, "name"), "ok": rapid.Bool().Draw(rt, "ok"),
			"json":    map[string]any{"a": rapid.OneOf(whatever, rapid.Custom(func(rt *rapid.T) any { return map[string]any{"b": whatever.Draw(rt, "b")} })).Draw(rt, "a")},
			"answers": []string{"a", "b"}, "timings": map[string]float64{"x": 1.0},
		})
		result, err := a.evaluate(t.Context(), values)
		held := err == nil && result == types.True
		if a.plain.holds(values) {
			seen++
			if !held {
				rt.Fatalf("%s does not hold: %v %v", text, result, err)
			}
		}
	})
	require.Positive(t, seen, "some are plain")
	values := Known(map[string]any{"status": 200, "latency": time.Second, "json": map[string]any{"a": map[string]any{"b": "ok"}}, "answers": []string{"a", "b"}, "timings": map[string]float64{"x": 1}})
	for _, text := range []string{"status == 200", "latency < duration('2s')", "json.a.b == 'ok'", "'b' in answers", "timings.x <= 1.0", "status > 100 && status < 300 && json.a.b != ''"} {
		a, err := c.Compile(text)
		require.NoError(t, err)
		require.True(t, a.plain.holds(values), text)
	}
	for _, text := range []string{"status == 200 || ok", "has(json.a)", "status + 1 == 201", "200 == status", "status in [200]", "json.a[0] == 1"} {
		a, err := c.Compile(text)
		require.NoError(t, err, text)
		require.Nil(t, a.plain, text)
	}
}
