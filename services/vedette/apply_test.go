package main_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhatIsDeclaredIsApplied: a board is carried to another server by export and apply, changed by
// files, and nothing is done when something is wrong.
func TestWhatIsDeclaredIsApplied(t *testing.T) {
	p := up(t)
	run := func(code int, args ...string) string {
		t.Helper()
		have, out, errs := p.vedette(t, args...)
		require.Equal(t, code, have, "%v: %s%s", args, out, errs)
		return out + errs
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("services.yaml", "services:\n  - {id: web, name: Web site}\n  - {id: db}\n")
	write("more/checks.yaml", "checks:\n  - {id: home, service: web, kind: http, target: 'https://example.org/', interval: 1h, labels: {team: web}}\n  - {id: backup, service: db, kind: heartbeat, interval: 24h}\n---\npages:\n  - {id: public, title: Example, services: [web]}\n")

	require.Contains(t, run(0, "apply", "-f", dir, "--dry-run"), "would be 5 created, 0 changed, 0 deleted, 0 unchanged")
	require.Contains(t, run(0, "check", "ls"), "No checks", "a dry run does nothing")
	out := run(0, "apply", "-f", dir)
	require.Contains(t, out, "+ check home")
	require.Contains(t, out, "/api/v1/heartbeats/backup.", "the address is shown once")
	require.Contains(t, run(0, "apply", "-f", dir), "0 created, 0 changed, 0 deleted, 5 unchanged")

	// What was exported changes nothing.
	exported := run(0, "export")
	write("../whole.yaml", exported)
	whole := filepath.Join(dir, "..", "whole.yaml")
	require.Contains(t, run(0, "apply", "-f", whole, "--prune"), "0 created, 0 changed, 0 deleted, 5 unchanged")

	// Everything wrong is told, and nothing is done.
	write("more/wrong.yaml", "checks:\n  - {id: a, service: none, kind: http, target: 'https://example.org/'}\n  - {id: b, service: web, kind: http, target: 'https://example.org/', assertions: ['status = 200']}\n")
	out = run(4, "apply", "-f", dir)
	require.Contains(t, out, `check a: service: "none" is not declared`)
	require.Contains(t, out, "check b: assertions[0]:")
	require.Contains(t, run(0, "apply", "-f", whole), "5 unchanged")
	require.NoError(t, os.Remove(filepath.Join(dir, "more", "wrong.yaml")))

	write("more/checks.yaml", "checks:\n  - {id: home, service: web, kind: http, target: 'https://example.org/', interval: 2h, labels: {team: core}}\n")
	out = run(0, "apply", "-f", dir, "--prune")
	for _, line := range []string{"~ check home", "interval: 1h → 2h", "labels.team: web → core", "- check backup", "- page public", "1 changed, 2 deleted, 2 unchanged"} {
		require.Contains(t, out, line)
	}
	require.Contains(t, run(2, "apply", "-f", filepath.Join(dir, "nowhere")), "nowhere")
	write("nothing.yaml", "services: []\n")
	require.Contains(t, run(2, "apply", "-f", filepath.Join(dir, "nothing.yaml"), "--prune"), "would delete all")
	require.Contains(t, run(0, "service", "ls", "-o", "json"), `"id": "db"`, "it is there still")
}
