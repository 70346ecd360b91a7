package decider

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

func (f *faulty) hook(h func(context.Context, bus.Batch) ([]monitor.EventMessage, error)) {
	f.onAppend.Store(&h)
}

func TestARivalWriterIsSeenAndDecidedUpon(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		d := w.start()
		defer d.stop()
		require.True(t, w.send("s1", monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "web"}}).Accepted())
		rival := func(id string) {
			e := monitor.CheckRegistered{Definition: definition(id).WithDefaults()}
			_, err := w.memory.Append(context.Background(), bus.Batch{
				Events: []monitor.EventMessage{{Meta: monitor.Meta{ID: "rival-" + id, Time: time.Now(), CommandID: "of-rival"}, Event: e}},
				Expect: map[bus.Aggregate]uint64{bus.AggregateOf(e): 0},
			})
			require.NoError(t, err)
		}
		once := func(id string) {
			d.bus.hook(func(ctx context.Context, batch bus.Batch) ([]monitor.EventMessage, error) {
				d.bus.onAppend.Store(nil)
				rival(id)
				return d.bus.Memory.Append(ctx, batch)
			})
		}
		once("home")
		outcome := w.send("c1", monitor.RegisterCheck{Definition: definition("home")})
		require.ErrorIs(t, outcome.Refusal, monitor.ErrExists)
		once("other")
		require.True(t, w.send("c2", monitor.RegisterCheck{Definition: definition("mine")}).Accepted(), "no conflict")
		require.True(t, w.send("c3", monitor.PauseCheck{CheckID: "other"}).Accepted(), "what the rival wrote in between was read")
		once("twin")
		repeated := w.send("of-rival", monitor.RegisterCheck{Definition: definition("twin")})
		require.True(t, repeated.Accepted(), "the tail holds the command")
		require.Len(t, w.board().Checks(), 4)
	})
}

func TestALostAnswerIsNoSecondEffect(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		d := w.start()
		defer d.stop()
		w.withHome()
		lost := 0
		d.bus.hook(func(ctx context.Context, batch bus.Batch) ([]monitor.EventMessage, error) {
			written, err := d.bus.Memory.Append(ctx, batch)
			if lost++; lost == 1 {
				return nil, context.DeadlineExceeded
			}
			return written, err
		})
		require.True(t, w.send("p", monitor.PauseCheck{CheckID: "home"}).Accepted())
		require.EqualValues(t, 2, w.check("home").Revision)
		require.True(t, w.send("r", monitor.ResumeCheck{CheckID: "home"}).Accepted())
		lost = 0
		w.result("home", monitor.OutcomeFailure)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, w.board().OpenIncidents(), 1)
		consistent(t, w.events())
	})
}

func TestAFullLogKeepsCommandsAndResultsUntilThereIsRoom(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		d := w.start()
		defer d.stop()
		w.withHome()
		d.bus.hook(func(context.Context, bus.Batch) ([]monitor.EventMessage, error) {
			return nil, fmt.Errorf("append: %w", bus.ErrFull)
		})
		n := len(w.events())
		w.result("home", monitor.OutcomeSuccess)
		time.Sleep(time.Second)
		w.result("home", monitor.OutcomeFailure)
		w.post("s2", monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "shop"}})
		time.Sleep(20 * time.Second)
		require.Len(t, w.events(), n)
		d.bus.onAppend.Store(nil)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		_, ok := w.board().Service("shop")
		require.True(t, ok)
		require.Equal(t, monitor.StatusDown, w.check("home").Status)
		var changes int
		for _, m := range w.events()[n:] {
			if _, ok := m.Event.(monitor.CheckStatusChanged); ok {
				changes++
			}
		}
		require.Equal(t, 2, changes, "both, in order")
		consistent(t, w.events())
	})
}

func TestTheSnapshotSparesReadingTheLogAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		d := w.start()
		w.withHome()
		big := definition("big")
		for i := range 45 {
			big.Assertions = append(big.Assertions, fmt.Sprintf("status == %04000d", i))
		}
		for i := range 10 {
			big.ID = fmt.Sprint("big-", i)
			require.True(t, w.send(big.ID, monitor.RegisterCheck{Definition: big}).Accepted())
		}
		w.result("home", monitor.OutcomeSuccess)
		time.Sleep(15 * time.Second)
		d.kill()
		want, err := json.Marshal(w.board())
		require.NoError(t, err)
		require.Greater(t, len(want), 2*pieceSize)

		d = w.start()
		time.Sleep(time.Second)
		require.Zero(t, d.bus.reads.Load(), "all is in the snapshot")
		w.send("p", monitor.PauseCheck{CheckID: "home"})
		d.stop()

		d = w.start()
		time.Sleep(time.Second)
		require.Zero(t, d.bus.reads.Load(), "the last snapshot was taken at the stop")
		d.kill()

		bucket, err := w.memory.Bucket(t.Context(), snapshotBucket)
		require.NoError(t, err)
		require.NoError(t, bucket.Put(t.Context(), pieceKey("board", 1), []byte("rot")))
		d = w.start()
		w.send("p2", monitor.ResumeCheck{CheckID: "home"})
		require.NotZero(t, d.bus.reads.Load(), "a damaged snapshot is not believed")
		d.stop()
		d = w.start()
		time.Sleep(time.Second)
		require.Zero(t, d.bus.reads.Load(), "and is replaced")
		d.stop()
	})
}

// consistent demands that every change of status begins where the one before ended.
func consistent(t require.TestingT, events []monitor.EventMessage) {
	checks, services, commands := map[string]monitor.Status{}, map[string]monitor.Status{}, map[string]string{}
	for _, m := range events {
		kind, id := m.Event.Aggregate()
		if at := commands[m.CommandID+m.Event.Type()+kind+id]; m.CommandID != "" {
			require.Empty(t, at, "command %s took effect twice", m.CommandID)
			commands[m.CommandID+m.Event.Type()+kind+id] = m.ID
		}
		switch e := m.Event.(type) {
		case monitor.CheckRegistered:
			checks[id] = monitor.StatusUnknown
		case monitor.ServiceRegistered:
			services[id] = monitor.StatusUnknown
		case monitor.CheckStatusChanged:
			require.Equal(t, checks[id], e.From)
			checks[id] = e.To
		case monitor.ServiceStatusChanged:
			require.Equal(t, services[id], e.From)
			require.NotEqual(t, e.From, e.To)
			services[id] = e.To
		}
	}
}

// pass lets time go by, in which a decider that is killed is soon replaced: before the next command, so
// that it has told which checks fell silent meanwhile.
func (w *world) pass(d term, seconds int) term {
	for range 4 * seconds {
		time.Sleep(time.Second / 4)
		d = w.revive(d)
	}
	return d
}

// revive starts another decider when this one was killed.
func (w *world) revive(d term) term {
	if !d.bus.dead.Load() {
		return d
	}
	d.kill()
	next := w.start()
	synctest.Wait()
	return next
}

// bubbled is a test without a deadline, which a bubble has not.
type bubbled struct{ rapid.TB }

func TestKilledAnywhereItDecidesNothingTwiceAndForgetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(bubbled{t}, func(r *rapid.T) {
			w, calm := newWorld(r), newWorld(r)
			undisturbed := calm.start()
			defer undisturbed.stop()
			d := w.start()
			synctest.Wait()
			for i := range rapid.IntRange(1, 40).Draw(r, "steps") {
				d = w.pass(d, rapid.IntRange(1, 40).Draw(r, "seconds"))
				id := rapid.SampledFrom([]string{"a", "b"}).Draw(r, "check")
				switch action := rapid.IntRange(0, 11).Draw(r, "action"); action {
				case 0, 1:
					d.kill()
					d = w.start()
				case 2:
					d.stop()
					d = w.start()
				case 3:
					f := d.bus
					f.hook(func(ctx context.Context, batch bus.Batch) ([]monitor.EventMessage, error) {
						_, _ = f.Memory.Append(ctx, batch)
						f.dead.Store(true)
						return nil, errKilled
					})
				default:
					command, outcome := anything(r, id)
					for _, each := range []*world{w, calm} {
						if command != nil {
							each.post(fmt.Sprint("c", i), command)
							continue
						}
						each.result(id, outcome)
					}
				}
				synctest.Wait()
				d = w.revive(d)
			}
			d = w.pass(d, 600)
			synctest.Wait()
			d.stop()
			consistent(r, w.events())
			require.Equal(r, story(calm.events()), story(w.events()))
		})
	})
}

func anything(r *rapid.T, id string) (monitor.Command, monitor.Outcome) {
	d := definition(id)
	d.FailureThreshold = rapid.IntRange(1, 2).Draw(r, "threshold")
	switch rapid.IntRange(0, 9).Draw(r, "what") {
	case 0:
		return monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "web"}}, ""
	case 1, 2:
		return monitor.RegisterCheck{Definition: d}, ""
	case 3:
		return rapid.SampledFrom([]monitor.Command{
			monitor.PauseCheck{CheckID: id}, monitor.ResumeCheck{CheckID: id}, monitor.DeleteCheck{CheckID: id}, monitor.UpdateCheck{Definition: d},
		}).Draw(r, "command"), ""
	default:
		return nil, rapid.SampledFrom(monitor.Outcomes()).Draw(r, "outcome")
	}
}

// story is what happened to each check, and where each service ended: a check that fell silent while no
// decider was there is told of later, when its service may have gone on with others.
func story(events []monitor.EventMessage) map[bus.Aggregate][]string {
	told := make(map[bus.Aggregate][]string)
	for _, m := range events {
		line := m.Event.Type()
		if e, ok := m.Event.(monitor.ServiceStatusChanged); ok {
			told[bus.Aggregate{Kind: "status of service", ID: e.ServiceID}] = []string{string(e.To)}
			continue
		}
		if e, ok := m.Event.(monitor.CheckStatusChanged); ok {
			line += fmt.Sprintf(" %s→%s by %s", e.From, e.To, e.ResultID)
		}
		told[bus.AggregateOf(m.Event)] = append(told[bus.AggregateOf(m.Event)], line)
	}
	return told
}
