package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGapsAreWhatIsMissingOfARow(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	to := from.Add(10 * time.Second)
	for name, c := range map[string]struct {
		due     []float64 // seconds
		missing int
	}{
		"whole":              {[]float64{0.5, 2.5, 4.5, 6.5, 8.5}, 0},
		"on the edges":       {[]float64{0, 2, 4, 6, 8}, 0},
		"newest first":       {[]float64{8.5, 6.5, 4.5, 2.5, 0.5}, 0},
		"one":                {[]float64{0.5, 2.5, 6.5, 8.5}, 1},
		"the first":          {[]float64{2.5, 4.5, 6.5, 8.5}, 1},
		"the last":           {[]float64{0.5, 2.5, 4.5, 6.5}, 1},
		"two in a row":       {[]float64{0.5, 6.5, 8.5}, 2},
		"all":                {nil, 5},
		"some milliseconds":  {[]float64{1.9, 3.9, 5.9, 7.9, 9.9}, 0},
		"two and the last":   {[]float64{0, 6}, 3},
		"the first on edges": {[]float64{2, 4, 6, 8}, 1},
	} {
		due := make([]time.Time, len(c.due))
		for i, at := range c.due {
			due[i] = from.Add(time.Duration(at * float64(time.Second)))
		}
		require.Equal(t, c.missing, gaps(due, from, to, 2*time.Second), name)
	}
}

func TestAllGenerationsOfAReadModelAreDropped(t *testing.T) {
	p := &program{folder: t.TempDir()}
	streams := filepath.Join(p.data(), "jetstream", "APP", "streams")
	for _, bucket := range []string{"activity", "activity_g7", "activity_gone", "history_g2", "generations"} {
		require.NoError(t, os.MkdirAll(filepath.Join(streams, "KV_vedette_"+bucket, "msgs"), 0o750))
	}
	require.NoError(t, p.dropReadModel("activity"))
	left, err := filepath.Glob(filepath.Join(streams, "*"))
	require.NoError(t, err)
	for i := range left {
		left[i] = filepath.Base(left[i])
	}
	require.Equal(t, []string{"KV_vedette_activity_gone", "KV_vedette_generations", "KV_vedette_history_g2"}, left)
	require.ErrorContains(t, p.dropReadModel("activity"), "no bucket of activity")
}
