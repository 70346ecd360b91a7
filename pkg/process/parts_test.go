package process_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary takes down in which order parts end.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) write(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

// part ends as long after being asked as it takes to finish.
func (d *diary) part(name string, finish time.Duration) process.Part {
	return process.Part{Name: name, Run: func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(finish)
		d.write(name)
		return nil
	}}
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestStagesEndOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := process.Run(ctx, silent(),
			[]process.Part{d.part("api", time.Second), d.part("scheduler", 2*time.Second)},
			[]process.Part{d.part("runner", 10*time.Second)},
			[]process.Part{d.part("gate", 0)},
		)
		require.NoError(t, err)
		require.Equal(t, []string{"api", "scheduler", "runner", "gate"}, d.lines)
	})
}

func TestAPartThatHangsHoldsTheNextUpForAWhileOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun := time.Now()
		err := process.Run(ctx, silent(), []process.Part{d.part("runner", 2*process.Patience)}, []process.Part{d.part("gate", 0)})
		require.NoError(t, err)
		require.Equal(t, []string{"gate", "runner"}, d.lines, "it is waited for all the same")
		require.Equal(t, time.Minute+2*process.Patience, time.Since(begun))
	})
}

func TestAPartThatFailsEndsTheOthersInOrder(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct{ returns, want error }{
		"with an error":    {broken, broken},
		"without a reason": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d diary
				err := process.Run(t.Context(), silent(),
					[]process.Part{d.part("api", time.Second)},
					[]process.Part{{Name: "decider", Run: func(context.Context) error { return c.returns }}},
					[]process.Part{d.part("gate", 0)},
				)
				require.ErrorContains(t, err, "decider: ")
				if c.want != nil {
					require.ErrorIs(t, err, c.want)
				} else {
					require.ErrorContains(t, err, "decider: ended by itself")
				}
				require.Equal(t, []string{"api", "gate"}, d.lines)
			})
		})
	}
}

func TestAFailureWhileStoppingIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("the last write failed")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := process.Run(ctx, silent(), []process.Part{{Name: "projector", Run: func(ctx context.Context) error {
			<-ctx.Done()
			return broken
		}}})
		require.ErrorIs(t, err, broken)
	})
}
