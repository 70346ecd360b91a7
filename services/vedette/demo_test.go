package main_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/services/vedette/client"
)

// A newcomer sees a board with a past, and nothing is left when it ends.
func TestDemo(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	p := start(t, nil, "demo", "--http", "127.0.0.1:0")
	c, err := client.New(p.base, "", "test")
	require.NoError(t, err)
	defer c.Close()
	require.Eventually(t, func() bool {
		checks, err := c.Checks(t.Context(), nil)
		incidents, failed := c.Incidents(t.Context(), nil, 10)
		return err == nil && failed == nil && len(checks.Items) == 40 && len(incidents.Items) > 0
	}, patience, 10*time.Millisecond)
	then := time.Now().Add(-40 * time.Minute).UTC().Format(time.RFC3339)
	require.Eventually(t, func() bool {
		code, out, errs := p.vedette(t, "check", "ls", "--at", then)
		if code != 0 {
			require.Contains(t, errs, "is being built")
			return false
		}
		require.Contains(t, out, "failing-bank", "what is told of the past is told in full")
		return true
	}, patience, 10*time.Millisecond)
	code, out, errs := p.vedette(t, "incidents")
	require.Zero(t, code, errs)
	require.Contains(t, out, "actual 503")
	require.Zero(t, p.stop())
	left, err := filepath.Glob(filepath.Join(temporary, "vedette-demo-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}
