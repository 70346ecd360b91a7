package projector

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// shortened is a bus whose RESULTS begin later, as retention leaves them.
type shortened struct {
	both
	first uint64
}

func (s *shortened) FirstResult(context.Context) (uint64, error) { return s.first, nil }

func (s *shortened) FollowResults(ctx context.Context, after uint64, handle func([]monitor.EventMessage) error, caughtUp func()) error {
	return s.both.FollowResults(ctx, max(after, s.first-1), handle, caughtUp)
}

func (s *shortened) ReadResults(ctx context.Context, after uint64, limit int) ([]monitor.EventMessage, error) {
	return s.both.ReadResults(ctx, max(after, s.first-1), limit)
}

func TestABuildKeepsWhatRetentionHasTaken(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.fill()
		w.results(600)
		p.stop()
		want := w.inherited()
		f := &faulty{both: &shortened{both: w.bus, first: 2400}}
		stop := w.run(f)
		for _, name := range names() {
			w.order(name, readmodel.OrderRebuild)
		}
		time.Sleep(10 * time.Second)
		require.Equal(t, want, w.inherited())
		for _, name := range []string{"activity", "history"} {
			require.Equal(t, 2, w.lineage(name).Serving)
			c := told[readmodel.BuildComparison](w, readmodel.ComparisonPrefix, name)
			require.Equal(t, []int{len(want[name]), 0, 0, 0}, []int{c.Same, c.Different, c.OnlyOld, c.OnlyNew}, "%s: %+v", name, c.Samples)
			progress := told[readmodel.BuildProgress](w, readmodel.ProgressPrefix, name)
			require.EqualValues(t, 2400, progress.From)
			require.Less(t, progress.Messages, 700, "only what the log holds is folded")
		}
		stop()
		// Killed at any write, it begins again or goes on.
		for n := range 6 {
			f := &faulty{both: &shortened{both: w.bus, first: 2400}}
			left := make(chan struct{}, n)
			hook := func(bucket string, _ map[string][]byte) error {
				if bucket == readmodel.GenerationsBucket {
					return nil
				}
				select {
				case left <- struct{}{}:
					return nil
				default:
					return errKilled
				}
			}
			f.onFlush.Store(&hook)
			w.order("history", readmodel.OrderRebuild)
			stop := w.run(f)
			time.Sleep(5 * time.Second)
			f.dead.Store(true)
			stop()
			stop = w.run(&faulty{both: &shortened{both: w.bus, first: 2400}})
			time.Sleep(time.Minute)
			require.Equal(t, want, w.inherited())
			require.Equal(t, n+3, w.lineage("history").Serving)
			stop()
		}
		w.requireNoOrphans(t)
	})
}

// inherited is everything but the traces, which are kept only for as long as the results that they are of.
func (w *world) inherited() map[string]map[string]string {
	all := w.everything()
	delete(all, "traces")
	return all
}
