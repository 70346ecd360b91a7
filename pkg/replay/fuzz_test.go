package replay

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzParseChange: what is read means the same when it is written and read again.
func FuzzParseChange(f *testing.F) {
	for _, seed := range []string{
		`{"failure_threshold":3,"success_threshold":1,"quorum":2}`, `{"degraded_after":"500ms","invert":true}`,
		`{"assertions":["status == 200"],"rollup":"best"}`, `{"interval":"1m"}`, `{"degraded_after":5,"invert":null}`, `{"stale_after":"5m","maintenance":[{"cron":"0 2 * * sun","duration":"1h"}]}`, `{"assertions":[]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var set map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &set) != nil {
			return
		}
		change, problems := ParseChange(set)
		if len(problems) > 0 || (change.Assertions != nil && len(change.Assertions) == 0) {
			return // an empty list is refused when the question is checked, and left out when it is written
		}
		raw, err := json.Marshal(change)
		require.NoError(t, err)
		var again map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(raw, &again))
		repeated, problems := ParseChange(again)
		require.Empty(t, problems)
		require.Equal(t, change, repeated)
	})
}
