package cli_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEditsByFlagsArePatchesAgainstWhatWasRead(t *testing.T) {
	s := board(t)
	o := s.run(t, "", nil, "check", "edit", "home", "--interval", "1m", "--degraded-after", "", "--label", "team-", "--option", "max_redirects=2", "--option", "body-")
	require.Zero(t, o.code, o.err)
	sent := s.last()
	require.Equal(t, "PATCH", sent.method)
	require.Equal(t, "application/merge-patch+json", sent.header.Get("Content-Type"))
	require.Equal(t, `"3"`, sent.header.Get("If-Match"))
	require.Equal(t, map[string]any{
		"interval": "1m", "degraded_after": nil, "labels": map[string]any{"team": nil},
		"options": map[string]any{"max_redirects": 2.0, "body": nil},
	}, sent.body)
}

func TestWhatWasReadCanBeChangedAndGivenBack(t *testing.T) {
	s := board(t)
	for _, form := range []string{"yaml", "json"} {
		read := s.run(t, "", nil, "check", "get", "home", "-o", form)
		read.out = strings.NewReplacer("interval: 30s", "interval: 2m", `"interval": "30s"`, `"interval": "2m"`).Replace(read.out)
		o := s.run(t, read.out, nil, "check", "edit", "home", "-f", "-")
		require.Zero(t, o.code, o.err)
		sent := s.last()
		require.Equal(t, "PUT", sent.method)
		require.Equal(t, `"3"`, sent.header.Get("If-Match"), "the revision that was read")
		require.Equal(t, "2m", sent.body["interval"])
		for _, added := range []string{"status", "revision", "last_result", "uptime", "recent", "sequence"} {
			require.NotContains(t, sent.body, added)
		}
		require.Contains(t, sent.body, "failure_threshold")
	}
}

// editor writes a script that edits the file that it is given.
func editor(t *testing.T, script string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "editor")
	require.NoError(t, os.WriteFile(file, []byte("#!/bin/sh\n"+script), 0o700))
	return "EDITOR=" + file
}

func TestTheEditorGetsTheDefinitionAndItsTextReplacesIt(t *testing.T) {
	s := board(t)
	o := s.run(t, "", []string{editor(t, `sed -i 's/^interval: .*/interval: 2m/' "$1"`)}, "check", "edit", "home")
	require.Zero(t, o.code, o.err)
	sent := s.last()
	require.Equal(t, "PUT", sent.method)
	require.Equal(t, `"3"`, sent.header.Get("If-Match"))
	require.Equal(t, "2m", sent.body["interval"])
	require.Equal(t, map[string]any{"method": "HEAD"}, sent.body["options"])
	require.NotContains(t, sent.body, "status", "what a read adds is no part of the definition")
}

func TestAnEditThatChangesNothingIsNotSent(t *testing.T) {
	s := board(t)
	o := s.run(t, "", []string{editor(t, "true")}, "check", "edit", "home")
	require.Equal(t, 1, o.code)
	require.Contains(t, o.err, "nothing was changed")
	require.Equal(t, "GET", s.last().method)
}

func TestARefusedEditIsShownInTheEditor(t *testing.T) {
	refused := false
	put := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !refused {
			refused = true
			problem(422, "the definition cannot be used", "interval", "0s is out of bounds: use 1s to 24h")(w, r)
			return
		}
		answer(200, home)(w, r)
	})
	s := serve(t, map[string]http.HandlerFunc{"GET /checks/home": answer(200, home, "ETag", `"3"`), "PUT /checks/home": put})
	seen := filepath.Join(t.TempDir(), "seen")
	script := `cp "$1" ` + seen + `; if grep -q '^# This was refused' "$1"; then sed -i 's/^interval: .*/interval: 5s/' "$1"; else sed -i 's/^interval: .*/interval: 0s/' "$1"; fi`
	o := s.run(t, "", []string{editor(t, script)}, "check", "edit", "home")
	require.Zero(t, o.code, o.err)
	shown, err := os.ReadFile(seen)
	require.NoError(t, err)
	require.Contains(t, string(shown), "#   interval  0s is out of bounds: use 1s to 24h")
	require.Equal(t, "5s", s.last().body["interval"])
}

func TestAConflictLosesNothing(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{
		"GET /checks/home": answer(200, home, "ETag", `"3"`),
		"PUT /checks/home": problem(412, "home is at revision 4, not 3"),
	})
	t.Setenv("TMPDIR", t.TempDir())
	o := s.run(t, "", []string{editor(t, `sed -i 's/^interval: .*/interval: 2m/' "$1"`)}, "check", "edit", "home")
	require.Equal(t, 4, o.code)
	require.Contains(t, o.err, "home is at revision 4, not 3")
	kept, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "vedette-home-*.yaml"))
	require.NoError(t, err)
	require.Len(t, kept, 1)
	require.Contains(t, o.err, kept[0])
	text, err := os.ReadFile(kept[0])
	require.NoError(t, err)
	require.Contains(t, string(text), "interval: 2m")
}
