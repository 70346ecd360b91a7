package gate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// faulty is the in-memory bus, whose RESULTS can fail.
type faulty struct {
	*bus.Memory
	mu sync.Mutex
	// before and after are asked around every write; after a failing "after" the results are stored.
	before, after func() error
	writes        int
}

func (f *faulty) set(before, after func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before, f.after = before, after
}

func (f *faulty) AppendResults(ctx context.Context, location string, m []monitor.EventMessage) ([]monitor.EventMessage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	if f.before != nil {
		if err := f.before(); err != nil {
			return nil, err
		}
	}
	stored, err := f.Memory.AppendResults(ctx, location, m)
	if err == nil && f.after != nil {
		err = f.after()
	}
	return stored, err
}

func TestStoresThenAnswersThenAnnounces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.NewMemory()
		stop := open(t, b)
		synctest.Wait()
		var mu sync.Mutex
		var live []monitor.EventMessage
		var runners []bus.Report
		stopResults, err := b.OnResult(t.Context(), func(m monitor.EventMessage) { mu.Lock(); live = append(live, m); mu.Unlock() })
		require.NoError(t, err)
		stopRunners, err := b.OnRunner(t.Context(), func(r bus.Report) { mu.Lock(); runners = append(runners, r); mu.Unlock() })
		require.NoError(t, err)

		require.NoError(t, b.Deliver(t.Context(), here, failing(from("one", "home", "shop"))))
		assert.Equal(t, [][]string{{"home", "shop"}}, stored(t, b), "durable when answered")
		require.NoError(t, b.Deliver(t.Context(), here, from("one")))
		synctest.Wait()
		mu.Lock()
		require.Len(t, live, 2)
		assert.IsType(t, monitor.CheckFailed{}, live[0].Event)
		assert.IsType(t, monitor.CheckSucceeded{}, live[1].Event)
		assert.Equal(t, monitor.Position{Sequence: live[0].Sequence, Index: 1}, live[1].Position())
		assert.Equal(t, live[0].Event.(monitor.CheckFailed).Result.ID, live[0].CausationID)
		assert.NotEqual(t, live[0].ID, live[1].ID)
		require.Len(t, runners, 2, "each report is a sign of life")
		assert.Empty(t, runners[0].Results)
		mu.Unlock()
		stopResults()
		stopRunners()
		stop()
	})
}

// deliver sends reports at once and returns how long each waited for its answer, and the answers.
func deliver(t testing.TB, b bus.Ingest, reports ...bus.Report) ([]time.Duration, []error) {
	t.Helper()
	waited, answers := make([]time.Duration, len(reports)), make([]error, len(reports))
	var pending sync.WaitGroup
	for i, report := range reports {
		pending.Go(func() {
			begun := time.Now()
			answers[i] = b.Deliver(t.Context(), here, report)
			waited[i] = time.Since(begun)
		})
	}
	pending.Wait()
	return waited, answers
}

func TestLingers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.NewMemory()
		stop := open(t, b)
		synctest.Wait()

		waited, _ := deliver(t, b, from("one", "a"))
		assert.Zero(t, waited[0], "nobody else is there to wait for")

		time.Sleep(10 * time.Millisecond)
		waited, _ = deliver(t, b, from("two", "b"))
		assert.Equal(t, DefaultLinger, waited[0], "runner one may have something too")

		waited, _ = deliver(t, b, from("one", "c"), from("two", "d"))
		assert.Equal(t, []time.Duration{0, 0}, waited, "all are there")
		assert.Len(t, stored(t, b)[2], 2, "in one message")

		waited, _ = deliver(t, b, failing(from("one", "e")))
		assert.Zero(t, waited[0], "a failure does not wait")

		manual := from("one", "f")
		manual.Results[0].Trigger = monitor.TriggerManual
		waited, _ = deliver(t, b, manual)
		assert.Zero(t, waited[0], "nor what somebody waits for")

		time.Sleep(2 * time.Second)
		waited, _ = deliver(t, b, from("one", "g"))
		assert.Zero(t, waited[0], "runner two has gone quiet")
		stop()
	})
}

func TestFailureTakesTheOthersAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.NewMemory()
		stop := open(t, b)
		synctest.Wait()
		deliver(t, b, from("one", "a"), from("two", "b"), from("three", "c"))

		answered := make(chan time.Time, 1)
		begun := time.Now()
		go func() {
			assert.NoError(t, b.Deliver(t.Context(), here, from("one", "d")))
			answered <- time.Now()
		}()
		time.Sleep(20 * time.Millisecond)
		waited, _ := deliver(t, b, failing(from("two", "e")))
		assert.Zero(t, waited[0])
		assert.Equal(t, 20*time.Millisecond, (<-answered).Sub(begun))
		messages := stored(t, b)
		assert.Equal(t, []string{"d", "e"}, messages[len(messages)-1])
		stop()
	})
}

func TestTestsAreAnnouncedAndNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.NewMemory()
		stop := open(t, b)
		synctest.Wait()
		report := from("one", "draft", "home")
		report.Results[0].Trigger = monitor.TriggerTest
		heard := make(chan monitor.Result, 1)
		stopTest, err := b.OnTest(t.Context(), report.Results[0].ID, func(r monitor.Result) { heard <- r })
		require.NoError(t, err)
		require.NoError(t, b.Deliver(t.Context(), here, report))
		assert.Equal(t, "draft", (<-heard).CheckID)
		assert.Equal(t, [][]string{{"home"}}, stored(t, b))
		stopTest()
		stop()
	})
}

func TestStopAnswersWhatIsInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.NewMemory()
		stop := open(t, b)
		synctest.Wait()
		deliver(t, b, from("one", "a"), from("two", "b"))
		answered := make(chan error, 1)
		go func() { answered <- b.Deliver(t.Context(), here, from("one", "c")) }()
		synctest.Wait() // it lingers for runner two
		stop()
		require.NoError(t, <-answered)
		assert.Contains(t, stored(t, b), []string{"c"})
	})
}

func TestOrderOfEveryRunnerIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &faulty{Memory: bus.NewMemory()}
		stop := open(t, b)
		synctest.Wait()
		writes := 0
		b.set(func() error {
			time.Sleep(3 * time.Millisecond)
			if writes++; writes%7 == 0 {
				return errors.New("no answer")
			}
			return nil
		}, nil)
		var pending sync.WaitGroup
		for _, runner := range []string{"a", "b", "c", "d"} {
			pending.Go(func() {
				for i := range 50 {
					report := from(runner, fmt.Sprintf("%s-%02d", runner, 2*i), fmt.Sprintf("%s-%02d", runner, 2*i+1))
					for b.Deliver(t.Context(), here, report) != nil {
						time.Sleep(time.Millisecond)
					}
				}
			})
		}
		pending.Wait()
		last, count := map[string]string{}, 0
		for _, message := range stored(t, b) {
			for _, check := range message {
				assert.Less(t, last[check[:1]], check)
				last[check[:1]] = check
				count++
			}
		}
		assert.Equal(t, 400, count)
		stop()
	})
}
