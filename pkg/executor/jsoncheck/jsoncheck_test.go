package jsoncheck_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/jsoncheck"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func execute(t *testing.T, body string, options map[string]any, assertions ...string) monitor.Result {
	t.Helper()
	url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Fail") != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, body)
	})
	d := monitor.Definition{Kind: "json", Target: url, Options: executortest.Options(t, options), Assertions: assertions, Timeout: monitor.Duration(2 * time.Second)}
	return executortest.Engine(t, []executor.Executor{jsoncheck.Executor{}}).Execute(t.Context(), executortest.Execution(d))
}

const body = `{"status":"ok","queue":{"depth":70,"oldest":null},"nodes":[{"name":"a","up":true},{"name":"b","up":false}]}`

func TestAnswers(t *testing.T) {
	extract := func(pairs ...string) map[string]any {
		named := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			named[pairs[i]] = pairs[i+1]
		}
		return map[string]any{"extract": named}
	}
	schema := func(text string) map[string]any { return map[string]any{"schema": text} }
	for name, tc := range map[string]struct {
		body       string
		options    map[string]any
		assertions []string
		outcome    monitor.Outcome
		text       string
	}{
		"json":             {body: body, outcome: monitor.OutcomeSuccess},
		"a value":          {body: body, options: extract("depth", "$.queue.depth"), assertions: []string{"extracted.depth < 100", "status == 200", `json.status == "ok"`}, outcome: monitor.OutcomeSuccess},
		"a null":           {body: body, options: extract("oldest", "$.queue.oldest"), assertions: []string{"extracted.oldest == null"}, outcome: monitor.OutcomeSuccess},
		"critical":         {body: body, options: extract("depth", "$.queue.depth"), assertions: []string{"extracted.depth < 50"}, outcome: monitor.OutcomeFailure, text: "extracted.depth < 50 · actual 70"},
		"several":          {body: body, options: extract("names", "$.nodes[*].name"), assertions: []string{`extracted.names == ["a", "b"]`}, outcome: monitor.OutcomeSuccess},
		"a filter":         {body: body, options: extract("down", "$.nodes[?@.up == false].name"), assertions: []string{`extracted.down == ["b"]`}, outcome: monitor.OutcomeSuccess},
		"a descent":        {body: body, options: extract("names", "$..name"), assertions: []string{`extracted.names.size() == 2`}, outcome: monitor.OutcomeSuccess},
		"none of several":  {body: body, options: extract("gone", "$.nodes[?@.gone].name"), assertions: []string{`extracted.gone == []`}, outcome: monitor.OutcomeSuccess},
		"not there":        {body: body, options: extract("gone", "$.gone"), assertions: []string{"extracted.gone == 1"}, outcome: monitor.OutcomeFailure, text: "no such key: gone"},
		"not there, known": {body: body, options: extract("gone", "$.gone"), assertions: []string{"!has(extracted.gone)"}, outcome: monitor.OutcomeSuccess},
		"fits":             {body: body, options: schema(`{"type":"object","required":["status"],"properties":{"nodes":{"items":{"$ref":"#/$defs/node"}}},"$defs":{"node":{"required":["name"]}}}`), outcome: monitor.OutcomeSuccess},
		"does not fit":     {body: body, options: schema(`{"properties":{"nodes":{"items":{"properties":{"up":{"const":true}}}}}}`), outcome: monitor.OutcomeFailure, text: "the body does not fit the schema at /nodes/1/up: value must be true"},
		"at the top":       {body: body, options: schema(`{"required":["version"]}`), outcome: monitor.OutcomeFailure, text: "the body does not fit the schema at the top: missing property 'version'"},
		"older draft":      {body: body, options: schema(`{"$schema":"http://json-schema.org/draft-07/schema#","properties":{"status":{"pattern":"^(ok|fine)$"}}}`), outcome: monitor.OutcomeSuccess},
		"schema first":     {body: body, options: schema(`{"type":"array"}`), assertions: []string{"true"}, outcome: monitor.OutcomeFailure, text: "at the top: got object, want array"},
		"no json":          {body: "<html>", outcome: monitor.OutcomeFailure, text: "the body is not JSON: invalid character '<'"},
		"empty":            {body: "", outcome: monitor.OutcomeFailure, text: "the body is empty, not JSON"},
		"status":           {body: body, options: map[string]any{"headers": map[string]string{"X-Fail": "1"}}, outcome: monitor.OutcomeFailure, text: "status 503 Service Unavailable"},
		"status and body":  {body: "sorry", options: map[string]any{"headers": map[string]string{"X-Fail": "1"}}, outcome: monitor.OutcomeFailure, text: "status 503 Service Unavailable, and the body is not JSON"},
		"status expected":  {body: body, options: map[string]any{"headers": map[string]string{"X-Fail": "1"}}, assertions: []string{"status == 503"}, outcome: monitor.OutcomeSuccess},
		"long":             {body: `"` + strings.Repeat("a", 256<<10) + `"`, outcome: monitor.OutcomeFailure, text: "the body is longer than 256 KiB, too long to be validated"},
		"many":             {body: "[" + strings.Repeat("0,", 10_000) + "0]", outcome: monitor.OutcomeFailure, text: "the body holds more than 10000 values, too many to be validated"},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, tc.body, tc.options, tc.assertions...)
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
			require.Equal(t, "127.0.0.1", r.Observed["ip"])
		})
	}
}

func TestLevels(t *testing.T) {
	options := map[string]any{"extract": map[string]string{"depth": "$.queue.depth"}, "warning": []string{"status == 200", "extracted.depth < 50"}}
	r := execute(t, body, options, "extracted.depth < 100")
	require.Equal(t, monitor.OutcomeDegraded, r.Outcome)
	require.Equal(t, "extracted.depth < 50 · actual 70", r.Error)
	r = execute(t, strings.Replace(body, "70", "700", 1), options, "extracted.depth < 100")
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Equal(t, "extracted.depth < 100 · actual 700", r.Error)
	r = execute(t, strings.Replace(body, "70", "7", 1), options, "extracted.depth < 100")
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
}

func TestWhatIsExtractedIsKeptWhileItIsShort(t *testing.T) {
	long := strings.Replace(body, `"ok"`, `"`+strings.Repeat("o", 300)+`"`, 1)
	options := map[string]any{"extract": map[string]string{"depth": "$.queue.depth", "status": "$.status", "up": "$.nodes[0].up", "names": "$..name", "oldest": "$.queue.oldest"}}
	require.Equal(t, map[string]any{"depth": 70.0, "status": "ok", "up": true, "oldest": nil}, execute(t, body, options).Observed["extracted"])
	require.Equal(t, map[string]any{"depth": 70.0, "up": true, "oldest": nil}, execute(t, long, options).Observed["extracted"])
}

func TestRulesWithoutBoundsAreRefused(t *testing.T) {
	for raw, text := range map[string]string{
		`{"schema":"{\"$ref\":\"file:///etc/passwd\"}"}`:                                               `refers to "file:///etc/passwd", which is not loaded`,
		`{"schema":"{\"$ref\":\"#\"}"}`:                                                                `refers to "#", which is not loaded`,
		`{"schema":"{\"$schema\":\"https://example.org/x\"}"}`:                                         "schemas are not loaded from elsewhere",
		`{"schema":"{\"$ref\":\"#/$defs/x\"}"}`:                                                        "which is not there",
		`{"schema":"{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"items\":{\"$ref\":\"#/$defs/a\"}}}}"}`: "from within that, which has no bound",
		`{"schema":"{\"$dynamicRef\":\"#x\"}"}`:                                                        "$dynamicRef, whose work has no bound",
		`{"schema":"{\"pattern\":\"a{1000}\"}"}`:                                                       "is no JSON Schema",
		`{"schema":"` + strings.Repeat(" ", 33<<10) + `"}`:                                             "is too long: use at most 32 KiB",
		`{"schema":"{\"enum\":[` + strings.Repeat("0,", 1000) + `0]}"}`:                                "has too many rules",
		`{"extract":{"a":"$..*..*"}}`:                                                                  "use at most one ..",
		`{"extract":{"a":"$[0,0,0,0][0,0,0,0][0,0]"}}`:                                                 "16 selectors",
		`{"extract":{"a":"$[?@.x == $.y]"}}`:                                                           "has a filter with $",
		`{"extract":{"a":"$[?match(@.x, 'a')]"}}`:                                                      "has a filter with $, .., match or search",
		`{"extract":{"a":"$[?count(@..x) > 1]"}}`:                                                      "has a filter with",
	} {
		_, problems := jsoncheck.Executor{}.Prepare(monitor.Definition{Target: "http://example.org/", Options: json.RawMessage(raw)})
		require.Len(t, problems, 1, raw)
		require.Contains(t, problems[0].Message, text)
	}
}

// TestAReferenceTwiceAtEachLevel is small, and 2^20 rules.
func TestAReferenceTwiceAtEachLevel(t *testing.T) {
	defs := map[string]any{"d20": map[string]any{"type": "object"}}
	for i := range 20 {
		to := map[string]any{"$ref": "#/$defs/d" + string(rune('0'+(i+1)/10)) + string(rune('0'+(i+1)%10))}
		defs["d"+string(rune('0'+i/10))+string(rune('0'+i%10))] = map[string]any{"allOf": []any{to, to}}
	}
	schema, err := json.Marshal(map[string]any{"$ref": "#/$defs/d00", "$defs": defs})
	require.NoError(t, err)
	_, problems := jsoncheck.Executor{}.Prepare(monitor.Definition{Target: "http://example.org/", Options: executortest.Options(t, map[string]any{"schema": string(schema)})})
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].Message, "has too many rules")
}

func FuzzPrepare(f *testing.F) {
	f.Add(`{"type":"object"}`, "$.a[0]", "status == 200", body)
	f.Add(`{"$ref":"#/$defs/a","$defs":{"a":{"pattern":"^a"}}}`, "$..[?@.a > 1]", "extracted.a == 1", `{"a":[1,{"a":2}]}`)
	f.Fuzz(func(t *testing.T, schema, path, warning, body string) {
		raw, err := json.Marshal(map[string]any{"schema": schema, "extract": map[string]string{"a": path}, "warning": []string{warning}})
		require.NoError(t, err)
		_, problems := jsoncheck.Executor{}.Prepare(monitor.Definition{Target: "http://example.org/", Options: raw})
		for _, p := range problems {
			require.Regexp(t, `^options\.(schema|extract\.a|warning\[0\])$`, p.Field)
			require.NotEmpty(t, p.Message)
		}
	})
}
