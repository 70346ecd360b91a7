package projector

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/readmodel"
)

func TestOfResultsOneIsBuiltAtATime(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.results(100)
		want := w.everything()
		ofResults := []string{"activity", "history", "traces"}
		var mu sync.Mutex
		building := make(map[string]bool)
		stuck := func(bucket string, _ map[string][]byte) error {
			mu.Lock()
			defer mu.Unlock()
			for _, name := range ofResults {
				if bucket == readmodel.BucketOf(name, 2) {
					building[name] = true
					return errKilled
				}
			}
			return nil
		}
		p.bus.onFlush.Store(&stuck)
		for _, name := range ofResults {
			w.order(name, readmodel.OrderRebuild)
		}
		time.Sleep(3 * time.Second)
		mu.Lock()
		require.Len(t, building, 1, "the others wait")
		waiting := slices.DeleteFunc(slices.Clone(ofResults), func(name string) bool { return building[name] })
		mu.Unlock()
		for _, name := range waiting {
			progress := told[readmodel.BuildProgress](w, readmodel.ProgressPrefix, name)
			require.Equal(t, readmodel.PhaseWaiting, progress.Phase, name)
			require.Equal(t, 2, progress.Generation)
			require.False(t, progress.Ended())
		}
		w.results(10) // all that serve go on
		time.Sleep(3 * time.Second)
		for _, name := range ofResults {
			require.NotEqual(t, want[name], w.contents(name), "%s goes on", name)
		}
		p.bus.onFlush.Store(nil)
		time.Sleep(time.Minute)
		for _, name := range ofResults {
			require.Equal(t, 2, w.lineage(name).Serving, name)
			require.Equal(t, readmodel.PhaseDone, told[readmodel.BuildProgress](w, readmodel.ProgressPrefix, name).Phase)
		}
		require.Equal(t, w.folded(), w.everything())
		p.stop()
	})
}

func TestOfEventsOneIsBuiltAtATime(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.results(100)
		ofEvents := []string{"checks", "services", "timeline"}
		var mu sync.Mutex
		building := make(map[string]bool)
		stuck := func(bucket string, _ map[string][]byte) error {
			mu.Lock()
			defer mu.Unlock()
			for _, name := range ofEvents {
				if bucket == readmodel.BucketOf(name, 2) {
					building[name] = true
					return errKilled
				}
			}
			return nil
		}
		p.bus.onFlush.Store(&stuck)
		for _, name := range append([]string{"activity"}, ofEvents...) {
			w.order(name, readmodel.OrderRebuild)
		}
		time.Sleep(10 * time.Second)
		mu.Lock()
		require.Len(t, building, 1, "the others wait")
		mu.Unlock()
		require.Equal(t, 2, w.lineage("activity").Serving, "one of RESULTS waits for none of EVENTS")
		p.bus.onFlush.Store(nil)
		time.Sleep(time.Minute)
		for _, name := range ofEvents {
			require.Equal(t, 2, w.lineage(name).Serving, name)
		}
		require.Equal(t, w.folded(), w.everything())
		p.stop()
	})
}
