package projector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

func (w *world) state(name string) (c checkpoint) {
	entry, err := w.serving(name).Get(context.Background(), bus.CheckpointKey)
	if !errors.Is(err, bus.ErrNoKey) {
		require.NoError(w.t, err)
		require.NoError(w.t, json.Unmarshal(entry.Value, &c))
	}
	return c
}

// fill writes some of everything.
func (w *world) fill() {
	w.append(monitor.ServiceRegistered{Definition: monitor.ServiceDefinition{ID: "web", Rollup: monitor.RollupWorst}})
	for i := range 5 {
		w.append(monitor.CheckRegistered{Definition: definition(fmt.Sprint("check", i))})
	}
	w.append(monitor.CheckDeleted{CheckID: "check4", Service: "web", From: monitor.StatusUnknown})
	w.append(
		monitor.CheckStatusChanged{CheckID: "check1", Service: "web", From: monitor.StatusUnknown, To: monitor.StatusDown, At: time.Now().UTC(), ResultID: "x"},
		monitor.IncidentOpened{IncidentID: "check1-1", CheckID: "check1", Service: "web", OpenedAt: time.Now().UTC(), Cause: "status 503"},
		monitor.ServiceStatusChanged{ServiceID: "web", From: monitor.StatusUnknown, To: monitor.StatusDown, At: time.Now().UTC()},
	)
	w.append(monitor.RunnerJoined{RunnerID: "r1", Location: "default", Concurrency: 4, At: time.Now().UTC()})
	w.results(3)
}

// results reports n results of each check, thirty seconds apart.
func (w *world) results(n int) {
	for range n {
		for i := range 5 {
			outcome := monitor.OutcomeSuccess
			if i == 1 {
				outcome = monitor.OutcomeFailure
			}
			w.report(w.result(fmt.Sprint("check", i), time.Now(), outcome))
		}
		time.Sleep(30 * time.Second)
	}
}

func TestEverythingIsProjected(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.fill()
		p := w.start()
		time.Sleep(time.Second)
		require.Equal(t, w.folded(), w.everything())
		w.results(100)
		w.append(monitor.CheckPaused{CheckID: "check2", Service: "web"})
		time.Sleep(2 * time.Second)
		require.Equal(t, w.folded(), w.everything())
		p.stop()
		for _, name := range []string{"checks", "overview", "runners"} {
			require.EqualValues(t, w.n-515, w.state(name).Events, name)
			require.False(t, w.state(name).Rebuilding)
		}
		require.EqualValues(t, 515, w.state("activity").Results)
	})
}

func TestAnEventShowsAtOnceAndResultsOnceASecond(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		defer p.stop()
		time.Sleep(10 * time.Second)
		w.append(monitor.CheckRegistered{Definition: definition("home")})
		synctest.Wait()
		require.EqualValues(t, 1, w.state("checks").Events)
		require.EqualValues(t, 1, w.state("overview").Events, "a reader waits for every read model")
		require.Contains(t, w.contents("checks"), "check.home")

		before := w.state("history").Flush
		for range 100 {
			w.report(w.result("home", time.Now(), monitor.OutcomeSuccess))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Second)
		require.InDelta(t, 11, w.state("history").Flush-before, 1)
		require.EqualValues(t, 100, w.state("history").Results)
	})
}

func TestAShutdownWritesWhatIsFolded(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		time.Sleep(10 * time.Second)
		w.report(w.result("home", time.Now(), monitor.OutcomeSuccess))
		synctest.Wait()
		w.report(w.result("home", time.Now().Add(30*time.Second), monitor.OutcomeSuccess))
		synctest.Wait()
		require.EqualValues(t, 1, w.state("activity").Results)
		p.stop()
		require.EqualValues(t, 2, w.state("activity").Results)
		require.Equal(t, w.folded(), w.everything())
	})
}

func TestAKilledProjectorsSuccessorLosesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		first := w.start()
		w.fill()
		standby := w.start()
		time.Sleep(time.Second)
		require.Zero(t, standby.bus.flushes.Load())
		w.results(2)
		first.kill()
		w.results(2)
		w.append(monitor.CheckResumed{CheckID: "check2", Service: "web"})
		time.Sleep(5 * time.Second)
		require.Equal(t, w.folded(), w.everything())
		standby.stop()
	})
}

func TestAHolderThatLostItsLeaseCannotOverwrite(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.fill()
		// The first holder's flushes hang until it has been superseded.
		resume := make(chan struct{})
		first := w.start()
		time.Sleep(5 * time.Second)
		hang := func(string, map[string][]byte) error {
			<-resume
			return nil
		}
		first.bus.onFlush.Store(&hang)
		w.append(monitor.CheckPaused{CheckID: "check0", Service: "web"})
		synctest.Wait()
		require.NotEmpty(t, w.bus.(*bus.Memory).Revoke(lease))
		second := w.start()
		w.append(monitor.CheckPaused{CheckID: "check2", Service: "web"})
		w.results(1)
		close(resume)
		w.append(monitor.CheckPaused{CheckID: "check3", Service: "web"})
		time.Sleep(10 * time.Second)
		require.Equal(t, w.folded(), w.everything())
		first.stop()
		second.stop()
		require.Equal(t, w.folded(), w.everything())
	})
}

func TestALostAnswerIsNoConflict(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		defer p.stop()
		time.Sleep(time.Second)
		p.bus.loseAnswers.Store(10)
		w.fill()
		time.Sleep(5 * time.Second)
		require.Equal(t, w.folded(), w.everything())
		require.Negative(t, p.bus.loseAnswers.Load())
	})
}

func TestOneReadModelsTroubleStopsNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		full := func(bucket string, _ map[string][]byte) error {
			if bucket == "incidents" || bucket == "history" {
				return bus.ErrFull
			}
			return nil
		}
		p.bus.onFlush.Store(&full)
		w.fill()
		time.Sleep(time.Minute)
		require.Empty(t, w.contents("incidents"))
		have, want := w.everything(), w.folded()
		for _, name := range []string{"checks", "services", "runners", "overview", "activity"} {
			require.Equal(t, want[name], have[name], name)
		}
		p.bus.onFlush.Store(nil)
		time.Sleep(10 * time.Second)
		require.Equal(t, w.folded(), w.everything())
		p.stop()
	})
}

// startMortal starts a projector whose writes fail after n batches of each bucket.
func (w *world) startMortal(n int) term {
	f := &faulty{both: w.bus}
	var mu sync.Mutex
	batches := make(map[string]int)
	hook := func(bucket string, _ map[string][]byte) error {
		mu.Lock()
		defer mu.Unlock()
		if bucket == readmodel.GenerationsBucket {
			return nil
		}
		if batches[bucket]++; batches[bucket] > n {
			return errKilled
		}
		return nil
	}
	f.onFlush.Store(&hook)
	return term{bus: f, stop: w.run(f)}
}

func TestDeathBetweenTheBatchesOfOneFlush(t *testing.T) {
	const checks = 2*bus.MaxFlush + 100
	for _, rebuilt := range []bool{true, false} {
		t.Run(fmt.Sprint("rebuilt ", rebuilt), func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				if !rebuilt {
					p := w.start()
					w.fill()
					time.Sleep(time.Second)
					p.stop()
				}
				var events []monitor.Event
				for i := range checks {
					events = append(events, monitor.CheckRegistered{Definition: definition(fmt.Sprint("c", i))})
				}
				for some := range slices.Chunk(events, 500) {
					w.append(some...)
				}
				before := w.state("history").Results
				// Two hours each, so that a flush also holds what is over.
				for hour := range 2 {
					var results []monitor.EventMessage
					for i := range checks {
						results = append(results, w.result(fmt.Sprint("c", i), time.Now().Add(time.Duration(hour)*time.Hour), monitor.OutcomeSuccess))
					}
					w.report(results...)
				}
				for _, n := range []int{0, 1, 1} {
					p := w.startMortal(n)
					time.Sleep(time.Second)
					p.kill()
					require.Equal(t, before, w.state("history").Results, "the last batch moves the position")
					if n > 0 {
						require.GreaterOrEqual(t, len(w.contents("history")), bus.MaxFlush)
					}
				}
				require.Equal(t, rebuilt, w.state("history").Rebuilding)
				p := w.start()
				time.Sleep(10 * time.Second)
				require.False(t, w.state("history").Rebuilding)
				require.Equal(t, w.folded(), w.everything())
				p.stop()
			})
		})
	}
}

func TestResultsDeliveredTwiceCountOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.start()
		var all []monitor.EventMessage
		for range 20 {
			all = append(all, w.result("home", time.Now(), monitor.OutcomeSuccess))
			w.report(all[len(all)-1])
			time.Sleep(30 * time.Second)
		}
		once := w.contents("history")["open.home"]
		w.report(all[10:]...)
		time.Sleep(time.Minute)
		require.Contains(t, w.contents("history")["open.home"], `"count":20,`)
		require.NotEqual(t, once, w.contents("history")["open.home"], "it has moved on all the same")
		p.stop()
	})
}
