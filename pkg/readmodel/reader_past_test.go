package readmodel

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestThePastIsReadInOrderAndSaysHowFarItReaches(t *testing.T) {
	begun := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	h := newHistory()
	memory := bus.NewMemory()
	bucket, err := memory.Bucket(t.Context(), historyBucket)
	require.NoError(t, err)
	revision := uint64(0)
	const n = (keptChunks + 5) * chunkSize
	for i := range n {
		due := begun.Add(time.Duration(i) * time.Minute)
		r := monitor.Result{ID: fmt.Sprint("r", i), CheckID: "home", DueAt: due, StartedAt: due, Outcome: monitor.OutcomeSuccess}
		h.Apply(monitor.EventMessage{Meta: monitor.Meta{Sequence: uint64(i + 1)}, Event: monitor.Executed(r)})
		if i%1000 == 0 || i == n-1 {
			puts := make(map[string][]byte)
			for _, c := range h.Dirty() {
				puts[c.Key] = c.Value
			}
			revision, err = bucket.Flush(t.Context(), puts, []byte("{}"), revision)
			require.NoError(t, err)
		}
	}
	r := &Reader{buckets: map[string]bus.Bucket{historyBucket: bucket}}
	read := func(check string, since time.Time) (ids []string, whole bool) {
		whole, err := r.Past(t.Context(), check, since, func(result monitor.Result) { ids = append(ids, result.ID) })
		require.NoError(t, err)
		return ids, whole
	}
	ids, whole := read("home", begun.Add((n-100)*time.Minute))
	require.True(t, whole)
	require.Equal(t, fmt.Sprint("r", n-1), ids[len(ids)-1])
	require.Less(t, len(ids), 4*chunkSize+atOnce*chunkSize, "no more than is needed")
	for i, id := range ids {
		require.Equal(t, fmt.Sprint("r", n-len(ids)+i), id)
	}
	ids, whole = read("home", begun)
	require.False(t, whole, "the ring holds no more")
	require.Len(t, ids, keptChunks*chunkSize)
	ids, whole = read("none", begun)
	require.True(t, whole)
	require.Empty(t, ids)
}
