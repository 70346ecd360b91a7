package cli_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCorrectionsAreAddedAndWithdrawn(t *testing.T) {
	s := board(t)
	o := s.run(t, "", nil, "correction", "add", "saturday", "--service", "web", "--from", "2h", "--to", "2026-03-04T11:30:00Z", "--kind", "maintenance", "--reason", "moved")
	require.Zero(t, o.code, o.err)
	require.Contains(t, o.out, "check home counts as false positive from 2026-03-01T08:00:00Z")
	require.Equal(t, map[string]any{
		"id": "saturday", "service": "web", "from": "2026-03-04T10:00:00Z", "to": "2026-03-04T11:30:00Z", "kind": "maintenance", "reason": "moved",
	}, s.last().body)
	o = s.run(t, "", nil, "correction", "add", "--check", "home", "--from", "1h", "--kind", "false_positive", "--reason", "x")
	require.Zero(t, o.code, o.err)
	require.Equal(t, "2026-03-04T12:00:00Z", s.last().body["to"], "until now")

	o = s.run(t, "", nil, "correction", "withdraw", "home-2026-03-01", "--reason", "It was not.")
	require.Zero(t, o.code, o.err)
	require.Contains(t, o.out, "home-2026-03-01 is withdrawn")
	require.Equal(t, http.MethodDelete, s.last().method)
	require.Equal(t, "reason=It+was+not.", s.last().query)

	o = s.run(t, "", nil, "correction", "list", "--check", "home", "--standing")
	require.Zero(t, o.code, o.err)
	require.Contains(t, s.last().query, "check=home")
	require.Contains(t, s.last().query, "standing=true")

	before := s.requests()
	o = s.run(t, "", nil, "correction", "add", "--from", "yesterday")
	require.Equal(t, 2, o.code)
	require.Contains(t, o.err, `--from "yesterday" is no time`)
	require.Equal(t, before, s.requests())
}
