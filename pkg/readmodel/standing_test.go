package readmodel

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/monitor"
)

// TestAStandingIsReadAsJSONIs writes random ones, and texts that only look like one.
func TestAStandingIsReadAsJSONIs(t *testing.T) {
	fast := 0
	rapid.Check(t, func(t *rapid.T) {
		at := func(name string) time.Time {
			return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, name), rapid.Int64Range(0, 1e9-1).Draw(t, "ns")).UTC()
		}
		text := rapid.OneOf(rapid.StringMatching(`[a-z0-9 .·]{0,20}`), rapid.String())
		one := standing{
			Revision: rapid.Uint64Range(0, 1<<40).Draw(t, "revision"), Status: rapid.SampledFrom(monitor.Statuses()).Draw(t, "status"),
			StatusSince: at("since"), CreatedAt: at("created"), UpdatedAt: at("updated"),
			Incident: text.Draw(t, "incident"), Reason: text.Draw(t, "reason"), Pending: rapid.Bool().Draw(t, "pending"), Sequence: rapid.Uint64Range(0, 1<<40).Draw(t, "sequence"),
		}
		if rapid.Bool().Draw(t, "decided") {
			one.DecidedAt = monitor.Position{Sequence: rapid.Uint64Range(0, 1<<40).Draw(t, "at"), Index: rapid.IntRange(0, 100).Draw(t, "index")}
		}
		raw := encode(one)
		if n := rapid.IntRange(0, 3*len(raw)).Draw(t, "damage"); n < len(raw) {
			raw[n] = byte(rapid.IntRange(0, 255).Draw(t, "byte"))
		}
		have, ok := readStandingFast(raw)
		if !ok {
			return
		}
		fast++
		var want standing
		require.NoError(t, json.Unmarshal(raw, &want), "%s", raw)
		require.Equal(t, want, have, "%s", raw)
	})
	require.Positive(t, fast)
}
