package pastbench_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/readmodel"
)

// bareReads is how many reads are under way at a time.
const bareReads = 16

// bareBoards reads the entries that the board at each instant is made of, and throws them away.
func bareBoards(b *testing.B, store bus.Store, instant func(int) time.Time) (took []float64) {
	b.Helper()
	bucket, err := store.Bucket(b.Context(), readmodel.BucketOf(readmodel.TimelineName, 1))
	require.NoError(b, err)
	indexes, err := bucket.List(b.Context(), "index.*")
	require.NoError(b, err)
	froms := make(map[string][]int64)
	for _, e := range indexes {
		var of []int64
		require.NoError(b, json.Unmarshal(e.Value, &of))
		froms[strings.TrimPrefix(e.Key, "index.")] = of
	}
	for i := range asked {
		begun := time.Now()
		var group errgroup.Group
		group.SetLimit(bareReads)
		for name, of := range froms {
			n, _ := slices.BinarySearch(of, instant(i).UnixNano()+1)
			key := fmt.Sprintf("block.%s.%d", name, n-1)
			if n == len(of) {
				key = "open." + name
			}
			if n == 0 {
				continue
			}
			group.Go(func() error {
				_, err := bucket.Get(b.Context(), key)
				return err
			})
		}
		require.NoError(b, group.Wait())
		took = append(took, milliseconds(time.Since(begun)))
	}
	return took
}

// bareTraces reads the traces of so many checks of the fleet, one after the other, and throws them away.
func bareTraces(b *testing.B, store bus.Store, f *fleet, times, checks int) (took []float64) {
	b.Helper()
	bucket, err := store.Bucket(b.Context(), readmodel.BucketOf("traces", 1))
	require.NoError(b, err)
	var places []string // are those of every check of the fleet
	entries, err := bucket.List(b.Context(), "trace."+f.checks[0].definition.ID+".>")
	require.NoError(b, err)
	for _, e := range entries {
		places = append(places, strings.TrimPrefix(e.Key, "trace."+f.checks[0].definition.ID))
	}
	require.Greater(b, len(places), resultDays)
	for n := range times {
		begun := time.Now()
		for i := range checks {
			var group errgroup.Group
			group.SetLimit(bareReads)
			for _, place := range places {
				group.Go(func() error {
					_, err := bucket.Get(b.Context(), "trace."+f.checks[n+i].definition.ID+place)
					return err
				})
			}
			require.NoError(b, group.Wait())
		}
		took = append(took, milliseconds(time.Since(begun)))
	}
	return took
}

// lastEvent returns the data of the last event of a stream, and how many others told of progress.
func lastEvent(raw []byte) (data []byte, progress int) {
	for line := range bytes.Lines(raw) {
		if text, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			data = bytes.TrimSpace(text)
		}
		if bytes.HasPrefix(line, []byte("event: progress")) {
			progress++
		}
	}
	return data, progress
}
