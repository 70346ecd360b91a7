package decider

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// withBackup registers a heartbeat check every ten minutes, with a grace of two, and a gate, of which it
// returns how many results it took and whether it is to refuse them.
func (w *world) withBackup(t *testing.T) (*atomic.Int64, *atomic.Bool) {
	t.Helper()
	var reports atomic.Int64
	var refuse atomic.Bool
	require.True(t, w.send("s1", monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "web"}}).Accepted())
	d := monitor.Definition{ID: "backup", Service: "web", Kind: monitor.KindHeartbeat, Target: "backup of db1", Interval: monitor.Duration(10 * time.Minute), Grace: monitor.Duration(2 * time.Minute)}
	require.True(t, w.send("c1", monitor.RegisterCheck{Definition: d}).Accepted())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- w.memory.ServeIngest(ctx, func(ctx context.Context, location string, report bus.Report) error {
			if refuse.Load() {
				return errors.New("the disk is full")
			}
			reports.Add(int64(len(report.Results)))
			var messages []monitor.EventMessage
			for _, r := range report.Results {
				messages = append(messages, monitor.EventMessage{Meta: monitor.Meta{ID: "late-" + r.ID, Time: time.Now()}, Event: monitor.Executed(r)})
			}
			_, err := w.memory.AppendResults(ctx, location, messages)
			return err
		})
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return &reports, &refuse
}

func TestAHeartbeatThatDoesNotComeIsAFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		term := w.start()
		defer term.stop()
		reports, _ := w.withBackup(t)
		time.Sleep(time.Hour)
		assert.Zero(t, reports.Load(), "none is waited for before the first")
		assert.Contains(t, w.check("backup").Reason, "no heartbeat has come yet")

		came := time.Now()
		w.result("backup", monitor.OutcomeSuccess)
		time.Sleep(12*time.Minute - time.Second)
		require.Equal(t, monitor.StatusUp, w.check("backup").Status, "within its grace")
		time.Sleep(3 * time.Second)
		check := w.check("backup")
		require.Equal(t, monitor.StatusDown, check.Status)
		require.NotEmpty(t, check.Incident)
		require.Contains(t, check.Reason, "no heartbeat came: it was expected at "+came.Add(10*time.Minute).UTC().Format(time.RFC3339))
		require.Equal(t, came.Add(12*time.Minute).UTC().Truncate(time.Millisecond), check.StatusSince.UTC(), "since it is late")
		require.EqualValues(t, 1, reports.Load())

		time.Sleep(10 * time.Minute)
		require.EqualValues(t, 2, reports.Load(), "one failure for each that does not come")
		require.Equal(t, monitor.StatusDown, w.check("backup").Status)
		w.result("backup", monitor.OutcomeSuccess)
		time.Sleep(time.Second)
		require.Equal(t, monitor.StatusUp, w.check("backup").Status)
	})
}

func TestLateHeartbeatsAreReportedUntilTheGateTakesThem(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		term := w.start()
		defer term.stop()
		reports, refuse := w.withBackup(t)
		w.result("backup", monitor.OutcomeSuccess)
		refuse.Store(true)
		time.Sleep(13 * time.Minute)
		require.Equal(t, monitor.StatusUp, w.check("backup").Status)
		refuse.Store(false)
		time.Sleep(time.Second)
		require.Equal(t, monitor.StatusDown, w.check("backup").Status)
		require.EqualValues(t, 1, reports.Load())
	})
}

func TestPausedAndResumedHeartbeats(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		term := w.start()
		defer term.stop()
		reports, _ := w.withBackup(t)
		w.result("backup", monitor.OutcomeSuccess)
		time.Sleep(time.Minute)
		require.True(t, w.send("p1", monitor.PauseCheck{CheckID: "backup"}).Accepted())
		time.Sleep(2 * time.Hour)
		require.Zero(t, reports.Load())
		require.True(t, w.send("p2", monitor.ResumeCheck{CheckID: "backup"}).Accepted())
		time.Sleep(11 * time.Minute)
		require.Zero(t, reports.Load(), "the wait begins anew")
		time.Sleep(2 * time.Minute)
		require.EqualValues(t, 1, reports.Load())
		require.Equal(t, monitor.StatusDown, w.check("backup").Status)
	})
}

// What came while nobody listened cannot be known: the wait stands still for as long.
func TestItsOwnDeafnessIsNoMissedHeartbeat(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		term := w.start()
		reports, _ := w.withBackup(t)
		w.result("backup", monitor.OutcomeSuccess)
		time.Sleep(9 * time.Minute)
		term.stop()
		time.Sleep(30 * time.Minute)
		term = w.start()
		defer func() { term.stop() }()
		time.Sleep(2 * time.Minute)
		require.Zero(t, reports.Load())
		time.Sleep(2 * time.Minute)
		require.EqualValues(t, 1, reports.Load(), "a second decider waits as long as the first had still to wait")

		// One that fell due while somebody listened is reported by whoever comes next.
		w.result("backup", monitor.OutcomeSuccess)
		time.Sleep(12*time.Minute - 100*time.Millisecond)
		term.kill()
		term = w.start()
		time.Sleep(15 * time.Second)
		require.EqualValues(t, 2, reports.Load())
	})
}

func TestExcused(t *testing.T) {
	at := func(minute int) time.Time { return time.Unix(int64(minute)*60, 0) }
	deaf := []deafness{{at(10), at(20)}, {at(40), at(45)}}
	for name, c := range map[string]struct{ since, deadline, want int }{
		"before all":   {0, 9, 9},
		"within":       {5, 15, 25},
		"around":       {5, 30, 40},
		"both":         {5, 31, 46},
		"after":        {50, 60, 60},
		"begun within": {15, 25, 35},
	} {
		assert.Equal(t, at(c.want), excused(deaf, at(c.since), at(c.deadline)), name)
	}
}
