package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

// TestBadInputIsRefusedWithItsCureAndStoresNothing sends what users get wrong through the whole
// program.
func TestBadInputIsRefusedWithItsCureAndStoresNothing(t *testing.T) {
	p := up(t)
	create(t, p, "services", `{"id":"web"}`)
	create(t, p, "checks", `{"id":"home","service":"web","kind":"http","target":"http://127.0.0.1:9/","paused":true}`)
	before := events(t, p)

	const valid = `"id":"x","service":"web","kind":"http","target":"http://127.0.0.1:9/"`
	for name, c := range map[string]struct {
		method, path, body string
		header             [2]string
		status             int
		field, cure        string
	}{
		"unknown field":           {body: `{` + valid + `,"intervall":"30s"}`, status: 422, field: "intervall"},
		"wrong type":              {body: `{` + valid + `,"retries":"three"}`, status: 422, field: "retries"},
		"bad duration":            {body: `{` + valid + `,"interval":"soon"}`, status: 422, field: "interval", cure: "30s"},
		"duration without a unit": {body: `{` + valid + `,"interval":30}`, status: 422, field: "interval"},
		"interval under a second": {body: `{` + valid + `,"interval":"500ms"}`, status: 422, field: "interval", cure: "use 1s to 24h"},
		"bad assertion":           {body: `{` + valid + `,"assertions":["status == "]}`, status: 422, field: "assertions[0]"},
		"assertion of wrong type": {body: `{` + valid + `,"assertions":["status == 'ok'"]}`, status: 422, field: "assertions[0]"},
		"unknown option":          {body: `{` + valid + `,"options":{"verb":"GET"}}`, status: 422, field: "options.verb", cure: "method"},
		"unknown kind":            {body: `{"id":"x","service":"web","kind":"gopher","target":"x"}`, status: 422, field: "kind", cure: "http"},
		"no such service":         {body: `{"id":"x","service":"nowhere","kind":"http","target":"http://127.0.0.1:9/"}`, status: 422, field: "service"},
		"foreign characters":      {body: `{"id":"Über.uns","service":"web","kind":"http","target":"http://127.0.0.1:9/"}`, status: 422, field: "id", cure: "a-z"},
		"ten megabytes":           {body: `{` + valid + `,"name":"` + strings.Repeat("x", 10<<20) + `"}`, status: 413},
		"broken JSON":             {body: `{"id":`, status: 400},
		"no body":                 {body: ``, status: 400},
		"wrong content type":      {body: `id=x`, header: [2]string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, cure: "application/json"},
		"taken id":                {body: strings.Replace(`{`+valid+`}`, `"x"`, `"home"`, 1), status: 409, cure: "home"},
		"stale If-Match": {method: "PATCH", path: "checks/home", body: `{"interval":"1m"}`, header: [2]string{"If-Match", `"99"`},
			status: 412},
		"no such check":    {method: "PATCH", path: "checks/nothing", body: `{"interval":"1m"}`, status: 404},
		"wrong method":     {method: "PUT", path: "checks", body: `{}`, status: 405},
		"no such route":    {method: "GET", path: "chekcs", status: 404},
		"service in use":   {method: "DELETE", path: "services/web", status: 409},
		"foreign web page": {body: `{` + valid + `}`, header: [2]string{"Origin", "https://attacker.example"}, status: 403},
	} {
		t.Run(name, func(t *testing.T) {
			method, path := c.method, c.path
			if method == "" {
				method, path = http.MethodPost, "checks"
			}
			request, err := http.NewRequestWithContext(t.Context(), method, p.base+"/api/v1/"+path, strings.NewReader(c.body))
			require.NoError(t, err)
			request.Header.Set("Content-Type", "application/json")
			if c.header[0] != "" {
				request.Header.Set(c.header[0], c.header[1])
			}
			response, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			raw, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, c.status, response.StatusCode, string(raw))
			require.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
			var problem struct {
				Title, Detail string
				Status        int
				Errors        monitor.Problems
			}
			require.NoError(t, json.Unmarshal(raw, &problem), string(raw))
			require.Equal(t, c.status, problem.Status)
			require.NotEmpty(t, problem.Title)
			require.NotEmpty(t, problem.Detail)
			if c.field != "" {
				require.Len(t, problem.Errors, 1, string(raw))
				require.Equal(t, c.field, problem.Errors[0].Field)
				require.NotEmpty(t, problem.Errors[0].Message)
			}
			require.Contains(t, string(raw), c.cure)
		})
	}
	require.Equal(t, before, events(t, p), "nothing is stored")
}

func TestAForeignHostIsRefused(t *testing.T) {
	p := up(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+"/api/v1/checks", nil)
	require.NoError(t, err)
	request.Host = "attacker.example"
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusForbidden, response.StatusCode)
}

// events are the ids of the events about checks and services.
func events(t *testing.T, p *program) string {
	t.Helper()
	code, out, errs := p.vedette(t, "events", "--after", "0", "--aggregate", "check")
	require.Zero(t, code, errs)
	code, more, errs := p.vedette(t, "events", "--after", "0", "--aggregate", "service")
	require.Zero(t, code, errs)
	return out + more
}
