package kinds_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/executor/jsoncheck"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
)

func jsonSubject() executortest.Subject {
	serving := func(body, options, text string) func(*testing.T) executortest.Attack {
		return func(t *testing.T) executortest.Attack {
			url := executortest.ServeHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
			return executortest.Attack{
				Definition: monitor.Definition{Kind: "json", Target: url, Options: []byte(options)}, Outcome: monitor.OutcomeFailure, Text: text,
			}
		}
	}
	deep := strings.Repeat("[", 2900) + strings.Repeat("]", 2900)
	return executortest.Subject{
		Network: "tcp",
		Serve: func(t *testing.T) monitor.Definition {
			url := executortest.ServeHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"state":"ok"}`) })
			return monitor.Definition{Kind: "json", Target: url, Options: []byte(`{"extract":{"state":"$.state"},"schema":"{\"required\":[\"state\"]}"}`)}
		},
		At: func(address string) monitor.Definition {
			return monitor.Definition{Kind: "json", Target: "http://" + address + "/"}
		},
		Echo: func(t *testing.T) (monitor.Definition, string) {
			url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				_ = json.NewEncoder(w).Encode(map[string]string{"seen": r.Header.Get("X-Token"), "long": strings.Repeat("x", 190) + r.Header.Get("X-Token")})
			})
			return monitor.Definition{
				Kind: "json", Target: url, Options: []byte(`{"headers":{"X-Token":"secret://token"},"extract":{"seen":"$.seen","long":"$.long"}}`),
				Assertions: []string{`extracted.seen == "x"`, `extracted.long == "x"`, `extracted == {}`, `json == {}`},
			}, executortest.Secret
		},
		Lead: func(t *testing.T, address string) monitor.Definition {
			url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://"+address+"/", http.StatusFound)
			})
			return monitor.Definition{Kind: "json", Target: url}
		},
		Hostile: andThoseOfHTTP("json", map[string]func(*testing.T) executortest.Attack{
			"many values": serving("["+strings.Repeat("0,", 100_000)+"0]", `{}`, "more than 10000 values"),
			"long text":   serving(`"`+strings.Repeat("a", 900<<10)+`"`, `{}`, "longer than 256 KiB"),
			"steps":       serving("["+strings.Repeat("0,", 2_900)+"0]", `{"schema":"{\"items\":{\"anyOf\":[`+strings.Repeat(`{\"const\":1},`, 400)+`{\"const\":2}]}}"}`, "the schema takes more than 3000 steps for this body"),
			"too much":    serving("["+strings.Repeat("0,", 9_000)+"0]", `{"schema":"{}"}`, "more than 3000 values, too many to be held to a schema"),
			"no strings":  serving("["+strings.Repeat("0,", 2_900)+"0]", `{"schema":"{\"items\":{\"type\":\"string\"}}"}`, "at /0: got number, want string"),
			"deep":        serving(deep, `{"extract":{"all":"$..*"},"schema":"{\"items\":{\"items\":{\"uniqueItems\":true}},\"type\":\"object\"}"}`, "got array, want object"),
			"deep paths":  serving(strings.Repeat("[", 9000)+strings.Repeat("]", 9000), `{"extract":{"all":"$..*"},"schema":"{}"}`, "more than 3000 values"),
			"half":        serving(`{"a":[1,2`, `{}`, "the body is not JSON"),
		}),
		BadTargets: []string{"ftp://x/", "x", "http://", "https://u:p@x/", "http://x:0/"},
		BadOptions: map[string]string{
			`{"method":"G T"}`:                        "options.method",
			`{"headers":{"a b":"c"}}`:                 "options.headers",
			`{"tls":{"ca":"x"}}`:                      "options.tls.ca",
			`{"schema":"{"}`:                          "options.schema",
			`{"schema":"{\"type\":\"number?\"}"}`:     "options.schema",
			`{"schema":"{\"const\":1e999999}"}`:       "options.schema",
			`{"schema":"{\"multipleOf\":1e-999999}"}`: "options.schema",
			`{"schema":"7"}`:                          "options.schema",
			`{"extract":{"a":"status"}}`:              "options.extract.a",
			`{"extract":{"a":""}}`:                    "options.extract.a",
			`{"extract":{"a":"$..*..*"}}`:             "options.extract.a",
			`{"extract":{"A b":"$.a"}}`:               "options.extract",
			`{"warning":["status == 200","x"]}`:       "options.warning[1]",
			`{"warning":["status"]}`:                  "options.warning[0]",
			`{"warning":[""]}`:                        "options.warning[0]",
		},
	}
}

func TestPageOfJSON(t *testing.T) {
	t.Parallel()
	url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/health":
			_, _ = io.WriteString(w, `{"status":"ok","queue":{"depth":70}}`)
		case "/nodes":
			_, _ = io.WriteString(w, `{"nodes":[{"name":"a","up":true},{"name":"b","up":true}]}`)
		case "/price":
			if r.Header.Get("Authorization") == "Bearer t0ken" {
				_, _ = io.WriteString(w, `{"currency":"EUR","amount":12.5}`)
			}
		case "/broken":
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "plain words")
		case "/some":
			_, _ = io.WriteString(w, "["+strings.Repeat("0,", 100)+"0]")
		case "/rows":
			_, _ = io.WriteString(w, "["+strings.Repeat("0,", 5_000)+"0]")
		case "/many":
			_, _ = io.WriteString(w, "["+strings.Repeat("0,", 20_000)+"0]")
		case "/long":
			_, _ = io.WriteString(w, strings.Repeat(" ", 300<<10)+"0")
		case "/empty":
		default:
			_, _ = io.WriteString(w, "plain words")
		}
	})
	text := page(t, "json.md")
	requireNames(t, text, besides(jsoncheck.Executor{}.Kind(), httpcheck.Executor{}.Kind()))
	found := examples(t, text, "https://api.example.org", url)
	require.Len(t, found, 3)
	for id, d := range found {
		r := executortest.Engine(t, kinds.All(), func(env *executor.Environment) {
			env.Secrets.Env = func(name string) (string, bool) { return "t0ken", name == "VEDETTE_SECRET_API_TOKEN" }
		}).Execute(t.Context(), executortest.Execution(d))
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, "%s: %s", id, r.Error)
	}

	at := func(path string, options map[string]any, assertions ...string) monitor.Definition {
		return monitor.Definition{Kind: "json", Target: url + path, Options: executortest.Options(t, options), Assertions: assertions}
	}
	depth := func(warning ...string) map[string]any {
		return map[string]any{"extract": map[string]string{"depth": "$.queue.depth"}, "warning": warning}
	}
	none := map[string]any{}
	e := jsoncheck.Executor{}
	fails, degrades, errs := monitor.OutcomeFailure, monitor.OutcomeDegraded, monitor.OutcomeError
	requireTexts(t, text, []failure{
		{e, at("/", none), fails, "the body is not JSON: invalid character 'p'"},
		{e, at("/empty", none), fails, "the body is empty, not JSON"},
		{e, at("/broken", none), fails, "status 503 Service Unavailable, and the body is not JSON"},
		{e, at("/health", map[string]any{"schema": `{"properties":{"queue":{"properties":{"depth":{"maximum":50}}}}}`}), fails, "the body does not fit the schema at /queue/depth: maximum: got 70, want 50"},
		{e, at("/health", depth(), "extracted.depth < 50"), fails, "extracted.depth < 50 · actual 70"},
		{e, at("/health", depth(), "extracted.age < 50"), fails, "cannot be evaluated: no such key: age"},
		{e, at("/some", map[string]any{"schema": `{"items":{"anyOf":[` + strings.Repeat(`{"const":1},`, 100) + `{"const":2}]}}`}), fails, "the schema takes more than 3000 steps for this body: use a simpler one"},
		{e, at("/rows", map[string]any{"schema": "{}"}), fails, "the body holds more than 3000 values, too many to be held to a schema"},
		{e, at("/many", none), fails, "the body holds more than 10000 values, too many to be validated"},
		{e, at("/long", none), fails, "the body is longer than 256 KiB, too long to be validated"},
		{e, at("/health", depth("extracted.depth < 60")), degrades, "extracted.depth < 60 · actual 70"},
		{e, at("/health", map[string]any{"body": "secret://nope"}), errs, "secret is not known to this runner: nope: set VEDETTE_SECRET_NOPE"},
		{e, at("/health", none), errs, "127.0.0.1 is in 127.0.0.0/8, denied by --deny"},
	})
}
