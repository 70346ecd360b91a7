package recent_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/process/recent"
)

func TestIDsForgetTheOldest(t *testing.T) {
	r := recent.NewIDs(3)
	for _, id := range []string{"a", "b", "a", "c", "d"} {
		r.Add(id)
	}
	require.False(t, r.Has("a"))
	for _, id := range []string{"b", "c", "d"} {
		require.True(t, r.Has(id))
	}
}

func TestIDsRememberExactlyTheLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.IntRange(1, 5).Draw(t, "places")
		r := recent.NewIDs(places)
		var last []string
		for _, id := range rapid.SliceOf(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g"})).Draw(t, "ids") {
			if !r.Has(id) {
				last = append(last, id)
			}
			r.Add(id)
			last = last[max(0, len(last)-places):]
			for _, known := range last {
				require.True(t, r.Has(known))
			}
			for _, other := range []string{"a", "b", "c", "d", "e", "f", "g"} {
				if r.Has(other) {
					require.Contains(t, last, other)
				}
			}
		}
	})
}
