package jsoncheck

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzRules holds whatever a server may send to whatever rules are taken.
func FuzzRules(f *testing.F) {
	f.Add(`{"items":{"type":"string","pattern":"^a"}}`, "$[?@ == 'a']", `["a","b"]`)
	f.Add(`{"uniqueItems":true}`, "$..*", `[[[[1]]],{"a":{"b":null}}]`)
	f.Fuzz(func(t *testing.T, rules, text, body string) {
		var document any
		if len(body) > maxBody || !few(body) || json.Unmarshal([]byte(body), &document) != nil {
			return
		}
		begun := time.Now()
		if schema, problem := compileSchema(rules); problem == "" {
			if err := schema.violation(t.Context(), document); err != nil {
				require.NotEmpty(t, err.Error())
			}
		}
		if p, problem := parsePath(text); problem == "" {
			_, ok := p.find(document)
			require.True(t, ok || p.single)
		}
		require.Less(t, time.Since(begun), 5*time.Second)
	})
}
