package readmodel

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/monitor"
)

// requireReadAsJSON wants what scan makes of a value's JSON, and of texts that only look like it, to be what
// encoding/json does. It returns 1 where scan read it.
func requireReadAsJSON[T any](t *rapid.T, one T, scan func([]byte) (T, bool)) int {
	raw := encode(one)
	if n := rapid.IntRange(0, 3*len(raw)).Draw(t, "damage"); n < len(raw) {
		raw[n] = byte(rapid.IntRange(0, 255).Draw(t, "byte"))
	}
	have, ok := scan(raw)
	if !ok {
		return 0
	}
	var want T
	require.NoError(t, json.Unmarshal(raw, &want), "%s", raw)
	require.Equal(t, want, have, "%s", raw)
	return 1
}

func anyText() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringMatching(`[a-z0-9 .·]{0,20}`), rapid.String())
}

func TestAStandingIsReadAsJSONIs(t *testing.T) {
	fast := 0
	rapid.Check(t, func(t *rapid.T) {
		at := func(name string) time.Time {
			return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, name), rapid.Int64Range(0, 1e9-1).Draw(t, "ns")).UTC()
		}
		one := standing{
			Revision: rapid.Uint64Range(0, 1<<40).Draw(t, "revision"), Status: rapid.SampledFrom(monitor.Statuses()).Draw(t, "status"),
			StatusSince: at("since"), CreatedAt: at("created"), UpdatedAt: at("updated"),
			Incident: anyText().Draw(t, "incident"), Reason: anyText().Draw(t, "reason"), Pending: rapid.Bool().Draw(t, "pending"), Sequence: rapid.Uint64Range(0, 1<<40).Draw(t, "sequence"),
		}
		if rapid.Bool().Draw(t, "decided") {
			one.DecidedAt = monitor.Position{Sequence: rapid.Uint64Range(0, 1<<40).Draw(t, "at"), Index: rapid.IntRange(0, 100).Draw(t, "index")}
		}
		fast += requireReadAsJSON(t, one, scanStanding)
	})
	require.Positive(t, fast)
}

func TestADefinitionIsReadAsJSONIs(t *testing.T) {
	fast := 0
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(anyText(), 0, 3)
		span := func(name string) monitor.Duration { return monitor.Duration(rapid.Int64Range(0, 1e14).Draw(t, name)) }
		count := func(name string) int { return rapid.IntRange(0, 100).Draw(t, name) }
		fast += requireReadAsJSON(t, monitor.Definition{
			ID: anyText().Draw(t, "id"), Name: anyText().Draw(t, "name"), Service: anyText().Draw(t, "service"), Kind: anyText().Draw(t, "kind"), Target: anyText().Draw(t, "target"),
			Options:    json.RawMessage(rapid.SampledFrom([]string{"", "{}", `{"a":[1,-2.5e3,{"b":null,"b":"\n"}],"c":true}`, `"x"`, "[]", "0"}).Draw(t, "options")),
			Assertions: texts.Draw(t, "assertions"), Interval: span("interval"), Cron: anyText().Draw(t, "cron"), TimeZone: anyText().Draw(t, "zone"), Grace: span("grace"),
			StaleAfter: span("stale"), Timeout: span("timeout"), Retries: count("retries"), RetryDelay: span("delay"), FailureThreshold: count("failures"), SuccessThreshold: count("successes"),
			DegradedAfter: span("degraded"), Invert: rapid.Bool().Draw(t, "invert"), Locations: texts.Draw(t, "locations"), Quorum: count("quorum"),
			Labels: rapid.MapOfN(anyText(), anyText(), 0, 3).Draw(t, "labels"), Paused: rapid.Bool().Draw(t, "paused"),
		}, scanDefinition)
	})
	require.Positive(t, fast)
}
