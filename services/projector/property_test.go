package projector

import (
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// bubbled is a test without a deadline, which a bubble has not.
type bubbled struct{ rapid.TB }

// TestWhateverHappensTheReadModelsFollowTheLogs writes to the logs while projectors are stopped,
// killed, superseded and lied to, buckets are dropped and damaged, and generations ordered.
func TestWhateverHappensTheReadModelsFollowTheLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(bubbled{t}, func(rt *rapid.T) {
			w := newWorld(t, bus.NewMemory())
			quiet := func(o *Options) { o.Log = slog.New(slog.DiscardHandler) }
			terms := []term{w.start(quiet), w.start(quiet)}
			defer func() {
				for _, p := range terms {
					p.stop()
				}
			}()
			names := make([]string, 0, 7)
			for _, p := range readmodel.Projections() {
				names = append(names, p.Name())
			}
			registered := make(map[string]bool)
			for range rapid.IntRange(5, 40).Draw(rt, "steps") {
				check := fmt.Sprint("c", rapid.IntRange(0, 3).Draw(rt, "check"))
				bucket := rapid.SampledFrom(names).Draw(rt, "bucket")
				serving := readmodel.BucketOf(bucket, w.lineage(bucket).Serving)
				one := rapid.IntRange(0, 1).Draw(rt, "term")
				switch rapid.IntRange(0, 13).Draw(rt, "what") {
				case 0, 1:
					w.change(check, registered)
				case 2, 3, 4:
					w.report(w.result(check, time.Now(), rapid.SampledFrom(monitor.Outcomes()).Draw(rt, "outcome")))
				case 5:
					terms[one].stop()
					terms[one] = w.start(quiet)
				case 6:
					terms[one].kill()
					terms[one] = w.start(quiet)
				case 7:
					terms[one].bus.loseAnswers.Store(2)
				case 8:
					w.bus.(*bus.Memory).Revoke(lease)
				case 9:
					require.NoError(t, w.bus.DropBucket(t.Context(), serving))
				case 10:
					b, err := w.bus.Bucket(t.Context(), serving)
					require.NoError(t, err)
					require.NoError(t, b.Put(t.Context(), bus.CheckpointKey, []byte("{torn")))
				case 11, 12:
					w.order(bucket, readmodel.OrderRebuild)
				case 13:
					w.order(bucket, rapid.SampledFrom([]string{readmodel.OrderRollback, readmodel.OrderPrune}).Draw(rt, "order"))
				}
				time.Sleep(time.Duration(rapid.IntRange(0, 3000).Draw(rt, "milliseconds")) * time.Millisecond)
			}
			for _, p := range terms {
				p.bus.loseAnswers.Store(0)
			}
			time.Sleep(time.Minute)
			require.Equal(rt, w.folded(), w.everything())
			w.requireNoOrphans(rt)
			for _, p := range terms {
				p.stop()
			}
			require.Equal(rt, w.folded(), w.everything())
		})
	})
}

// change registers a check, or deletes it when it is there.
func (w *world) change(check string, registered map[string]bool) {
	if registered[check] {
		w.append(monitor.CheckPaused{CheckID: check, Service: "web"}, monitor.CheckDeleted{CheckID: check, Service: "web", From: monitor.StatusUnknown})
	} else {
		w.append(monitor.CheckRegistered{Definition: definition(check)})
	}
	registered[check] = !registered[check]
}
