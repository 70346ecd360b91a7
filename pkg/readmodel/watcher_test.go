package readmodel

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestWaitForOnesOwnWrite(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(registered("a"))
		r := p.read()
		require.NoError(t, r.WaitFor(t.Context(), 1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, r.WaitFor(ctx, 2), context.DeadlineExceeded)
		done := make(chan error, 1)
		go func() { done <- r.WaitFor(t.Context(), 3) }()
		p.event(registered("b"))
		synctest.Wait()
		require.Empty(t, done)
		p.event(registered("c"))
		require.NoError(t, <-done)
		states := r.Projections()
		require.Len(t, states, len(Projections()))
		for _, s := range states {
			require.NotEmpty(t, s.Name)
		}
		require.EqualValues(t, 3, states[0].Events)
	})
}

func TestABucketThatIsDroppedAndComesBack(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(service("web"), registered("a"), registered("b"))
		p.result(executed("a", 1, success, 5))
		r := p.read()
		total := func() int {
			page, err := r.Checks(t.Context(), Query{})
			require.NoError(t, err)
			return page.Total
		}
		require.NoError(t, p.memory.DropBucket(t.Context(), "checks"))
		require.NoError(t, p.memory.DropBucket(t.Context(), activityBucket))
		synctest.Wait()
		require.Zero(t, total())
		require.Error(t, r.WaitFor(ended(t.Context()), 1))
		web, err := r.Service(t.Context(), "web")
		require.NoError(t, err)
		require.Empty(t, web.Checks)
		p.folds[0], p.revisions["checks"] = newChecks(), 0
		p.event(registered("c"))
		synctest.Wait()
		require.Equal(t, 1, total())
	})
}

func ended(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

func TestACheckThatMovesToAnotherPageIsKnownStill(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		var results []monitor.Result
		for i := range pageSize + 1 {
			p.event(registered(fmt.Sprint("c", i)))
			results = append(results, executed(fmt.Sprint("c", i), i, success, 5))
		}
		p.result(results...)
		r := p.read()
		again := executed("c7", 1000, success, 7)
		again.DueAt = again.DueAt.Add(forgottenAfter + 2*time.Hour)
		p.result(again)
		synctest.Wait()
		view, err := r.Check(t.Context(), "c7")
		require.NoError(t, err)
		require.Equal(t, again.ID, view.LastResult.ID)
		require.Equal(t, "U", view.Recent)
		view, err = r.Check(t.Context(), "c8")
		require.NoError(t, err)
		require.Nil(t, view.LastResult, "forgotten")
	})
}

// deaf is a store whose bucket "checks" tells its watches nothing any more once it is another one.
type deaf struct {
	*bus.Memory
	now   atomic.Pointer[bus.Memory]
	opens atomic.Int32
}

func (d *deaf) Bucket(ctx context.Context, name string) (bus.Bucket, error) {
	if name != "checks" {
		return d.Memory.Bucket(ctx, name)
	}
	d.opens.Add(1)
	b, err := d.now.Load().Bucket(ctx, name)
	return &deafBucket{b, d}, err
}

type deafBucket struct {
	bus.Bucket
	of *deaf
}

// Get asks what is there now, as a server does.
func (b *deafBucket) Get(ctx context.Context, key string) (bus.Entry, error) {
	now, err := b.of.now.Load().Bucket(ctx, "checks")
	if err != nil {
		return bus.Entry{}, err
	}
	return now.Get(ctx, key)
}

func TestAWatchThatFallsSilentIsBegunAnew(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(registered("a"), registered("b"))
		p.event(registered("c"))
		store := &deaf{Memory: p.memory}
		store.now.Store(p.memory)
		r := NewReader(store, slog.New(slog.DiscardHandler), time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		<-r.Ready()
		time.Sleep(10 * lookEvery)
		require.EqualValues(t, 1, store.opens.Load(), "all is well")
		require.Equal(t, []string{"a", "b", "c"}, checkIDs(t, r))
		// Deleted and made again behind its back: the new one's revisions are lower, then higher.
		for n, more := range []int{1, 10} {
			other := newPress(t, bus.NewMemory())
			for i := range more {
				other.event(registered(fmt.Sprint("d", i)))
			}
			store.now.Store(other.memory)
			time.Sleep(4 * lookEvery)
			require.Len(t, checkIDs(t, r), more)
			require.EqualValues(t, n+2, store.opens.Load())
		}
		cancel()
		require.NoError(t, <-done)
	})
}

func TestAnEntryThatCannotBeReadStopsNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(registered("a"), registered("b"))
		p.result(executed("a", 1, success, 5))
		for name, key := range map[string]string{"checks": "check.a", activityBucket: "page.1", "services": "service.x"} {
			bucket, err := p.memory.Bucket(t.Context(), name)
			require.NoError(t, err)
			require.NoError(t, bucket.Put(t.Context(), key, []byte("torn")))
		}
		r := p.read()
		require.Equal(t, []string{"b"}, checkIDs(t, r))
	})
}

// away is a store whose buckets cannot be read.
type away struct{ *bus.Memory }

func (a away) Bucket(ctx context.Context, name string) (bus.Bucket, error) {
	b, err := a.Memory.Bucket(ctx, name)
	return awayBucket{b}, err
}

type awayBucket struct{ bus.Bucket }

func (awayBucket) Get(ctx context.Context, _ string) (bus.Entry, error) {
	<-ctx.Done()
	return bus.Entry{}, ctx.Err()
}

func TestWhileTheStoreIsAwayWhatIsInMemoryIsRead(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(service("web"), registered("home"))
		p.result(executed("home", 1, success, 5))
		r := NewReader(away{p.memory}, slog.New(slog.DiscardHandler), time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		<-r.Ready()
		started := time.Now()
		view, err := r.Check(t.Context(), "home")
		require.NoError(t, err)
		require.Equal(t, pastTimeout, time.Since(started))
		require.Contains(t, view.Uptime, "24h")
		require.NotContains(t, view.Uptime, "90d")
		_, err = r.Check(ended(t.Context()), "home")
		require.ErrorIs(t, err, context.Canceled)
		page, err := r.Checks(t.Context(), Query{})
		require.NoError(t, err)
		require.Equal(t, 1, page.Total)
		cancel()
		require.NoError(t, <-done)
	})
}
