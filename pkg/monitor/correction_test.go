package monitor

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// mended is a correction of check home, of the ten minutes before the epoch.
func mended(edit ...func(*CorrectionDefinition)) CorrectionDefinition {
	d := CorrectionDefinition{
		ID: "c1", Check: "home", From: after(-10 * time.Minute), To: epoch(),
		Kind: CorrectionFalsePositive, Reason: "the probe's own network was away",
	}
	for _, one := range edit {
		one(&d)
	}
	return d
}

func TestACorrectionIsAddedAndWithdrawn(t *testing.T) {
	s := withHome(t)
	decision, err := s.when("k1", epoch(), AddCorrection{Definition: mended()})
	require.NoError(t, err)
	require.Equal(t, []Event{CorrectionAdded{Definition: mended()}}, decision.Events)
	require.EqualValues(t, 1, decision.Revision)
	again, err := s.when("k1", after(time.Hour), AddCorrection{Definition: mended()})
	require.NoError(t, err)
	require.True(t, again.Duplicate, "a repeated command takes effect once")
	_, err = s.when("k2", epoch(), AddCorrection{Definition: mended()})
	require.ErrorIs(t, err, ErrExists)

	c, ok := s.board.Correction("c1")
	require.True(t, ok)
	require.False(t, c.StoodAt(epoch().Add(-1)), "it counts from the instant at which it was added")
	require.True(t, c.StoodAt(epoch()))

	_, err = s.when("k3", after(time.Minute), WithdrawCorrection{CorrectionID: "c1"})
	require.ErrorContains(t, err, "reason: is required")
	_, err = s.when("k4", after(time.Minute), WithdrawCorrection{CorrectionID: "c1", Reason: "it was real", ExpectedRevision: 7})
	require.ErrorIs(t, err, ErrRevision)
	_, err = s.when("k5", after(time.Minute), WithdrawCorrection{CorrectionID: "none", Reason: "it was real"})
	require.ErrorIs(t, err, ErrNotFound)
	decision, err = s.when("k6", after(time.Minute), WithdrawCorrection{CorrectionID: "c1", Reason: "it was real", ExpectedRevision: 1})
	require.NoError(t, err)
	require.Equal(t, []Event{CorrectionWithdrawn{CorrectionID: "c1", Check: "home", Reason: "it was real"}}, decision.Events)
	require.EqualValues(t, 2, decision.Revision)
	twice, err := s.when("k7", after(time.Hour), WithdrawCorrection{CorrectionID: "c1", Reason: "once more"})
	require.NoError(t, err)
	require.Empty(t, twice.Events)

	c, ok = s.board.Correction("c1")
	require.True(t, ok, "it stays visible")
	require.Equal(t, "it was real", c.WithdrawnReason)
	require.True(t, c.StoodAt(epoch()), "what was said of then stays true")
	require.False(t, c.StoodAt(after(time.Minute)))
	_, err = s.when("k8", after(time.Hour), AddCorrection{Definition: mended()})
	require.ErrorIs(t, err, ErrExists, "its id is not given again")
}

func TestACorrectionIsWidenedToWholeMinutes(t *testing.T) {
	s := withHome(t)
	d := mended(func(d *CorrectionDefinition) {
		d.Check, d.Service = "", "web"
		d.From, d.To = after(-90*time.Second), after(-30*time.Second)
	})
	decision, err := s.when("k1", after(-29*time.Second), AddCorrection{Definition: d})
	require.NoError(t, err, "the minute at hand counts as past")
	added := decision.Events[0].(CorrectionAdded).Definition
	require.Equal(t, after(-2*time.Minute), added.From)
	require.Equal(t, epoch(), added.To)
}

func TestWhatIsWrongWithACorrection(t *testing.T) {
	for field, edit := range map[string]func(*CorrectionDefinition){
		"id":      func(d *CorrectionDefinition) { d.ID = "C" },
		"check":   func(d *CorrectionDefinition) { d.Check = "" },
		"service": func(d *CorrectionDefinition) { d.Service = "web" },
		"kind":    func(d *CorrectionDefinition) { d.Kind = "holiday" },
		"from":    func(d *CorrectionDefinition) { d.From = time.Time{} },
		"to":      func(d *CorrectionDefinition) { d.To = d.From },
		"reason":  func(d *CorrectionDefinition) { d.Reason = "" },
	} {
		s := withHome(t)
		_, err := s.when("k", epoch(), AddCorrection{Definition: mended(edit)})
		var problems Problems
		require.ErrorAs(t, err, &problems, field)
		require.Len(t, problems, 1, field)
		require.Equal(t, field, problems[0].Field)
	}
	for says, edit := range map[string]func(*CorrectionDefinition){
		`check: "shop" does not exist`:   func(d *CorrectionDefinition) { d.Check = "shop" },
		`service: "shop" does not exist`: func(d *CorrectionDefinition) { d.Check, d.Service = "", "shop" },
		"is not past":                    func(d *CorrectionDefinition) { d.To = after(time.Minute) },
		"at most 744h":                   func(d *CorrectionDefinition) { d.From = after(-32 * 24 * time.Hour) },
		"older uptime is not kept": func(d *CorrectionDefinition) {
			d.From = after(-92 * 24 * time.Hour)
			d.To = after(-90 * 24 * time.Hour)
		},
		"reason: is 1001 bytes long":       func(d *CorrectionDefinition) { d.Reason = strings.Repeat("x", MaxReason+1) },
		"reason: holds control characters": func(d *CorrectionDefinition) { d.Reason = "a\x00" },
	} {
		s := withHome(t)
		_, err := s.when("k", epoch(), AddCorrection{Definition: mended(edit)})
		require.ErrorContains(t, err, says)
	}
}

func TestCorrectionsOfOneSubjectAreBounded(t *testing.T) {
	s := withHome(t)
	for range MaxCorrections {
		s.given(CorrectionAdded{Definition: mended(func(d *CorrectionDefinition) { d.ID = "c" + time.Duration(len(s.log)).String() })})
	}
	_, err := s.when("k1", epoch(), AddCorrection{Definition: mended()})
	require.ErrorContains(t, err, "withdraw some")
	_, err = s.when("k2", epoch(), AddCorrection{Definition: mended(func(d *CorrectionDefinition) { d.Check, d.Service = "", "web" })})
	require.NoError(t, err, "those of another subject do not count")
}

func TestCorrectionsAreKeptInSnapshotsAndUndone(t *testing.T) {
	s := withHome(t)
	_, err := s.when("k1", epoch(), AddCorrection{Definition: mended()})
	require.NoError(t, err)
	raw, err := json.Marshal(s.board)
	require.NoError(t, err)
	again := NewBoard()
	require.NoError(t, json.Unmarshal(raw, again))
	require.Equal(t, s.board, again)
	require.Equal(t, s.board, s.board.Clone())
	s.board.Stage(EventMessage{Event: CorrectionWithdrawn{CorrectionID: "c1"}, Meta: Meta{Time: after(time.Hour)}})
	s.board.Undo()
	require.Equal(t, again, s.board)
	require.Positive(t, s.board.LastSequence("correction", "c1"))
}
