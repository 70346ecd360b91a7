package main_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/readmodel"
)

// TestTheCommandsWorkOnARealServer goes through the life of a check by the command line alone.
func TestTheCommandsWorkOnARealServer(t *testing.T) {
	p := up(t)
	watched := newTarget(t)
	done := func(args ...string) string {
		t.Helper()
		code, out, errs := p.vedette(t, args...)
		require.Zero(t, code, "%v: %s", args, errs)
		return out
	}
	refused := func(code int, args ...string) string {
		t.Helper()
		have, out, errs := p.vedette(t, args...)
		require.Equal(t, code, have, "%v: %s%s", args, out, errs)
		return errs + out
	}

	require.Contains(t, done("check", "ls"), "No checks")
	require.Contains(t, done("kinds"), "http")
	require.Contains(t, done("kinds", "dns"), "expect.answers")
	refused(3, "kinds", "gopher")
	require.Equal(t, "web registered\n", done("service", "add", "web", "--name", "Web site", "--label", "team=web"))
	require.Contains(t, done("check", "test", "--kind", "http", "--target", watched.URL, "--service", "web", "--assert", "status == 200"), "✓ status == 200")
	require.Contains(t, done("check", "ls"), "No checks", "a test stores nothing")

	require.Contains(t, done("check", "add", "home", "--service", "web", "--kind", "http", "--target", watched.URL,
		"--interval", "1h", "--assert", "status == 200", "--option", "method=HEAD", "--option", "headers.Accept=text/html"), "home registered: every 1h")
	require.Contains(t, refused(4, "check", "add", "home", "--service", "web", "--kind", "http", "--target", watched.URL), "home")
	require.Contains(t, refused(4, "check", "add", "x", "--service", "web", "--kind", "http", "--target", watched.URL, "--interval", "1ms"), "interval  ")
	require.Contains(t, done("check", "run", "home"), "✓ status == 200")
	watched.status.Store(http.StatusServiceUnavailable)
	require.Contains(t, refused(1, "check", "run", "home"), "actual 503")
	require.Contains(t, done("check", "test", "home", "--assert", "status == 503"), "✓ status == 503")

	require.Contains(t, done("check", "edit", "home", "--interval", "2h", "--label", "tier=1", "--option", "headers.Accept-"), "revision 2")
	var view readmodel.CheckView
	require.NoError(t, json.Unmarshal([]byte(done("check", "get", "home", "-o", "json")), &view))
	require.Equal(t, "2h", view.Interval.String())
	require.Equal(t, map[string]string{"tier": "1"}, view.Labels)
	require.JSONEq(t, `{"method":"HEAD","headers":{}}`, string(view.Options), "the other options stay")

	// What is read can be changed and given back.
	file := filepath.Join(t.TempDir(), "home.yaml")
	read := done("check", "get", "home", "-o", "yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(read, "interval: 2h", "interval: 3h", 1)), 0o600))
	require.Contains(t, done("check", "edit", "home", "-f", file), "revision 3")
	require.Contains(t, refused(4, "check", "edit", "home", "-f", file), "revision", "what was read is of an older one")
	require.Contains(t, done("check", "get", "home"), "every 3h")

	require.Contains(t, done("check", "pause", "home"), "home paused")
	require.Contains(t, done("check", "ls", "--status", "paused"), "home")
	require.Contains(t, done("check", "resume", "home"), "home resumed")
	require.Contains(t, done("overview"), "0 open incidents, 1 runner")
	require.Contains(t, done("incidents"), "home-1")
	require.Contains(t, done("incidents", "--open"), "No incidents")
	require.Contains(t, done("runners"), "working")
	require.Contains(t, done("projection", "ls"), "overview")
	require.Contains(t, done("service", "get", "web"), "Web site")
	require.Contains(t, done("service", "edit", "web", "--rollup", "best"), "revision 2")
	require.Contains(t, refused(4, "service", "rm", "web"), "web")

	log := done("events", "--after", "0", "--type", "check.registered,check.updated")
	require.Equal(t, 3, strings.Count(log, "check/home"), log)
	followed := done("events", "--follow", "--after", "0", "--limit", "2", "-o", "json")
	require.Equal(t, 2, strings.Count(followed, `"specversion"`))
	require.Contains(t, done("events", "--results", "--after", "0", "--check", "home"), "check.failed")

	code, out, _ := run(t, nil, "__complete", "check", "--server", p.base, "get", "ho")
	require.Zero(t, code)
	require.Contains(t, out, "home\t")
	require.Equal(t, "home deleted\n", done("check", "rm", "home"))
	refused(3, "check", "get", "home")
	require.Equal(t, "web deleted\n", done("service", "rm", "web"))
}

func TestATokenIsAskedForAndGiven(t *testing.T) {
	const token = "a-token-of-enough-length"
	p := start(t, []string{"VEDETTE_ADMIN_TOKEN=" + token}, "up", "--data", t.TempDir(), "--http", "127.0.0.1:0")
	code, _, errs := p.vedette(t, "check", "ls")
	require.Equal(t, 4, code)
	require.Contains(t, errs, "VEDETTE_TOKEN")
	code, out, errs := run(t, []string{"VEDETTE_SERVER=" + p.base, "VEDETTE_TOKEN=" + token}, "check", "ls")
	require.Zero(t, code, errs)
	require.Contains(t, out, "No checks")
	code, _, errs = run(t, nil, "healthcheck", p.base+"/readyz")
	require.Zero(t, code, errs)
	require.NotContains(t, p.log.String(), token)
}
