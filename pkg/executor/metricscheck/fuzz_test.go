package metricscheck

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzScrape reads whatever an exporter may send, and whatever a level may be.
func FuzzScrape(f *testing.F) {
	f.Add("a{b=\"c\"} 1 2\na 3\n# EOF\n", "application/openmetrics-text; version=1.0.0", "> 1")
	f.Add("a{b=\"\\n\"} NaN\n", "text/plain", "!= -1e3")
	f.Fuzz(func(t *testing.T, text, contentType, bound string) {
		if len(text) > maxBody {
			return
		}
		values, err := selected(text, contentType, "a", map[string]string{"b": "c"})
		require.LessOrEqual(t, len(values), maxSeries)
		if err != nil {
			require.NotEmpty(t, err.Error())
		}
		if l, ok := parseLevel(bound); ok {
			require.NotEqual(t, l.reached(l.bound), level{map[string]string{"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}[l.operator], l.bound}.reached(l.bound))
		}
	})
}
