package projector

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/readmodel"
)

// stuckWhileBuilt lets nothing be written of the second generations of read models, and returns which of
// them are being built.
func stuckWhileBuilt(p term, names []string) (building func() []string) {
	var mu sync.Mutex
	tried := make(map[string]bool)
	stuck := func(bucket string, _ map[string][]byte) error {
		mu.Lock()
		defer mu.Unlock()
		for _, name := range names {
			if bucket == readmodel.BucketOf(name, 2) {
				tried[name] = true
				return errKilled
			}
		}
		return nil
	}
	p.bus.onFlush.Store(&stuck)
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Sorted(maps.Keys(tried))
	}
}

func TestOfResultsOneIsBuiltAtATime(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.results(100)
		want := w.everything()
		ofResults := []string{"activity", "history", "traces"}
		building := stuckWhileBuilt(p, ofResults)
		for _, name := range ofResults {
			w.order(name, readmodel.OrderRebuild)
		}
		time.Sleep(3 * time.Second)
		built := building()
		require.Len(t, built, 1, "the others wait")
		waiting := slices.DeleteFunc(slices.Clone(ofResults), func(name string) bool { return name == built[0] })
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
		building := stuckWhileBuilt(p, ofEvents)
		for _, name := range append([]string{"activity"}, ofEvents...) {
			w.order(name, readmodel.OrderRebuild)
		}
		time.Sleep(10 * time.Second)
		require.Len(t, building(), 1, "the others wait")
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
