package standby_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/process/standby"
)

func work(lead func(process, held context.Context, fence uint64) error) standby.Work {
	return standby.Work{
		Name: "watch", Holder: "a", Lead: lead, Log: slog.New(slog.DiscardHandler),
		Active: prometheus.NewGauge(prometheus.GaugeOpts{Name: "active", Help: "1 during a term."}),
		Failed: prometheus.NewCounter(prometheus.CounterOpts{Name: "failed_total", Help: "Terms that failed."}),
	}
}

func TestATermThatFailsIsFollowedByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var fences []uint64
		var w standby.Work
		w = work(func(_, held context.Context, fence uint64) error {
			require.InDelta(t, 1, testutil.ToFloat64(w.Active), 0)
			if fences = append(fences, fence); len(fences) < 4 {
				return errors.New("broken")
			}
			cancel()
			<-held.Done()
			return standby.Ended(held, errors.New("of no interest any more"))
		})
		begun := time.Now()
		require.NoError(t, standby.Run(ctx, bus.NewMemory(), w))
		require.IsIncreasing(t, fences)
		require.Len(t, fences, 4)
		require.GreaterOrEqual(t, time.Since(begun), 700*time.Millisecond, "it pauses longer each time")
		require.InDelta(t, 3, testutil.ToFloat64(w.Failed), 0)
		require.Zero(t, testutil.ToFloat64(w.Active))
	})
}

func TestOneOfTwoLeadsAndTheOtherTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leases := bus.NewMemory()
		leading := make(chan string)
		run := func(name string) (stop func()) {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				ended <- standby.Run(ctx, leases, work(func(_, held context.Context, _ uint64) error {
					leading <- name
					<-held.Done()
					return nil
				}))
			}()
			return func() {
				cancel()
				require.NoError(t, <-ended)
			}
		}
		stopFirst := run("first")
		require.Equal(t, "first", <-leading)
		stopSecond := run("second")
		time.Sleep(time.Minute)
		select {
		case name := <-leading:
			t.Fatalf("%s leads beside the first", name)
		default:
		}
		stopFirst()
		require.Equal(t, "second", <-leading)
		stopSecond()
	})
}

func TestTheSameWorkTwiceInOneProcessEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := standby.Run(t.Context(), bus.NewMemory(), work(func(context.Context, context.Context, uint64) error {
			return bus.ErrHandlerTaken
		}))
		require.ErrorIs(t, err, bus.ErrHandlerTaken)
		require.ErrorContains(t, err, "watch")
	})
}
