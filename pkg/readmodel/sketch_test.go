package readmodel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSketchesAreAccurateAndMerge(t *testing.T) {
	source := rand.New(rand.NewPCG(7, 7))
	var all []float64
	merged := newLatencies()
	for range 24 {
		hour := newLatencies()
		for range 500 {
			ms := math.Exp(source.NormFloat64()*1.5 + 4)
			all = append(all, ms)
			hour.add(ms)
		}
		require.NoError(t, merged.merge(hour.bytes()))
	}
	slices.Sort(all)
	count, p50, p95, p99 := merged.quantiles()
	require.Equal(t, len(all), count)
	for q, got := range map[float64]float64{0.5: p50, 0.95: p95, 0.99: p99} {
		want := all[int(q*float64(len(all)-1))]
		require.InEpsilon(t, want, got, 1.01*sketchAccuracy, "p%g", 100*q)
	}
	require.Less(t, len(merged.bytes()), 2<<10)

	again := newLatencies()
	require.NoError(t, again.merge(merged.bytes()))
	require.Equal(t, merged.bytes(), again.bytes())
	require.Nil(t, newLatencies().bytes())
	require.Error(t, again.merge([]byte("nonsense")))
	again.add(math.NaN())
	again.add(-1)
	again.add(math.Inf(1))
	require.Equal(t, merged.bytes(), again.bytes())
}
