package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
)

// changed is a good definition with some fields replaced, added, or, when nil, removed.
func changed(fields ...any) map[string]any {
	d := newCheck("home")
	for i := 0; i+1 < len(fields); i += 2 {
		d[fields[i].(string)] = fields[i+1]
		if fields[i+1] == nil {
			delete(d, fields[i].(string))
		}
	}
	return d
}

func TestBadInputIsNamedAndNothingIsStored(t *testing.T) {
	w := newWorld(t)
	w.service()
	before := len(w.sent())
	for name, c := range map[string]struct {
		body    any
		status  int
		field   string
		message string
	}{
		"unknown field":       {changed("tagret", "x"), 422, "tagret", "did you mean target?"},
		"far-off field":       {changed("frobnicate", "x"), 422, "frobnicate", "there are id, name, service"},
		"read-only field":     {changed("status", "up"), 422, "status", "cannot be set: remove it"},
		"wrong type, string":  {changed("target", 7), 422, "target", "7 is no string: put it in quotes"},
		"wrong type, number":  {changed("retries", "two"), 422, "retries", `"two" is no whole number, or too large: write one without quotes, such as 3`},
		"broken number":       {changed("retries", 1.5), 422, "retries", "1.5 is no whole number"},
		"wrong type, bool":    {changed("paused", "yes"), 422, "paused", "neither true nor false"},
		"wrong type, list":    {changed("assertions", "status == 200"), 422, "assertions", "is no list"},
		"wrong type, element": {changed("assertions", []any{"status == 200", 7}), 422, "assertions[1]", "7 is no string"},
		"wrong type, map":     {changed("labels", []string{"a"}), 422, "labels", "is no object"},
		"wrong type, entry":   {changed("labels", map[string]any{"team": 7}), 422, "labels.team", "7 is no string"},
		"null element":        {changed("locations", []any{nil}), 422, "locations[0]", "null is no string"},
		"duration as number":  {changed("interval", 30), 422, "interval", `30 is no duration: write a string with a unit, such as "30s"`},
		"bad duration":        {changed("interval", "soon"), 422, "interval", `"soon" is no duration`},
		"interval under 1 s":  {changed("interval", "500ms"), 422, "interval", "500ms is out of bounds: use 1s to 24h"},
		"bad CEL":             {changed("assertions", []string{"status == "}), 422, "assertions[0]", ""},
		"CEL of a wrong type": {changed("assertions", []string{"status == 'ok'"}), 422, "assertions[0]", ""},
		"unknown kind":        {changed("kind", "telepathy"), 422, "kind", `"telepathy" is not known: use http, `},
		"no kind":             {changed("kind", nil), 422, "kind", "is required"},
		"bad option":          {changed("options", map[string]any{"methd": "GET"}), 422, "options.methd", ""},
		"options no object":   {changed("options", "GET"), 422, "options", "is not a JSON object"},
		"foreign characters":  {changed("id", "Über uns"), 422, "id", "use 1 to 64 characters of a-z"},
		"unknown service":     {changed("service", "nowhere"), 422, "service", "register the service first"},
		"no object":           {`["a"]`, 400, "", "not a JSON object"},
		"nothing":             {"", 400, "", "the body is empty"},
		"null":                {"null", 400, "", "not a JSON object"},
		"broken JSON":         {"{\n \"id\": \"a\",\n \"name\" \"b\"}", 400, "", "line 3, column 9"},
		"cut off":             {`{"id":"a"`, 400, "", "line 1"},
		"not UTF-8":           {"{\"name\":\"\xff\"}", 400, "", "not valid UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			p := w.call(http.MethodPost, "/api/v1/checks", c.body).problem(t)
			require.Equal(t, c.status, p.Status, p.Detail)
			if c.field == "" {
				require.Contains(t, p.Detail, c.message)
				require.Empty(t, p.Errors)
				return
			}
			require.Len(t, p.Errors, 1, p.Detail)
			require.Equal(t, c.field, p.Errors[0].Field)
			require.Contains(t, p.Errors[0].Message, c.message)
		})
	}
	require.Len(t, w.sent(), before+1, "only what is right in itself is sent to be decided: the check of an unknown service")
	w.want(http.StatusNotFound, http.MethodGet, "/api/v1/checks/home", nil)
	last, err := w.bus.Last(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, last, "nothing but the service")
}

func TestEverythingThatIsWrongIsSaidAtOnce(t *testing.T) {
	w := newWorld(t)
	p := w.want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/checks", map[string]any{
		"id": "A", "service": "nowhere", "kind": "http", "target": 7, "interval": "1ms", "retries": 99, "assertions": []string{"nonsense"}, "tiemout": "1s",
	}).problem(t)
	fields := map[string]bool{}
	for _, e := range p.Errors {
		fields[e.Field] = true
	}
	for _, field := range []string{"id", "service", "target", "interval", "retries", "assertions[0]", "tiemout"} {
		require.True(t, fields[field], "%s: %v", field, p.Errors)
	}
}

func TestParametersAreChecked(t *testing.T) {
	w := newWorld(t)
	for path, field := range map[string]string{
		"/checks?limit=0": "limit", "/checks?limit=x": "limit", "/checks?limt=5": "limt", "/checks?status=green": "status",
		"/checks?cursor=nonsense": "cursor", "/checks/ABC": "id", "/checks/a%2Fb": "id", "/incidents?open=maybe": "open",
		"/events?type=x": "type", "/events?after=x": "after", "/events?after=5": "after", "/events?cursor=b": "cursor",
		"/events?after=0&cursor=b1": "cursor", "/services/%C3%9C": "id", "/services?sort=beauty": "sort",
	} {
		p := w.want(http.StatusUnprocessableEntity, http.MethodGet, base+path, nil).problem(t)
		if len(p.Errors) > 0 {
			require.Equal(t, field, p.Errors[0].Field, path)
		} else {
			require.Contains(t, p.Detail, field[:4], path)
		}
	}
	w.service()
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	for path, field := range map[string]string{
		"/checks/home/results?outcome=good": "outcome", "/checks/home/results?from=yesterday": "from", "/checks/home/latency?window=1y": "window",
		"/checks/home/results?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z": "to",
	} {
		p := w.want(http.StatusUnprocessableEntity, http.MethodGet, base+path, nil).problem(t)
		require.Equal(t, field, p.Errors[0].Field, path)
	}
	p := w.want(http.StatusUnprocessableEntity, http.MethodPut, "/api/v1/checks/home", changed("id", "other")).problem(t)
	require.Equal(t, "id", p.Errors[0].Field)
	p = w.want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/services", map[string]any{"id": "x", "rollup": "median", "nmae": "X"}).problem(t)
	require.Len(t, p.Errors, 2)
	p = w.want(http.StatusUnprocessableEntity, http.MethodPatch, "/api/v1/checks/home", map[string]any{"interval": "1ms", "intreval": "2s"}).problem(t)
	require.Len(t, p.Errors, 2)
	w.want(http.StatusBadRequest, http.MethodPut, "/api/v1/checks/home", newCheck("home"), "If-Match", "3").problem(t)
	w.want(http.StatusBadRequest, http.MethodPut, "/api/v1/checks/home", newCheck("home"), "If-Match", `W/"3"`).problem(t)
	w.want(http.StatusPreconditionFailed, http.MethodPut, "/api/v1/checks/home", newCheck("home"), "If-Match", `"7"`).problem(t)
	w.want(http.StatusPreconditionFailed, http.MethodPatch, "/api/v1/checks/home", `{"interval":"10s"}`, "If-Match", `"7"`).problem(t)
	w.want(http.StatusPreconditionFailed, http.MethodPost, "/api/v1/checks/home/pause", nil, "If-Match", `"7"`).problem(t)
	w.want(http.StatusPreconditionFailed, http.MethodDelete, "/api/v1/checks/home", nil, "If-Match", `"7"`).problem(t)
	w.want(http.StatusConflict, http.MethodPost, "/api/v1/checks", newCheck("home")).problem(t)
	w.want(http.StatusConflict, http.MethodPost, "/api/v1/services", map[string]any{"id": "web"}).problem(t)
}

func TestRoutesMethodsAndTypesAreAnsweredInOrder(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/api/v1/nothing", "/api/v1", "/api/v1/checks/home/nothing", "/nothing.js"} {
		w.want(http.StatusNotFound, http.MethodGet, path, nil).problem(t)
		w.want(http.StatusNotFound, http.MethodPost, path, map[string]any{}).problem(t)
	}
	r := w.want(http.StatusMethodNotAllowed, http.MethodDelete, "/api/v1/checks", nil)
	r.problem(t)
	require.Equal(t, "GET, POST", r.header.Get("Allow"))
	w.want(http.StatusMethodNotAllowed, http.MethodPost, "/healthz", nil).problem(t)
	w.want(http.StatusUnsupportedMediaType, http.MethodPost, "/api/v1/checks", "a=b", "Content-Type", "application/x-www-form-urlencoded").problem(t)
	w.want(http.StatusUnsupportedMediaType, http.MethodPost, "/api/v1/checks", "{}", "Content-Type", "application/merge-patch+json").problem(t)
	w.want(http.StatusUnsupportedMediaType, http.MethodPost, "/api/v1/checks", "{}", "Content-Type", "application/json; charset=latin1").problem(t)
	require.NotEmpty(t, w.want(http.StatusUnsupportedMediaType, http.MethodPatch, "/api/v1/checks/a", "{}", "Content-Type", "text/plain").header.Get("Accept-Patch"))
	w.want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/checks", "{}", "Content-Type", "application/json; charset=UTF-8").problem(t)
	r = w.want(http.StatusOK, http.MethodHead, "/api/v1/checks", nil)
	require.Empty(t, r.body)
	require.Equal(t, "application/json", r.header.Get("Content-Type"))
	w.want(http.StatusOK, http.MethodHead, "/api/v1/events/stream", nil)
}

func TestALargeBodyIsRefusedAndItsSenderHearsOfIt(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		p := w.want(http.StatusRequestEntityTooLarge, http.MethodPost, "/api/v1/checks", strings.Repeat(" ", 10<<20)).problem(t)
		require.Contains(t, p.Detail, "1048576 bytes")
	}
	// Of unknown length.
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+"/api/v1/checks", io.MultiReader(bytes.NewReader(make([]byte, 10<<20))))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := w.client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
	// Just under the limit it is read.
	w.want(http.StatusBadRequest, http.MethodPost, "/api/v1/checks", strings.Repeat(" ", MaxBody)).problem(t)
}

func TestNonsenseOnTheWireIsAnswered(t *testing.T) {
	w := newWorld(t)
	for request, want := range map[string]string{
		"GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n":               "404",
		"GET /api/v1/checks/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n": "422",
		"NONSENSE\r\n\r\n": "400",
		"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 40<<10) + "\r\n\r\n": "431",
		"BREW /api/v1/checks HTTP/1.1\r\nHost: localhost\r\n\r\n":                             "",
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(w.base, "http://"))
		require.NoError(t, err)
		_, err = fmt.Fprint(c, request)
		require.NoError(t, err)
		answer := make([]byte, 4096)
		n, err := c.Read(answer)
		require.NoError(t, err, "%.40q", request)
		require.NoError(t, c.Close())
		text := string(answer[:n])
		require.True(t, strings.HasPrefix(text, "HTTP/1.1 4"), "%.40q: %s", request, text)
		if want != "" {
			require.True(t, strings.HasPrefix(text, "HTTP/1.1 "+want), "%.40q: %s", request, text)
		}
	}
}

// panicking has a handler panic.
type panicking struct{ *bus.Memory }

func (panicking) Outcome(context.Context, string) (bus.Outcome, error) { panic("secret") }

func TestAPanicIsAnsweredAndTheServerGoesOn(t *testing.T) {
	w := newWorldOn(t, func(m *bus.Memory) Bus { return &panicking{m} })
	p := w.want(http.StatusInternalServerError, http.MethodGet, "/api/v1/commands/x", nil).problem(t)
	require.NotContains(t, p.Detail, "secret")
	w.want(http.StatusOK, http.MethodGet, "/api/v1/checks", nil)
	require.Zero(t, w.metric("vedette_api_requests_in_flight"))
}
