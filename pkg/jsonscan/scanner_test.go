package jsonscan_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/jsonscan"
)

// FuzzScan wants what is not foreign to be read as encoding/json reads it.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":[1,-2.5e3,{"b":null,"c":"\n"}],"d":true}`, `{"a":1,"a":2}`, `{"ü":"\ud83d\ude00"}`, `{"a":01}`, `{"a": 1}`, `{"a":1}x`,
		`{"a":"` + "\xff" + `"}`, `{"a":"` + "\n" + `"}`, `{"a":1e999}`, `{"a":.5}`, `{"a":-}`, `{"a":tru}`, `{"a"}`, `{"a":"\x"}`, `[`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := jsonscan.New(raw)
		if have := s.Values(); s.Whole() {
			var want map[string]any
			require.NoError(t, json.Unmarshal(raw, &want), "%q", raw)
			require.Equal(t, want, have, "%q", raw)
		}
		s = jsonscan.New(raw)
		if have := s.Raw(); s.Whole() {
			var want json.RawMessage
			require.NoError(t, json.Unmarshal(raw, &want), "%q", raw)
			require.Equal(t, string(want), string(have))
		}
	})
}

func TestWhatIsForeignIsNotWhole(t *testing.T) {
	number := func(key []byte) int { return strings.Index(" ab", string(key)) }
	read := func(text string) bool {
		s := jsonscan.New([]byte(text))
		s.Object(func(key []byte) int {
			s.Integer()
			return max(0, number(key))
		})
		return s.Whole()
	}
	require.True(t, read(`{"a":1,"b":2}`))
	for name, text := range map[string]string{
		"a key twice": `{"a":1,"a":2}`, "a key that is not known": `{"c":1}`, "a fraction": `{"a":1.5}`, "white space": `{"a": 1}`, "more": `{"a":1}1`, "torn": `{"a":1`,
	} {
		require.False(t, read(text), name)
	}
	s := jsonscan.New([]byte(strings.Repeat("[", 2*jsonscan.MaxDepth) + strings.Repeat("]", 2*jsonscan.MaxDepth)))
	s.Raw()
	require.False(t, s.Whole(), "too deep")
}
