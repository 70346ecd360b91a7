package projector

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

func TestADroppedBucketIsBuiltAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.fill()
		w.results(200)
		for _, name := range []string{"checks", "activity", "history"} {
			require.NoError(t, w.bus.DropBucket(t.Context(), name))
		}
		require.Empty(t, w.contents("checks"))
		// Nothing is written meanwhile: it has to notice by itself.
		time.Sleep(2 * lookEvery)
		require.Equal(t, w.folded(), w.everything())
		require.NoError(t, w.bus.DropBucket(t.Context(), "checks"))
		w.append(monitor.CheckPaused{CheckID: "check0", Service: "web"})
		time.Sleep(time.Second)
		require.Equal(t, w.folded(), w.everything())
		p.stop()
		require.NoError(t, w.bus.DropBucket(t.Context(), "services"))
		p = w.start()
		time.Sleep(time.Second)
		require.Equal(t, w.folded(), w.everything())
		p.stop()
	})
}

// versioned is a projection of another version.
type versioned struct {
	readmodel.Projection
	version int
}

func (v versioned) Version() int { return v.version }

func withVersion(version int) func(*Options) {
	return func(o *Options) {
		o.Projections = func() []readmodel.Projection {
			all := readmodel.Projections()
			for i, p := range all {
				all[i] = versioned{p, version}
			}
			return all
		}
	}
}

func TestAnotherVersionIsBuiltFromTheLogs(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.fill()
		w.results(100)
		p.stop()
		want := w.everything()
		// What an older version left, and this one does not write.
		for _, name := range []string{"checks", "history"} {
			bucket, err := w.bus.Bucket(t.Context(), name)
			require.NoError(t, err)
			require.NoError(t, bucket.Put(t.Context(), "relic.1", []byte("{}")))
		}
		p = w.start(withVersion(7))
		time.Sleep(5 * time.Second)
		require.Equal(t, want, w.everything())
		require.Equal(t, 7, w.state("checks").Version)
		require.Equal(t, 7, w.state("activity").Version)
		p.stop()
	})
}

func TestARebuildOfEventsShowsNothingOfThePast(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.append(monitor.CheckRegistered{Definition: definition("home")})
		for range 600 {
			w.append(monitor.CheckPaused{CheckID: "home"}, monitor.CheckResumed{CheckID: "home"})
		}
		time.Sleep(time.Second)
		p.stop()
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		done := make(chan error, 1)
		go func() {
			done <- readmodel.Follow(ctx, w.bus, "checks", "check.*", readmodel.Following{
				Begin: func() {}, Handle: func(entries []bus.Entry) { seen += len(entries) }, CaughtUp: func() {},
			})
		}()
		synctest.Wait()
		before := seen
		p = w.start(withVersion(2))
		time.Sleep(time.Second)
		p.stop()
		cancel()
		require.NoError(t, <-done)
		require.Equal(t, before+1, seen, "the scheduler must not see a check go and come back")
	})
}

func TestAnEntryThatCannotBeReadIsBuiltAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.fill()
		p.stop()
		want := w.everything()
		for name, key := range map[string]string{"checks": "check.check0", "activity": "page.0", "history": "open.check1", "overview": "overview", "services": "service.web"} {
			bucket, err := w.bus.Bucket(t.Context(), name)
			require.NoError(t, err)
			require.NoError(t, bucket.Put(t.Context(), key, []byte("torn")))
		}
		bucket, err := w.bus.Bucket(t.Context(), "incidents")
		require.NoError(t, err)
		require.NoError(t, bucket.Put(t.Context(), bus.CheckpointKey, []byte("{torn")))
		p = w.start()
		time.Sleep(5 * time.Second)
		require.Equal(t, want, w.everything())
		p.stop()
	})
}

func TestLogsBegunAnewAreFoldedFromTheirBeginning(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		w.fill()
		w.results(5)
		p.stop()
		old := w.bus.(*bus.Memory)
		fresh := newWorld(t, bus.NewMemory())
		// The buckets of the old world, the logs of the new one.
		fresh.bus = &moved{Memory: fresh.bus.(*bus.Memory), store: old}
		fresh.append(monitor.CheckRegistered{Definition: definition("other")})
		fresh.report(fresh.result("other", time.Now(), monitor.OutcomeSuccess))
		p = fresh.start()
		time.Sleep(5 * time.Second)
		require.Equal(t, fresh.folded(), fresh.everything())
		p.stop()
	})
}

// moved is a bus whose buckets are another's.
type moved struct {
	*bus.Memory
	store bus.Store
}

func (m *moved) Bucket(ctx context.Context, name string) (bus.Bucket, error) {
	return m.store.Bucket(ctx, name)
}

func (m *moved) DropBucket(ctx context.Context, name string) error {
	return m.store.DropBucket(ctx, name)
}
