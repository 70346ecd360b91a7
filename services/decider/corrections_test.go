package decider

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestCorrectionsAreDecidedAsAnyCommandIsAndChangeNoStatus(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		d := w.start()
		w.withHome()
		w.result("home", monitor.OutcomeFailure)
		synctest.Wait()
		time.Sleep(time.Minute)
		status, now := w.check("home").Status, time.Now()
		correction := monitor.CorrectionDefinition{
			ID: "c", Check: "home", From: now.Add(-2 * time.Minute), To: now, Kind: monitor.CorrectionFalsePositive, Reason: "the probe was wrong",
		}
		first := w.send("k1", monitor.AddCorrection{Definition: correction})
		require.True(t, first.Accepted(), "%v", first.Refusal)
		count := len(w.events())
		require.Equal(t, first.Sequence, w.send("k1", monitor.AddCorrection{Definition: correction}).Sequence, "a repeat takes no effect")
		require.Equal(t, bus.RefusedInvalid, w.send("k2", monitor.AddCorrection{Definition: monitor.CorrectionDefinition{ID: "d", Check: "none"}}).Refusal.Code)
		require.ErrorIs(t, w.send("k3", monitor.AddCorrection{Definition: correction}).Refusal, monitor.ErrExists)
		require.Len(t, w.events(), count)
		require.Equal(t, status, w.check("home").Status, "what was decided stays")
		d.stop()

		d = w.start()
		defer d.stop()
		synctest.Wait()
		withdrawn := w.send("k4", monitor.WithdrawCorrection{CorrectionID: "c", Reason: "it was not", ExpectedRevision: 1})
		require.True(t, withdrawn.Accepted(), "a restarted decider knows it: %v", withdrawn.Refusal)
		require.EqualValues(t, 2, withdrawn.Revision)
		kept, _ := w.board().Correction("c")
		require.Equal(t, "it was not", kept.WithdrawnReason)
	})
}
