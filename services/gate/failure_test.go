package gate

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestRepeatIsAnsweredAndNotStoredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.NewMemory()
		stop := open(t, b)
		synctest.Wait()
		report := from("one", "a", "b")
		for range 3 {
			require.NoError(t, b.Deliver(t.Context(), here, report))
		}
		mixed := from("two", "c")
		again := report.Results[0]
		again.Runner = "two"
		mixed.Results = append(mixed.Results, again, mixed.Results[0])
		require.NoError(t, b.Deliver(t.Context(), here, mixed))
		assert.Equal(t, [][]string{{"a", "b"}, {"c"}}, stored(t, b))
		stop()
	})
}

func TestNothingIsAcknowledgedThatIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &faulty{Memory: bus.NewMemory()}
		stop := open(t, b)
		synctest.Wait()
		b.set(func() error { return bus.ErrFull }, nil)
		first := from("one", "a")
		_, answers := deliver(t, b, first, failing(from("two", "b")))
		for _, err := range answers {
			require.ErrorIs(t, err, bus.ErrFull)
			require.NotErrorIs(t, err, bus.ErrRefused, "runners try again")
		}
		assert.Empty(t, stored(t, b))
		b.set(nil, nil)
		require.NoError(t, b.Deliver(t.Context(), here, first), "what failed is not remembered")
		assert.Equal(t, [][]string{{"a"}}, stored(t, b))
		stop()
	})
}

func TestHalfStoredReportIsCompletedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &faulty{Memory: bus.NewMemory()}
		stop := open(t, b)
		synctest.Wait()
		var checks []string
		for i := range 1000 {
			checks = append(checks, fmt.Sprintf("c%d", i))
		}
		report := from("one", checks...)
		writes := 0
		b.set(func() error {
			if writes++; writes == 2 {
				return errors.New("no answer")
			}
			return nil
		}, nil)
		require.Error(t, b.Deliver(t.Context(), here, report))
		require.NoError(t, b.Deliver(t.Context(), here, report))
		messages := stored(t, b)
		require.Len(t, messages, 2)
		assert.Equal(t, checks[:MaxMessageResults], messages[0])
		assert.Equal(t, checks[MaxMessageResults:], messages[1])
		stop()
	})
}

// A gate that dies after the write and before the answer leaves the runner to deliver again, to
// another gate that knows nothing of it. The results are stored twice and count once.
func TestGateDiesBetweenWriteAndAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &faulty{Memory: bus.NewMemory()}
		stop := open(t, b)
		synctest.Wait()
		b.set(nil, func() error { return errors.New("killed") })
		report := failing(from("one", "home"))
		require.Error(t, b.Deliver(t.Context(), here, report))
		stop()

		b.set(nil, nil)
		stop = open(t, b)
		synctest.Wait()
		require.NoError(t, b.Deliver(t.Context(), here, report))
		messages, err := b.ReadResults(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Len(t, messages, 2)
		tallies := monitor.NewTallies()
		d := monitor.Definition{ID: "home", Service: "web", Kind: "http", Target: "x", FailureThreshold: 2, Locations: []string{here}}.WithDefaults()
		assert.True(t, tallies.Apply(d, messages[0]))
		verdict := tallies.Verdict(d, time.Now())
		assert.False(t, tallies.Apply(d, messages[1]), "counts once")
		assert.Equal(t, verdict, tallies.Verdict(d, time.Now()))
		stop()
	})
}

func TestRefusedReportIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.NewMemory()
		stop := open(t, b)
		synctest.Wait()
		report := from("one", "a", "b")
		report.Results[1].Location = "south"
		require.ErrorIs(t, b.Deliver(t.Context(), here, report), bus.ErrRefused)
		require.ErrorIs(t, b.Deliver(t.Context(), "south", from("one", "a")), bus.ErrRefused)
		assert.Empty(t, stored(t, b))
		stop()
	})
}
