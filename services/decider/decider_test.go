package decider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestCommandsTakeEffectOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		d := w.start()
		defer d.stop()
		w.withHome()
		first := w.send("c2", monitor.PauseCheck{CheckID: "home"})
		require.True(t, first.Accepted())
		require.EqualValues(t, 2, first.Revision)
		events := w.events()
		require.Equal(t, events[len(events)-1].Sequence, first.Sequence, "the last event it caused")
		again := w.send("c2", monitor.PauseCheck{CheckID: "home"})
		require.True(t, again.Accepted())
		require.Equal(t, first.Revision, again.Revision)
		require.NotZero(t, again.Sequence)
		require.Len(t, w.events(), len(events))
		m := events[len(events)-1]
		require.Equal(t, "/vedette/decider", m.Source)
		require.Equal(t, "c2", m.CommandID)
		require.Equal(t, "c2", m.CausationID)
		require.Equal(t, "c2", m.CorrelationID)
		require.Equal(t, "ann", m.Actor)
		require.NotEmpty(t, m.ID)
		require.EqualValues(t, 2, w.check("home").Revision)
	})
}

func TestProblemsOfTheDefinitionAndOfItsKindAreReportedTogether(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		d := w.start()
		defer d.stop()
		bad := definition("home")
		bad.Target, bad.Interval = "x", monitor.Duration(time.Millisecond)
		outcome := w.send("c1", monitor.RegisterCheck{Definition: bad})
		require.False(t, outcome.Accepted())
		require.Equal(t, bus.RefusedInvalid, outcome.Refusal.Code)
		fields := map[string]bool{}
		for _, p := range outcome.Refusal.Problems {
			fields[p.Field] = true
		}
		require.True(t, fields["interval"] && fields["service"] && fields["target"], "%v", outcome.Refusal.Problems)
		require.Empty(t, w.events())
		huge := definition("huge")
		huge.Assertions = slices.Repeat([]string{strings.Repeat("<", 4000)}, 50)
		require.Equal(t, bus.RefusedInvalid, w.send("c2", monitor.RegisterCheck{Definition: huge}).Refusal.Code, "too long once escaped")
	})
}

func TestABatchOfCommandsSeesItself(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.post("s1", monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "web"}})
		for i := range 150 {
			w.post(fmt.Sprint("c", i), monitor.RegisterCheck{Definition: definition(fmt.Sprint("check-", i))})
		}
		w.post("c7", monitor.RegisterCheck{Definition: definition("check-7")})
		w.post("p1", monitor.PauseCheck{CheckID: "check-7"})
		w.post("p2", monitor.PauseCheck{CheckID: "check-7"})
		w.post("x", monitor.DeleteService{ServiceID: "web"})
		d := w.start()
		defer d.stop()
		synctest.Wait()
		require.Len(t, w.board().Checks(), 150)
		one, err := w.memory.Outcome(t.Context(), "p1")
		require.NoError(t, err)
		two, err := w.memory.Outcome(t.Context(), "p2")
		require.NoError(t, err)
		require.EqualValues(t, 2, two.Revision)
		require.True(t, one.Accepted() && two.Accepted())
		require.NotZero(t, two.Sequence, "its effect shows where the first pause does")
		refused, err := w.memory.Outcome(t.Context(), "x")
		require.NoError(t, err)
		require.ErrorIs(t, refused.Refusal, monitor.ErrInUse)
	})
}

func TestAFailingResultChangesTheStatusAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		d := w.start()
		defer d.stop()
		w.withHome()
		w.result("home", monitor.OutcomeSuccess)
		synctest.Wait()
		require.Equal(t, monitor.StatusUp, w.check("home").Status)
		before := len(w.events())
		time.Sleep(30 * time.Second)
		r := w.result("home", monitor.OutcomeFailure)
		synctest.Wait()
		after := w.events()[before:]
		require.Equal(t, []string{"vedette.check.status_changed.v1", "vedette.incident.opened.v1", "vedette.service.status_changed.v1"}, types(after))
		for _, m := range after {
			require.Equal(t, r.ID, m.CausationID)
			require.Equal(t, r.CorrelationID, m.CorrelationID)
			require.Empty(t, m.CommandID)
		}
		require.Equal(t, r.Position(), w.check("home").DecidedAt)
		w.result("elsewhere", monitor.OutcomeFailure)
		synctest.Wait()
		require.Len(t, w.events(), before+3)
	})
}

func TestSilenceMakesUnknownAlsoAfterARestart(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprint("restart ", restart), func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				d := w.start()
				w.withHome()
				stored := w.result("home", monitor.OutcomeSuccess)
				synctest.Wait()
				if restart {
					d.stop()
					time.Sleep(time.Hour)
					d = w.start()
				}
				time.Sleep(70*time.Second - time.Millisecond)
				if !restart {
					require.Equal(t, monitor.StatusUp, w.check("home").Status)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				check := w.check("home")
				require.Equal(t, monitor.StatusUnknown, check.Status)
				require.WithinDuration(t, stored.StoredAt.Add(70*time.Second), check.StatusSince, 0)
				n := len(w.events())
				time.Sleep(time.Hour)
				synctest.Wait()
				require.Len(t, w.events(), n)
				w.result("home", monitor.OutcomeSuccess)
				synctest.Wait()
				require.Equal(t, monitor.StatusUp, w.check("home").Status)
				d.stop()
			})
		})
	}
}

func TestACheckThatNeverRunsCountsAsUnknown(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		d := w.start()
		defer d.stop()
		w.withHome()
		require.True(t, w.check("home").Pending)
		time.Sleep(71 * time.Second)
		synctest.Wait()
		require.False(t, w.check("home").Pending)
		w.result("home", monitor.OutcomeSuccess)
		w.send("p", monitor.PauseCheck{CheckID: "home"})
		time.Sleep(time.Hour)
		w.send("r", monitor.ResumeCheck{CheckID: "home"})
		time.Sleep(71 * time.Second)
		synctest.Wait()
		require.False(t, w.check("home").Pending, "what it knew before the pause is no excuse")
	})
}

func TestAResultFromBeforeItsCheckExcusesNoSilence(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		d := w.start()
		w.result("home", monitor.OutcomeSuccess)
		time.Sleep(time.Second)
		w.withHome()
		d.kill() // so that the next one counts the result again, and knows the check this time
		d = w.start()
		defer d.stop()
		time.Sleep(2 * time.Minute)
		require.False(t, w.check("home").Pending)
		require.Equal(t, monitor.StatusUnknown, w.check("home").Status)
	})
}

func TestTheGapBetweenResultsReadLateIsDecidedAsItWas(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		d := w.start()
		w.withHome()
		w.result("home", monitor.OutcomeSuccess)
		synctest.Wait()
		d.stop()
		before := len(w.events())
		time.Sleep(10 * time.Minute)
		w.result("home", monitor.OutcomeSuccess)
		d = w.start()
		defer d.stop()
		synctest.Wait()
		var to []monitor.Status
		for _, m := range w.events()[before:] {
			if e, ok := m.Event.(monitor.CheckStatusChanged); ok {
				to = append(to, e.To)
			}
		}
		require.Equal(t, []monitor.Status{monitor.StatusUnknown, monitor.StatusUp}, to)
	})
}

func TestRunnersJoinAndLeave(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		d := w.start()
		alive := func(id string) {
			require.NoError(t, w.memory.AnnounceRunner(bus.Report{Runner: monitor.Runner{ID: id, Location: "default", Concurrency: 4}}))
		}
		synctest.Wait()
		for range 10 {
			alive("r1")
			alive("r2")
			time.Sleep(3 * time.Second)
		}
		require.Equal(t, []string{"vedette.runner.joined.v1", "vedette.runner.joined.v1"}, types(w.events()))
		require.NoError(t, w.memory.AnnounceRunner(bus.Report{Runner: monitor.Runner{ID: "r1", Location: "default", Concurrency: 4}, Stopping: true}))
		synctest.Wait()
		require.Len(t, w.board().Runners(), 1)
		d.stop()
		time.Sleep(time.Hour)
		d = w.start()
		defer d.stop()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Len(t, w.board().Runners(), 1, "a new decider gives it time to be heard")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Empty(t, w.board().Runners())
		left, ok := w.events()[len(w.events())-1].Event.(monitor.RunnerLeft)
		require.True(t, ok)
		require.Equal(t, "silent", left.Reason)
	})
}

func TestAStandbyTakesOver(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		first, second := w.start(), w.start()
		w.withHome()
		first.stop()
		require.True(t, w.send("p", monitor.PauseCheck{CheckID: "home"}).Accepted())
		second.stop()
		require.Len(t, w.board().Checks(), 1)
	})
}

func TestRunValidatesItsOptions(t *testing.T) {
	err := Run(context.Background(), &faulty{Memory: bus.NewMemory()}, Options{SnapshotEvery: time.Millisecond})
	require.ErrorContains(t, err, "validator")
	require.ErrorContains(t, err, "snapshot")
	require.NotContains(t, err.Error(), "silent")
}
