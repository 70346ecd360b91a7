package assertion_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/assertion"
)

func compiler(t testing.TB) *assertion.Compiler {
	t.Helper()
	c, err := assertion.NewCompiler([]assertion.Variable{
		{Name: "status", Type: "int"}, {Name: "latency", Type: "duration"}, {Name: "latency_ms", Type: "double"},
		{Name: "body", Type: "string"}, {Name: "json", Type: "dyn"}, {Name: "headers", Type: "map(string, string)"},
		{Name: "timings", Type: "map(string, double)"}, {Name: "certificate", Type: "map(string, dyn)"},
		{Name: "answers", Type: "list(string)"}, {Name: "secure", Type: "bool"}, {Name: "seen", Type: "timestamp"},
	})
	require.NoError(t, err)
	return c
}

func values() map[string]any {
	return map[string]any{
		"status": 503, "latency": 1200 * time.Millisecond, "latency_ms": 1200.25, "secure": false,
		"body": func() any { return "all is bad" }, "headers": map[string]string{"server": "nginx"},
		"json": func() any {
			return map[string]any{"state": "bad", "depth": 7.0, "ratio": 0.5, "ok": false, "none": nil, "list": []any{1.0, "two"}}
		},
		"timings": map[string]float64{"dns_ms": 3}, "answers": []string{"192.0.2.1", "192.0.2.2"},
		"certificate": map[string]any{"expires_in": 36 * time.Hour, "issuer": "CN=me"},
		"seen":        time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

func TestActualIsWhatWasFoundInstead(t *testing.T) {
	c := compiler(t)
	for expression, actual := range map[string]string{
		`status == 200`:                             `503`,
		`200 == status`:                             `503`,
		`status in [200, 204]`:                      `503`,
		`status >= 200 && status < 300`:             `503`,
		`latency < duration('800ms')`:               `1.2s`,
		`latency_ms < 800`:                          `1200.25`,
		`latency_ms < 800.0 + 100.0`:                `1200.25`,
		`json.state == "ok"`:                        `"bad"`,
		`json.depth < 5`:                            `7`,
		`json.ratio > 0.9`:                          `0.5`,
		`json.ok`:                                   `false`,
		`json.ok == true`:                           `false`,
		`json.none == "x"`:                          `null`,
		`json.list == []`:                           `[1, "two"]`,
		`json.list.size() == 3`:                     `2`,
		`json.list.all(x, x == 1)`:                  `[1, "two"]`,
		`answers.exists(a, a == "x")`:               `["192.0.2.1", "192.0.2.2"]`,
		`"192.0.2.9" in answers`:                    `["192.0.2.1", "192.0.2.2"]`,
		`status == 200 || json.state == "ok"`:       `503 and "bad"`,
		`status == 200 || status == 204`:            `503`,
		`latency_ms > 1.0 && json.state == "ok"`:    `"bad"`,
		`json.state == "bad" && status == 200`:      `503`,
		`!(status == 503)`:                          `503`,
		`!body.contains("bad")`:                     `"all is bad"`,
		`body.contains("good")`:                     `"all is bad"`,
		`body.matches("^good")`:                     `"all is bad"`,
		`matches(body, "^good")`:                    `"all is bad"`,
		`json.state == headers.server`:              `"bad" and "nginx"`,
		`has(json.nothing)`:                         ``,
		`status == 503 ? json.ok : true`:            `false`,
		`status == 503 ? false : true`:              `503`,
		`status == 200 ? true : json.state == "ok"`: `"bad"`,
		`certificate.expires_in > duration('720h')`: `36h0m0s`,
		`seen > timestamp('2027-01-01T00:00:00Z')`:  `2026-01-02T03:04:05Z`,
		`secure`:             `false`,
		`timings.dns_ms < 1`: `3`,
		`json.?missing.orValue("none") == "some"`:      `"none"`,
		`headers["server"].lowerAscii() == "apache"`:   `"nginx"`,
		`body.split(" ").size() == 4 || status == 200`: `3 and 503`,
		`1 == 2`: ``,
	} {
		a, err := c.Compile(expression)
		require.NoError(t, err, expression)
		passed, got, err := a.Evaluate(t.Context(), assertion.Known(values()), nil)
		require.NoError(t, err, expression)
		require.False(t, passed, expression)
		require.Equal(t, actual, got, expression)
	}
}

func TestWhatHoldsHasNoActual(t *testing.T) {
	for _, expression := range []string{
		"status == 503", "latency_ms > 1200 && latency > duration('1s')", `json.depth == 7`, `"two" in json.list`,
		`headers.server.startsWith("ng")`, "!has(json.nothing)", "status < 503.5", `certificate.issuer == "CN=me"`,
	} {
		a, err := compiler(t).Compile(expression)
		require.NoError(t, err, expression)
		passed, actual, err := a.Evaluate(t.Context(), assertion.Known(values()), nil)
		require.NoError(t, err, expression)
		require.True(t, passed, expression)
		require.Empty(t, actual)
		require.Equal(t, expression, a.String())
	}
}

func TestWhatIsWrongIsSaidWithPlaceAndCure(t *testing.T) {
	c := compiler(t)
	for expression, problem := range map[string]string{
		`status = 200`:                 `1:8: "=" is not understood here: did you mean "=="?`,
		`status === 200`:               `1:10: "=" is not understood here: did you mean "=="?`,
		`status == 200 and secure`:     `1:15: "and" is not understood here: did you mean "&&"?`,
		`status == 200 OR secure`:      `1:15: "OR" is not understood here: did you mean "||"?`,
		`status == 200 & secure`:       `1:15: "&" is not understood here: did you mean "&&"?`,
		`status == 200 | secure`:       `1:15: "|" is not understood here: did you mean "||"?`,
		`status <> 200`:                `1:9: ">" is not understood here: did you mean "!="?`,
		`not secure`:                   `1:5: "secure" is not understood here: did you mean "!"?`,
		`status == `:                   `1:11: the expression ends too early: something is missing`,
		`(status == 200`:               `1:15: ")" is missing`,
		`body == "abc`:                 `1:9: the text "abc has no closing quote`,
		``:                             `1:1: the expression ends too early: something is missing`,
		"status == 200 &&\n stauts":    `2:2: "stauts" is not known: did you mean "status"?`,
		`Status == 200`:                `1:1: "Status" is not known: did you mean "status"?`,
		`body.contans("x")`:            `1:13: "contans" is not known: did you mean "contains"?`,
		`xyzzy == 1`:                   `1:1: "xyzzy" is not known: there are status, latency, latency_ms, body, json, headers, timings, certificate, answers, secure, seen`,
		`latency < 800`:                `1:9: "<" cannot be applied to (duration, int): compare latency with duration('800ms'), or latency_ms with 800`,
		`status == "200"`:              `1:8: "==" cannot be applied to (int, string): numbers are written without quotes, texts with them`,
		`status`:                       `1:1: the expression is of type int, not bool: compare it with something, as in status == …`,
		`latency < duration("800")`:    `1:20: invalid duration argument`,
		`body.matches("(")`:            `1:14: invalid matches argument`,
		`body.replace("", body) == ""`: `1:13: replace is not available, as its work has no bound: use contains, matches, split, substring, lowerAscii or trim`,
	} {
		_, err := c.Compile(expression)
		require.EqualError(t, err, problem, expression)
	}
}

func TestWhatCannotBeEvaluatedSaysWhy(t *testing.T) {
	for expression, problem := range map[string]string{
		`json.nothing == 1`:   "cannot be evaluated: no such key: nothing",
		`json.list[7] == 1`:   "cannot be evaluated: index out of bounds: 7",
		`json.state`:          `is of type string, not bool: "bad"`,
		`json.state < 5`:      "cannot be evaluated: no such overload",
		`headers.nope == "x"`: "cannot be evaluated: no such key: nope",
		`int(body) == 1`:      "cannot be evaluated: type conversion error",
	} {
		a, err := compiler(t).Compile(expression)
		require.NoError(t, err, expression)
		passed, _, err := a.Evaluate(t.Context(), assertion.Known(values()), nil)
		require.False(t, passed)
		require.ErrorContains(t, err, problem, expression)
	}
	gone := values()
	gone["json"] = func() any { return assertion.Missing("the body is not JSON") }
	for _, expression := range []string{`json.a.b == "ok"`, `json == 1`, `json`, `has(json.a)`, `json.list.all(x, x > 1)`} {
		a, err := compiler(t).Compile(expression)
		require.NoError(t, err)
		_, _, err = a.Evaluate(t.Context(), assertion.Known(gone), nil)
		require.EqualError(t, err, "cannot be evaluated: the body is not JSON", expression)
	}
}

// TestSecretsAreTakenOutBeforeTextsAreCut: half a secret is a leak too.
func TestSecretsAreTakenOutBeforeTextsAreCut(t *testing.T) {
	const secret = "0123456789secret"
	clean := func(text string) string { return strings.ReplaceAll(text, secret, "•••") }
	for filler := range 210 {
		v := values()
		v["body"] = strings.Repeat("x", filler) + secret + strings.Repeat("y", 300)
		v["json"] = map[string]any{v["body"].(string): []any{v["body"]}}
		for _, expression := range []string{`body == ""`, `json == {}`, `body.split("z") == []`} {
			a, err := compiler(t).Compile(expression)
			require.NoError(t, err)
			_, actual, err := a.Evaluate(t.Context(), assertion.Known(v), clean)
			require.NoError(t, err)
			require.NotContains(t, actual, "0123")
			require.LessOrEqual(t, len(actual), 210)
		}
	}
}

// TestWorkIsBounded holds expressions that grow with what came to a bounded time, by their cost, by
// the time a pattern may take, and by the context's end.
func TestWorkIsBounded(t *testing.T) {
	v := values()
	v["body"] = strings.Repeat("xxxxxxx ", 1<<17)
	v["json"] = map[string]any{"list": make([]any, 1<<17)}
	for expression, problem := range map[string]string{
		`body.split("").map(x, body.split("").map(y, x + y)).size() > 0`:            "more work than an assertion may",
		`json.list.all(x, json.list.all(y, x == y))`:                                "more work than an assertion may",
		`json.list.all(x, json.list.exists(y, body.matches("(x+x+)+y")))`:           "cannot be evaluated",
		`body.matches("((((x?){10}){10}){10})y")`:                                   "the pattern takes too long on 1048576 bytes",
		`body + body + body + body + body + body + body + body + body + body == ""`: "more work than an assertion may",
	} {
		a, err := compiler(t).Compile(expression)
		require.NoError(t, err, expression)
		begun := time.Now()
		_, _, err = a.Evaluate(t.Context(), assertion.Known(v), nil)
		require.ErrorContains(t, err, problem, expression)
		t.Logf("%s: %s", expression, time.Since(begun))
		// Under the race detector and other load, single steps take many times as long; without
		// its bounds the quadratic ones would take minutes.
		require.Less(t, time.Since(begun), 10*time.Second, expression)
	}
	for _, expression := range []string{
		`body.contains("xxxxxxx xxxxxxxy") == false`, `body.size() == 1048576`, `!body.matches("nothing|to (be|see)")`,
		`body.split(" ").size() == 131073`, `json.list.size() == 131072`, `body.startsWith("xxx") && body.endsWith("x ")`,
	} {
		a, err := compiler(t).Compile(expression)
		require.NoError(t, err, expression)
		passed, actual, err := a.Evaluate(t.Context(), assertion.Known(v), nil)
		require.NoError(t, err, expression)
		require.True(t, passed, "%s: %s", expression, actual)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	a, err := compiler(t).Compile(`json.list.all(x, x == null)`)
	require.NoError(t, err)
	_, _, err = a.Evaluate(ended, assertion.Known(v), nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestUnknownTypeOfVariable(t *testing.T) {
	_, err := assertion.NewCompiler([]assertion.Variable{{Name: "x", Type: "float"}})
	require.ErrorContains(t, err, `variable x: type "float" is not known`)
}

func FuzzCompileAndEvaluate(f *testing.F) {
	for _, seed := range []string{
		"status == 200", "json.list[0].b > 1", "body.matches('a+')", "((((", `headers["x"]`, "json.list.all(x, x > status)",
		"status = 200", "has(json.state) ? json.ok : !secure", "answers.map(a, a.size()).exists(n, n > 3)", `json.?a.?b.orValue(1) == 2`,
		"latency < duration('1s') || timings.dns_ms > 3.0", `b"abc" == bytes(body)`, "math.greatest(status, 3) > 7", "type(json) == map",
	} {
		f.Add(seed)
	}
	c := compiler(f)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := c.Compile(text)
		if err != nil {
			require.Regexp(t, `^[0-9]+:[0-9]+: (.|\n)+`, err.Error())
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		passed, actual, err := a.Evaluate(ctx, assertion.Known(values()), nil)
		require.False(t, passed && (err != nil || actual != ""))
		require.LessOrEqual(t, len(actual), 210)
	})
}

func BenchmarkEvaluate(b *testing.B) {
	a, err := compiler(b).Compile("status == 503 && latency_ms > 10.0")
	require.NoError(b, err)
	v := values()
	b.ReportAllocs()
	for b.Loop() {
		if passed, _, err := a.Evaluate(b.Context(), assertion.Known(v), nil); err != nil || !passed {
			b.Fatal(err)
		}
	}
}

// TestSimpleExpressionsAreBoundedByThemselves: those whose work is not counted take little, whatever
// they are about.
func TestSimpleExpressionsAreBoundedByThemselves(t *testing.T) {
	v := values()
	v["body"] = strings.Repeat("x", 1<<20)
	list := make([]any, 10_000)
	for i := range list {
		list[i] = map[string]any{"a": float64(i)}
	}
	v["json"] = map[string]any{"list": list, "reply": strings.Repeat("x", 1<<20)}
	for _, expression := range []string{
		strings.TrimSuffix(strings.Repeat("body == json.reply && ", 19), " && "), strings.TrimSuffix(strings.Repeat(`!(7 in json.list) && `, 6), " && "), "status in [503]", "json.list[0].a < 1.0",
	} {
		a, err := compiler(t).Compile(expression)
		require.NoError(t, err, expression)
		begun := time.Now()
		passed, actual, err := a.Evaluate(t.Context(), assertion.Known(v), nil)
		require.NoError(t, err)
		require.True(t, passed, "%s: %s", expression, actual)
		t.Logf("%.40s: %s", expression, time.Since(begun))
		require.Less(t, time.Since(begun), 10*time.Second, expression)
	}
}
