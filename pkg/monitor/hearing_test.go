package monitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func heard(t *testing.T, tallies *Tallies, d Definition, due time.Time, sequence uint64, outcome Outcome) (Hearing, bool) {
	t.Helper()
	r := Result{ID: due.String(), CheckID: d.ID, Location: DefaultLocation, DueAt: due, StartedAt: due, Outcome: outcome}
	return tallies.Hear(d, EventMessage{Meta: Meta{Sequence: sequence, StoredAt: due.Add(time.Second)}, Event: Executed(r)})
}

func TestAResultAfterASilenceTellsOfBoth(t *testing.T) {
	d := Definition{ID: "home", Service: "web", Kind: "http", Target: "t"}.WithDefaults()
	tallies := NewTallies()
	first, ok := heard(t, tallies, d, epoch(), 1, OutcomeSuccess)
	require.True(t, ok)
	require.False(t, first.WasSilent, "there was nothing before")
	require.Equal(t, StatusUp, first.Verdict.Status)

	next, ok := heard(t, tallies, d, epoch().Add(30*time.Second), 2, OutcomeFailure)
	require.True(t, ok)
	require.False(t, next.WasSilent)

	seen := epoch().Add(31 * time.Second)
	late, ok := heard(t, tallies, d, epoch().Add(time.Hour), 3, OutcomeFailure)
	require.True(t, ok)
	require.True(t, late.WasSilent)
	require.Equal(t, StatusUnknown, late.Silence.Status)
	require.Equal(t, seen.Add(70*time.Second), late.Silence.At, "two intervals and a timeout after the last")
	require.Equal(t, StatusDown, late.Verdict.Status)

	_, ok = heard(t, tallies, d, epoch().Add(time.Minute), 4, OutcomeSuccess)
	require.False(t, ok, "due before the last")
}

func TestALocationThatFellSilentIsToldBeforeTheNextResult(t *testing.T) {
	d := Definition{ID: "home", Service: "web", Kind: "http", Target: "t", Locations: []string{"here", "there"}}.WithDefaults()
	tallies := NewTallies()
	sequence := uint64(0)
	hear := func(location string, at time.Duration, outcome Outcome) Hearing {
		sequence++
		due := epoch().Add(at)
		r := Result{ID: due.String(), CheckID: d.ID, Location: location, DueAt: due, StartedAt: due, Outcome: outcome}
		h, ok := tallies.Hear(d, EventMessage{Meta: Meta{Sequence: sequence, StoredAt: due}, Event: Executed(r)})
		require.True(t, ok)
		return h
	}
	hear("there", 0, OutcomeFailure)
	require.False(t, hear("here", 10*time.Second, OutcomeSuccess).WasSilent)
	last := hear("here", 60*time.Second, OutcomeSuccess)
	require.False(t, last.WasSilent)
	require.Equal(t, StatusDown, last.Verdict.Status, "there is down")
	next := hear("here", 71*time.Second, OutcomeFailure)
	require.True(t, next.WasSilent, "70 s after its last")
	require.Equal(t, StatusUp, next.Silence.Status)
	require.Equal(t, epoch().Add(60*time.Second), next.Silence.At)
	require.False(t, hear("here", 90*time.Second, OutcomeFailure).WasSilent, "that was told")
}

func TestDeadlines(t *testing.T) {
	d := Definition{ID: "home", Service: "web", Kind: "http", Target: "t"}.WithDefaults()
	tallies := NewTallies()
	check := Check{Definition: d, Status: StatusUp, StatusSince: epoch()}
	require.Equal(t, epoch(), tallies.Deadline(check, time.Time{}), "up without any data")
	require.Zero(t, tallies.Deadline(check, epoch()))

	pending := Check{Definition: d, Status: StatusUnknown, StatusSince: epoch(), Pending: true}
	patience := epoch().Add(70 * time.Second)
	require.Equal(t, patience, tallies.Deadline(pending, epoch()))
	require.Equal(t, patience, tallies.Deadline(pending, patience), "evaluated when patience was about to end")
	require.Zero(t, tallies.Deadline(pending, patience.Add(1)))
	at := patience.Add(time.Millisecond)
	require.Equal(t, at, tallies.Silence(pending, at).At)

	_, ok := heard(t, tallies, d, epoch().Add(-time.Minute), 1, OutcomeSuccess)
	require.True(t, ok)
	require.Equal(t, at, tallies.Silence(pending, at).At, "what went stale before it was registered again is not when patience ends")
	paused := check
	paused.Paused = true
	require.Zero(t, tallies.Deadline(paused, time.Time{}))
}
