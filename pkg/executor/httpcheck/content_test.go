package httpcheck_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/monitor"
)

// problem is what is wrong with options; there has to be one thing.
func problem(t *testing.T, target string, options any) monitor.Problem {
	t.Helper()
	_, problems := httpcheck.Executor{}.Prepare(monitor.Definition{Target: target, Options: executortest.Options(t, options)})
	require.Len(t, problems, 1, "%v", problems)
	return problems[0]
}

func TestBodies(t *testing.T) {
	url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", strings.TrimSpace(r.Method+" "+r.Header.Get("Content-Type")))
		_, _ = fmt.Fprintf(w, `{"data":%q}`, body)
	})
	value := executortest.Secret // holds a quote, a slash and an ampersand
	quoted, err := json.Marshal(value)
	require.NoError(t, err)
	plain := strings.ReplaceAll(string(quoted), `\u0026`, "&") // JSON need not escape it
	for name, c := range map[string]struct {
		options map[string]any
		seen    string
		body    string
	}{
		"none":         {nil, "GET", ""},
		"raw":          {map[string]any{"body": "a=secret://token"}, "GET", "a=" + value},
		"json":         {map[string]any{"json": `{"b": "x secret://token", "a": [1.50, true, null, 12345678901234567890]}`}, "POST application/json", `{"a":[1.50,true,null,12345678901234567890],"b":"x ` + plain[1:] + `}`},
		"json, put":    {map[string]any{"json": `"a"`, "method": "put"}, "PUT application/json", `"a"`},
		"json, typed":  {map[string]any{"json": `1`, "headers": map[string]string{"content-type": "application/vnd.x+json"}}, "POST application/vnd.x+json", `1`},
		"form":         {map[string]any{"form": map[string]string{"q": "ü&", "k": "secret://token"}}, "POST application/x-www-form-urlencoded", "k=s3cret%2F%22v%C3%A5lue%22+%26+more&q=%C3%BC%26"},
		"query":        {map[string]any{"graphql": map[string]any{"query": "{ a }"}}, "POST application/json", `{"query":"{ a }"}`},
		"whole query":  {map[string]any{"graphql": map[string]any{"query": "query a($x: Int) { a }", "variables": `{"x": 7}`, "operation": "a"}}, "POST application/json", `{"operationName":"a","query":"query a($x: Int) { a }","variables":{"x":7}}`},
		"query, asked": {map[string]any{"graphql": map[string]any{"query": "{ a }"}, "method": "GET"}, "GET application/json", `{"query":"{ a }"}`},
	} {
		t.Run(name, func(t *testing.T) {
			expected, err := json.Marshal(c.body)
			require.NoError(t, err)
			r := execute(t, url, c.options, `headers["x-seen"] == "`+c.seen+`"`, "json.data == "+string(expected))
			require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
		})
	}
}

func TestBodiesThatAreNone(t *testing.T) {
	for field, c := range map[string]struct {
		options any
		text    string
	}{
		"options.json":                  {map[string]any{"json": "{\n]"}, "is not JSON: invalid character ']' looking for beginning of object key string (line 2): use JSON"},
		"options.json ":                 {map[string]any{"json": "1 2"}, "more than one value"},
		"options.form":                  {map[string]any{"body": "a", "form": map[string]string{"a": "b"}}, "is a second body besides body: give one of them"},
		"options.json  ":                {map[string]any{"json": "1", "graphql": map[string]string{"query": "{a}"}}, "is a second body besides graphql"},
		"options.graphql.query":         {map[string]any{"graphql": map[string]string{"operation": "a"}}, "is missing"},
		"options.graphql.variables":     {map[string]any{"graphql": map[string]string{"query": "{a}", "variables": "7"}}, "is no JSON object: use one"},
		"options.graphql.variables ":    {map[string]any{"graphql": map[string]string{"query": "{a}", "variables": "{"}}, "is no JSON object: use one"},
		"options.expected_location":     {map[string]any{"expected_location": "/login"}, "use a URL that does"},
		"options.http_version":          {map[string]any{"http_version": "3"}, "use a target that begins with https://"},
		"options.headers.Authorization": {map[string]any{"headers": map[string]string{"Authorization": "x"}, "auth": map[string]string{"type": "bearer", "token": "secret://t"}}, "leave one of them out"},
	} {
		p := problem(t, "http://example.org/", c.options)
		require.Equal(t, strings.TrimSpace(field), p.Field)
		require.Contains(t, p.Message, c.text)
	}
}

func TestGraphQLErrors(t *testing.T) {
	for body, text := range map[string]string{
		`{"data":{"a":1}}`:                    "",
		`{"data":null,"errors":[]}`:           "",
		`{"errors":[{"message":"no field"}]}`: "the answer has GraphQL errors: no field",
		`{"data":{},"errors":[7]}`:            "the answer has GraphQL errors",
		`{"a":1}`:                             "it has neither data nor errors",
		`<html>`:                              "the body is no answer to a GraphQL query: invalid character '<'",
		`{"data":"` + strings.Repeat("a", 300<<10) + `"}`: "longer than 256 KiB",
	} {
		url := executortest.ServeHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		options := map[string]any{"graphql": map[string]any{"query": "{ a }"}}
		r := execute(t, url, options)
		require.Equal(t, text == "", r.Outcome == monitor.OutcomeSuccess, body)
		require.Contains(t, r.Error, text)
		require.Equal(t, monitor.OutcomeSuccess, execute(t, url, options, "status == 200").Outcome, "assertions judge alone")
	}
}

func TestTheAnswerIsKeptOnFailure(t *testing.T) {
	long := strings.Repeat("<é>", 40<<10)
	url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "session=abc")
		w.Header().Set("X-Seen", r.Header.Get("X-Token"))
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "sorry, "+r.Header.Get("X-Token")+", ")
		if r.URL.Path == "/long" {
			_, _ = io.WriteString(w, long)
		}
		if r.URL.Path == "/secrets" {
			_, _ = io.WriteString(w, strings.Repeat(r.Header.Get("X-Token"), 10<<10))
		}
	})
	options := map[string]any{"keep_response": true, "headers": map[string]string{"X-Token": "secret://token"}}
	r := execute(t, url, options)
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	kept, ok := r.Observed["response"].(string)
	require.True(t, ok)
	require.Regexp(t, "^HTTP/1.1 503 Service Unavailable\n(.*\n)*Set-Cookie: •••\nX-Seen: •••\n\nsorry, •••, $", kept)
	require.EqualValues(t, 503, r.Observed["status"])

	for _, path := range []string{"/long", "/secrets"} {
		r = execute(t, url+path, options)
		raw, err := json.Marshal(r.Observed)
		require.NoError(t, err)
		require.Less(t, len(raw), executor.MaxObserved)
		require.Contains(t, r.Observed, "response")
		require.NotContains(t, string(raw), executortest.Secret[:6], "no part of a secret either")
	}
	require.NotContains(t, execute(t, url, options, "status == 503").Observed, "response", "no failure")
	require.NotContains(t, execute(t, url, nil).Observed, "response", "not asked for")
}
