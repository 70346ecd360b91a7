package cli

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzDefinition reads whatever a file may hold: an object that can be sent, or an error.
func FuzzDefinition(f *testing.F) {
	for _, seed := range []string{`{"id":"home"}`, "id: home\noptions:\n  method: HEAD\n", "- a", "null", "", "a: &x {b: *x}", "{", "\x00", "a: 1\n---\nb: 2\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		object, err := parseObject(raw)
		if err != nil {
			return
		}
		require.NotNil(t, object)
		_, err = json.Marshal(object)
		require.NoError(t, err)
	})
}
