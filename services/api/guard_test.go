package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/executor/kinds"
)

func TestBadOptionsAreRefusedBeforeListening(t *testing.T) {
	table, err := kinds.Table()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		opt  Options
		says string
	}{
		"no table":          {Options{}, "table of kinds"},
		"open to all":       {Options{Table: table, Address: "0.0.0.0:8080"}, "VEDETTE_ADMIN_TOKEN or --admin-token"},
		"open to all, v6":   {Options{Table: table, Address: "[::]:8080"}, "VEDETTE_ADMIN_TOKEN"},
		"every interface":   {Options{Table: table, Address: ":8080"}, "VEDETTE_ADMIN_TOKEN"},
		"a name":            {Options{Table: table, Address: "watch.example.org:80"}, "VEDETTE_ADMIN_TOKEN"},
		"no port":           {Options{Table: table, Address: "localhost"}, "HOST:PORT"},
		"short token":       {Options{Table: table, AdminToken: "secret"}, "at least 16"},
		"token with spaces": {Options{Table: table, AdminToken: "this is no good token"}, "without spaces"},
		"heartbeat":         {Options{Table: table, Heartbeat: -1}, "heartbeat"},
		"limits":            {Options{Table: table, MaxStreams: -1}, "limits"},
	} {
		c.opt.Listening = nil
		require.ErrorContains(t, Run(t.Context(), bus.NewMemory(), c.opt), c.says, name)
	}
}

func TestLoopbackHasManyNames(t *testing.T) {
	for _, host := range []string{"localhost", "LOCALHOST", "localhost.", "vedette.localhost", "127.0.0.1", "127.8.9.1", "::1", "[::1]", "::ffff:127.0.0.1"} {
		require.True(t, isLoopback(host), host)
	}
	for _, host := range []string{"", "0.0.0.0", "::", "example.org", "localhost.example.org", "127.0.0.1.nip.io", "10.0.0.1", "notlocalhost"} {
		require.False(t, isLoopback(host), host)
	}
}

func TestOtherHostsAndOriginsAreTurnedAway(t *testing.T) {
	w := newWorld(t)
	for _, host := range []string{"evil.example", "127.0.0.1.nip.io:8080", "192.168.1.5"} {
		for _, path := range []string{"/api/v1/checks", "/", "/healthz", "/metrics", "/api/v1/events/stream"} {
			require.Equal(t, "/docs#problem-host", w.want(http.StatusForbidden, http.MethodGet, path, nil, "Host", host).problem(t).Type)
		}
	}
	w.want(http.StatusOK, http.MethodGet, "/api/v1/checks", nil, "Host", "localhost:1234")
	for _, origin := range []string{"https://evil.example", "null", "http://localhost.evil.example", "file://localhost"} {
		w.want(http.StatusForbidden, http.MethodPost, "/api/v1/services", map[string]any{"id": "web"}, "Origin", origin).problem(t)
	}
	w.want(http.StatusForbidden, http.MethodPost, "/api/v1/checks/home/pause", nil, "Sec-Fetch-Site", "cross-site").problem(t)
	w.want(http.StatusOK, http.MethodGet, "/api/v1/checks", nil, "Origin", "https://evil.example")
	require.Empty(t, w.sent())
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/services", map[string]any{"id": "web"}, "Origin", "http://localhost:5173", "Sec-Fetch-Site", "same-site")
}

func TestATokenIsNeededWhereOneIsSet(t *testing.T) {
	const token = "0123456789abcdef"
	w := newWorld(t, func(o *Options) { o.AdminToken = token })
	for _, path := range []string{"/api/v1/checks", "/api/v1", "/api/v1/events/stream", "/metrics", "/api/v1/nothing"} {
		for _, header := range []string{"", "Bearer", "Bearer ", "Bearer 0123456789abcdeF", "Basic " + token, token, "Bearer " + token + "0"} {
			r := w.want(http.StatusUnauthorized, http.MethodGet, path, nil, "Authorization", header)
			r.problem(t)
			require.Equal(t, `Bearer realm="vedette"`, r.header.Get("WWW-Authenticate"))
		}
	}
	w.want(http.StatusUnauthorized, http.MethodPost, "/api/v1/services", map[string]any{"id": "web"}).problem(t)
	require.Empty(t, w.sent())
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/services", map[string]any{"id": "web"}, "Authorization", "Bearer "+token)
	w.want(http.StatusOK, http.MethodGet, "/api/v1/services", nil, "Authorization", "bearer "+token, "Host", "watch.example.org")
	w.want(http.StatusOK, http.MethodGet, "/metrics", nil, "Authorization", "Bearer "+token)
	for _, path := range []string{"/", "/healthz", "/readyz", "/docs", "/openapi.json", "/asyncapi.json"} {
		w.want(http.StatusOK, http.MethodGet, path, nil)
	}
}

func TestAssetsAreCompressedForThoseWhoSayThatTheyReadIt(t *testing.T) {
	long := strings.Repeat("export const up = 1;\n", 100)
	w := newWorld(t, func(o *Options) {
		o.Assets = fstest.MapFS{"index.html": {Data: []byte("<p>")}, "long.js": {Data: []byte(long)}}
	})
	plain := w.want(http.StatusOK, http.MethodGet, "/long.js", nil, "Accept-Encoding", "identity")
	require.Equal(t, long, string(plain.body))
	require.Empty(t, plain.header.Get("Content-Encoding"))
	require.Equal(t, "Accept-Encoding", plain.header.Get("Vary"))
	packed := w.want(http.StatusOK, http.MethodGet, "/long.js", nil, "Accept-Encoding", "br, gzip")
	require.Equal(t, "gzip", packed.header.Get("Content-Encoding"))
	require.Less(t, len(packed.body), len(long)/4)
	reader, err := gzip.NewReader(bytes.NewReader(packed.body))
	require.NoError(t, err)
	body, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.Equal(t, long, string(body))
	short := w.want(http.StatusOK, http.MethodGet, "/", nil, "Accept-Encoding", "gzip")
	require.Empty(t, short.header.Get("Content-Encoding"), "it would not be smaller")
}

func TestPagesAreServedAndProtected(t *testing.T) {
	w := newWorld(t)
	r := w.want(http.StatusOK, http.MethodGet, "/", nil)
	require.Equal(t, "text/html; charset=utf-8", r.header.Get("Content-Type"))
	require.Equal(t, "no-cache", r.header.Get("Cache-Control"))
	require.Equal(t, "nosniff", r.header.Get("X-Content-Type-Options"))
	require.Equal(t, "no-referrer", r.header.Get("Referrer-Policy"))
	require.Contains(t, r.header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	require.NotContains(t, r.header.Get("Content-Security-Policy"), "unsafe")
	r = w.want(http.StatusOK, http.MethodGet, "/assets/app-B3xk9aQ1.js", nil)
	require.Contains(t, r.header.Get("Cache-Control"), "immutable")
	require.Equal(t, "text/javascript; charset=utf-8", r.header.Get("Content-Type"))
	require.Equal(t, "no-cache", w.want(http.StatusOK, http.MethodGet, "/icon.svg", nil).header.Get("Cache-Control"))
	// The page has routes of its own; files and the API have not.
	page := w.want(http.StatusOK, http.MethodGet, "/checks/home", nil, "Accept", "text/html,*/*;q=0.8")
	require.Contains(t, string(page.body), "<title>Vedette</title>")
	w.want(http.StatusNotFound, http.MethodGet, "/checks/home", nil, "Accept", "application/json").problem(t)
	w.want(http.StatusNotFound, http.MethodGet, "/assets/gone-B3xk9aQ1.js", nil, "Accept", "text/html").problem(t)
	w.want(http.StatusNotFound, http.MethodGet, "/api/v1/nothing", nil, "Accept", "text/html").problem(t)
	w.want(http.StatusNotFound, http.MethodGet, "/../../etc/passwd", nil).problem(t)
	for _, path := range []string{"/docs", "/docs/docs.js", "/docs/docs.css"} {
		body := string(w.want(http.StatusOK, http.MethodGet, path, nil).body)
		require.NotContains(t, body, "http://")
		require.NotContains(t, body, "https://")
		require.NotContains(t, body, "innerHTML")
	}
	r = w.want(http.StatusOK, http.MethodGet, "/asyncapi.json", nil)
	require.JSONEq(t, `{"asyncapi":"3.1.0","info":{"title":"Vedette"}}`, string(r.body))
	w.want(http.StatusOK, http.MethodGet, "/asyncapi.yaml", nil)
}
