package projector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// order gives an order about a projection, as the api does.
func (w *world) order(name, what string) string {
	w.n++
	o := readmodel.Order{ID: fmt.Sprint("order-", w.n), What: what, Actor: "test", At: time.Now().UTC()}
	raw, err := json.Marshal(o)
	require.NoError(w.t, err)
	bucket, err := w.bus.Bucket(context.Background(), readmodel.GenerationsBucket)
	require.NoError(w.t, err)
	require.NoError(w.t, bucket.Put(context.Background(), readmodel.OrderPrefix+name, raw))
	return o.ID
}

// told reads what the projector tells about a projection under a prefix.
func told[V any](w *world, prefix, name string) (v V) {
	bucket, err := w.bus.Bucket(context.Background(), readmodel.GenerationsBucket)
	require.NoError(w.t, err)
	entry, err := bucket.Get(context.Background(), prefix+name)
	if errors.Is(err, bus.ErrNoKey) {
		return v
	}
	require.NoError(w.t, err)
	require.NoError(w.t, json.Unmarshal(entry.Value, &v))
	return v
}

// requireNoOrphans: there are buckets of exactly the generations that the table names.
func (w *world) requireNoOrphans(t require.TestingT) {
	buckets, err := w.bus.Buckets(context.Background())
	require.NoError(t, err)
	for _, p := range readmodel.Projections() {
		l := w.lineage(p.Name())
		for _, bucket := range buckets {
			if n, ok := readmodel.GenerationOf(p.Name(), bucket); ok {
				require.Contains(t, []int{l.Serving, l.Previous, l.Building}, n, "%s is nobody's: %+v", bucket, l)
			}
		}
	}
}

func names() (all []string) {
	for _, p := range readmodel.Projections() {
		all = append(all, p.Name())
	}
	return all
}

func TestARebuildThatIsOrderedServesTheSame(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.fill()
		w.results(100)
		want := w.everything()
		for _, name := range names() {
			w.order(name, readmodel.OrderRebuild)
		}
		time.Sleep(3 * time.Second)
		require.Equal(t, want, w.everything())
		for _, name := range names() {
			l := w.lineage(name)
			require.Equal(t, readmodel.Lineage{Serving: 2, Previous: 1, Latest: 2, Order: l.Order, SwitchedAt: l.SwitchedAt}, l, name)
			c := told[readmodel.BuildComparison](w, readmodel.ComparisonPrefix, name)
			require.Equal(t, len(want[name]), c.Same, name)
			require.Zero(t, c.Different+c.OnlyOld+c.OnlyNew, name)
			require.Empty(t, c.Note)
			require.Equal(t, c.OldPosition, c.NewPosition)
			progress := told[readmodel.BuildProgress](w, readmodel.ProgressPrefix, name)
			require.Equal(t, readmodel.PhaseDone, progress.Phase, name)
			require.InDelta(t, 100, progress.Percent, 0)
			require.Equal(t, progress.To, c.NewPosition)
		}
		w.results(3)
		require.Equal(t, w.folded(), w.everything(), "it goes on")
		p.stop()
		p = w.start()
		w.results(3)
		require.Equal(t, w.folded(), w.everything(), "its successor goes on")
		// The same order is carried out once.
		require.Equal(t, 2, w.lineage("checks").Serving)
		w.order("checks", readmodel.OrderRebuild)
		time.Sleep(time.Second)
		require.Equal(t, 3, w.lineage("checks").Serving)
		w.requireNoOrphans(t)
		p.stop()
	})
}

func TestARebuildWhileMuchIsWritten(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.fill()
		w.results(20)
		for round := range 300 {
			if round%50 == 0 {
				for _, name := range names() {
					w.order(name, readmodel.OrderRebuild)
				}
			}
			w.append(monitor.CheckPaused{CheckID: "check0", Service: "web"}, monitor.CheckResumed{CheckID: "check0", Service: "web"})
			w.report(w.result("check1", time.Now(), monitor.OutcomeSuccess))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(3 * time.Second)
		require.Equal(t, w.folded(), w.everything())
		for _, name := range names() {
			require.Equal(t, 7, w.lineage(name).Serving, name)
			c := told[readmodel.BuildComparison](w, readmodel.ComparisonPrefix, name)
			require.Empty(t, c.Note, name)
			require.Zero(t, c.Different+c.OnlyOld+c.OnlyNew, "%s: %+v", name, c)
		}
		w.requireNoOrphans(t)
		p.stop()
	})
}

func TestAComparisonShowsWhatWasWrong(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.fill()
		want := w.everything()
		checks := w.serving("checks")
		require.NoError(t, checks.Put(t.Context(), "check.check0", []byte(`{"id":"check0","name":"wrong"}`)))
		require.NoError(t, checks.Put(t.Context(), "check.ghost", []byte(`{"id":"ghost"}`)))
		w.order("checks", readmodel.OrderRebuild)
		time.Sleep(time.Second)
		require.Equal(t, want, w.everything())
		c := told[readmodel.BuildComparison](w, readmodel.ComparisonPrefix, "checks")
		require.Equal(t, []int{3, 1, 1, 0}, []int{c.Same, c.Different, c.OnlyOld, c.OnlyNew})
		require.Len(t, c.Samples, 2)
		require.Equal(t, "check.check0", c.Samples[0].Key)
		require.Contains(t, c.Samples[0].Old, "wrong")
		require.NotContains(t, c.Samples[0].New, "wrong")
		require.Equal(t, readmodel.BuildSample{Key: "check.ghost", Old: `{"id":"ghost"}`}, c.Samples[1])
		p.stop()
	})
}

func TestARollbackServesWhatWasServedBefore(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.fill()
		for _, name := range names() {
			w.order(name, readmodel.OrderRebuild)
		}
		w.results(10)
		for round, serving := range []int{1, 2, 1} {
			for _, name := range names() {
				w.order(name, readmodel.OrderRollback)
			}
			w.append(monitor.CheckPaused{CheckID: "check2", Service: "web"})
			w.results(2)
			require.Equal(t, w.folded(), w.everything(), "it was brought up to date first")
			for _, name := range names() {
				l := w.lineage(name)
				require.Equal(t, []int{serving, 3 - serving, 0, 2}, []int{l.Serving, l.Previous, l.Building, l.Latest}, "%s %d", name, round)
				require.Empty(t, l.Failed)
			}
		}
		w.order("checks", readmodel.OrderPrune)
		time.Sleep(time.Second)
		w.requireNoOrphans(t)
		require.Zero(t, w.lineage("checks").Previous)
		w.order("checks", readmodel.OrderRollback)
		time.Sleep(time.Second)
		require.Equal(t, "there is no previous generation", w.lineage("checks").Failed)
		w.order("checks", "burn")
		time.Sleep(time.Second)
		require.Contains(t, w.lineage("checks").Failed, "unknown")
		p.stop()
	})
}

func TestARollbackToWhatCannotBeReadIsGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.fill()
		w.order("activity", readmodel.OrderRebuild)
		time.Sleep(3 * time.Second)
		old, err := w.bus.Bucket(t.Context(), "activity")
		require.NoError(t, err)
		require.NoError(t, old.Put(t.Context(), "page.0", []byte("torn")))
		w.order("activity", readmodel.OrderRollback)
		w.results(3)
		l := w.lineage("activity")
		require.Equal(t, []int{2, 1, 0}, []int{l.Serving, l.Previous, l.Building})
		require.Contains(t, l.Failed, "cannot be gone back to")
		require.Equal(t, w.folded(), w.everything())
		p.stop()
	})
}

func TestAnotherVersionServesTheOldOneMeanwhile(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.fill()
		w.results(50)
		p.stop()
		want := w.everything()
		// It cannot write the next generation: the old one serves.
		f := &faulty{both: w.bus}
		full := func(bucket string, _ map[string][]byte) error {
			if bucket == "activity_g2" || bucket == "checks_g2" {
				return bus.ErrFull
			}
			return nil
		}
		f.onFlush.Store(&full)
		stop := w.run(f, withVersion(3))
		time.Sleep(time.Minute)
		require.Equal(t, want, w.everything())
		for _, name := range []string{"activity", "checks"} {
			l := w.lineage(name)
			require.True(t, l.Frozen)
			require.Contains(t, l.Reason, "this program writes 3")
			require.Equal(t, []int{1, 2}, []int{l.Serving, l.Building})
		}
		f.onFlush.Store(nil)
		time.Sleep(time.Minute)
		require.Equal(t, 2, w.lineage("activity").Serving)
		require.False(t, w.lineage("activity").Frozen)
		require.Equal(t, w.folded(), w.everything())
		c := told[readmodel.BuildComparison](w, readmodel.ComparisonPrefix, "activity")
		require.Contains(t, c.Note, "version")
		stop()
		// The older program again: it goes back to what it has written.
		w.results(2)
		p = w.start()
		time.Sleep(time.Minute)
		l := w.lineage("activity")
		require.Equal(t, []int{1, 2, 2}, []int{l.Serving, l.Previous, l.Latest})
		require.Equal(t, w.folded(), w.everything())
		w.requireNoOrphans(t)
		p.stop()
	})
}

func TestABuildSurvivesBeingKilledAtAnyWrite(t *testing.T) {
	for n := range 12 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				p := w.start()
				w.fill()
				w.results(30)
				for _, name := range names() {
					w.order(name, readmodel.OrderRebuild)
				}
				p.stop()
				f := &faulty{both: w.bus}
				left := make(chan struct{}, n)
				hook := func(string, map[string][]byte) error {
					select {
					case left <- struct{}{}:
						return nil
					default:
						return errKilled
					}
				}
				f.onFlush.Store(&hook)
				stop := w.run(f)
				w.results(1)
				f.dead.Store(true)
				stop()
				standby := w.start()
				w.results(1)
				time.Sleep(time.Minute)
				require.Equal(t, w.folded(), w.everything())
				w.requireNoOrphans(t)
				for _, name := range names() {
					require.Zero(t, w.lineage(name).Building, name)
					require.Equal(t, 2, w.lineage(name).Latest, name)
				}
				standby.stop()
			})
		})
	}
}

func TestALostTableIsMadeAgainFromTheBuckets(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.fill()
		w.order("checks", readmodel.OrderRebuild)
		time.Sleep(time.Second)
		require.Equal(t, 2, w.lineage("checks").Serving)
		require.NoError(t, w.bus.DropBucket(t.Context(), readmodel.GenerationsBucket))
		time.Sleep(2 * lookEvery)
		l := w.lineage("checks")
		require.Equal(t, []int{2, 2}, []int{l.Serving, l.Latest})
		require.Equal(t, w.folded(), w.everything())
		p.stop()
	})
}

func TestReadersSeeOneGenerationOrTheOther(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.fill()
		time.Sleep(time.Second)
		reader := readmodel.NewReader(w.bus, slog.New(slog.DiscardHandler), time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- reader.Run(ctx) }()
		<-reader.Ready()
		for range 5 {
			for _, name := range names() {
				w.order(name, readmodel.OrderRebuild)
			}
			for range 40 {
				last := w.append(monitor.CheckPaused{CheckID: "check0", Service: "web"}, monitor.CheckResumed{CheckID: "check0", Service: "web"})
				waiting, stop := context.WithTimeout(t.Context(), 10*time.Second)
				require.NoError(t, reader.WaitFor(waiting, last[1].Sequence))
				stop()
				view, err := reader.Check(t.Context(), "check0")
				require.NoError(t, err)
				require.Equal(t, last[1].Revision, view.Revision, "what was written is read")
				page, err := reader.Checks(t.Context(), readmodel.Query{})
				require.NoError(t, err)
				require.Equal(t, 4, page.Total)
				time.Sleep(50 * time.Millisecond)
			}
		}
		synctest.Wait()
		require.Equal(t, 6, reader.Projections()[0].Lineage.Serving)
		cancel()
		require.NoError(t, <-done)
		p.stop()
	})
}
