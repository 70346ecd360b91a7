package main_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestADamagedLogIsReadOnly changes one bit of a store while nobody looks.
func TestADamagedLogIsReadOnly(t *testing.T) {
	data := t.TempDir()
	p := start(t, nil, "up", "--data", data, "--http", "127.0.0.1:0")
	create(t, p, "services", `{"id":"web"}`)
	for id := range strings.FieldsSeq("a b c d e f g h") {
		create(t, p, "checks", `{"id":"`+id+`","service":"web","kind":"http","target":"http://127.0.0.1:9/","paused":true}`)
	}
	code, out, errs := p.vedette(t, "verify")
	require.Zero(t, code, errs)
	require.Contains(t, out, "whole")
	code, head, errs := p.vedette(t, "verify", "--head")
	require.Zero(t, code, errs)
	code, _, errs = p.vedette(t, "verify", "--expect", strings.TrimSpace(head))
	require.Zero(t, code, errs)
	require.Zero(t, p.stop())

	blocks, err := filepath.Glob(filepath.Join(data, "nats", "jetstream", "VEDETTE", "streams", "EVENTS", "msgs", "*.blk"))
	require.NoError(t, err)
	require.NotEmpty(t, blocks)
	held, err := os.ReadFile(blocks[0])
	require.NoError(t, err)
	held[len(held)/2] ^= 0x10
	require.NoError(t, os.WriteFile(blocks[0], held, 0o600))

	p = launch(t, nil, "up", "--data", data, "--http", "127.0.0.1:0")
	require.Eventually(t, func() bool {
		response, err := http.Get(p.base + "/readyz")
		if err != nil {
			return false
		}
		raw, err := io.ReadAll(response.Body)
		return err == nil && response.Body.Close() == nil && strings.Contains(string(raw), "event log is damaged: event")
	}, patience, 20*time.Millisecond)
	code, out, errs = p.vedette(t, "verify", "--expect", strings.TrimSpace(head))
	require.Equal(t, 1, code, errs)
	require.Contains(t, out, "damaged: something is wrong with")
	code, _, errs = p.vedette(t, "service", "add", "other")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "event log is damaged: event")
	require.Contains(t, errs, "it can be read but not written")
	code, out, errs = p.vedette(t, "overview", "-o", "json")
	require.Zero(t, code, errs)
	require.Contains(t, out, `"read_only": "the event log is damaged: event`)
	require.Zero(t, p.stop())
}
