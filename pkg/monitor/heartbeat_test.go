package monitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func heartbeatCheck(change ...func(*Definition)) Check {
	d := Definition{ID: "backup", Service: "web", Kind: KindHeartbeat, Interval: Duration(time.Hour), Grace: Duration(5 * time.Minute)}
	for _, c := range change {
		c(&d)
	}
	return Check{Definition: d.WithDefaults(), Revision: 3}
}

func heartbeatCame(t *testing.T, sum *Tallies, c Check, sequence uint64, due time.Time) {
	t.Helper()
	r := Result{ID: c.ID, CheckID: c.ID, Location: "default", DueAt: due, StartedAt: due, Outcome: OutcomeSuccess, Trigger: TriggerHeartbeat}
	require.True(t, sum.Apply(c.Definition, EventMessage{Event: Executed(r), Meta: Meta{Sequence: sequence, StoredAt: due}}))
}

func TestExpectedHeartbeat(t *testing.T) {
	came := time.Date(2026, 3, 28, 1, 30, 0, 0, time.UTC)
	byInterval := heartbeatCheck()
	sum := NewTallies()
	_, late := sum.Expected(byInterval)
	require.Zero(t, late, "none is waited for before the first")
	heartbeatCame(t, sum, byInterval, 1, came)
	at, late := sum.Expected(byInterval)
	require.Equal(t, came.Add(time.Hour), at)
	require.Equal(t, came.Add(65*time.Minute), late)

	paused := byInterval
	paused.Paused = true
	_, late = sum.Expected(paused)
	require.Zero(t, late)

	resumed := byInterval
	resumed.Pending, resumed.StatusSince = true, came.Add(40*time.Minute)
	at, _ = sum.Expected(resumed)
	require.Equal(t, came.Add(100*time.Minute), at)

	// At two in the morning in Vienna: an hour later in UTC until the night when the clocks change.
	byCron := heartbeatCheck(func(d *Definition) { d.Interval, d.Cron, d.TimeZone = 0, "0 2 * * *", "Europe/Vienna" })
	at, _ = sum.Expected(byCron)
	require.Equal(t, time.Date(2026, 3, 30, 0, 0, 0, 0, time.UTC), at, "there is no 02:00 on the 29th")

	executed := byInterval
	executed.Kind = "http"
	_, late = sum.Expected(executed)
	require.Zero(t, late)
}

func TestMissedHeartbeat(t *testing.T) {
	check := heartbeatCheck()
	expected := time.Date(2026, 3, 28, 2, 30, 0, 0, time.UTC)
	missed := check.Missed(expected, expected.Add(5*time.Minute))
	require.Equal(t, OutcomeFailure, missed.Outcome)
	require.Equal(t, "no heartbeat came: it was expected at 2026-03-28T02:30:00Z, and is late by the grace of 5m", missed.Error)
	require.Equal(t, missed, check.Missed(expected, expected.Add(5*time.Minute)))
	require.Equal(t, Execution{Check: check.Definition, Revision: 3, Location: "default", DueAt: expected}.ID(), missed.ID)

	// A missed one makes the check wait for the one after it, and counts once.
	sum := NewTallies()
	heartbeatCame(t, sum, check, 1, expected.Add(-time.Hour))
	m := EventMessage{Event: Executed(missed), Meta: Meta{Sequence: 2, StoredAt: expected.Add(5 * time.Minute)}}
	require.True(t, sum.Apply(check.Definition, m))
	m.Sequence++
	require.False(t, sum.Apply(check.Definition, m))
	at, _ := sum.Expected(check)
	require.Equal(t, expected.Add(time.Hour), at)

	check.Invert = true
	require.Equal(t, OutcomeSuccess, check.Missed(expected, expected).Outcome)
	require.Empty(t, check.Missed(expected, expected).Error)
}

// A grace longer than the interval must not make the check unknown before it is late.
func TestGraceOutlastsStaleness(t *testing.T) {
	check := heartbeatCheck(func(d *Definition) { d.Interval, d.Grace = Duration(time.Minute), Duration(time.Hour) })
	came := time.Date(2026, 3, 28, 1, 30, 0, 0, time.UTC)
	sum := NewTallies()
	heartbeatCame(t, sum, check, 1, came)
	_, late := sum.Expected(check)
	require.Equal(t, StatusUp, sum.Verdict(check.Definition, late).Status)
	timetable, err := NewTimetable(check.Definition)
	require.NoError(t, err)
	require.Equal(t, staleAt(check.Definition, came), timetable.StaleAt(came))
}

func TestValidateHeartbeat(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Definition)
		field  string
	}{
		"plain":           {func(*Definition) {}, ""},
		"a week":          {func(d *Definition) { d.Interval = MaxHeartbeatInterval }, ""},
		"slow":            {func(d *Definition) { d.DegradedAfter = Duration(3 * time.Hour) }, ""},
		"by cron":         {func(d *Definition) { d.Interval, d.Cron = 0, "0 2 * * *" }, ""},
		"more than that":  {func(d *Definition) { d.Interval = MaxHeartbeatInterval + 1 }, "interval"},
		"grace too long":  {func(d *Definition) { d.Grace = MaxGrace + 1 }, "grace"},
		"grace too short": {func(d *Definition) { d.Grace = 1 }, "grace"},
		"retries":         {func(d *Definition) { d.Retries = 1 }, "retries"},
		"locations":       {func(d *Definition) { d.Locations = []string{"a", "b"} }, "locations"},
		"other kinds":     {func(d *Definition) { d.Kind, d.Target = "http", "http://a/" }, "grace"},
	} {
		problems := heartbeatCheck(c.change).Validate()
		if c.field == "" {
			assert.Empty(t, problems, name)
			continue
		}
		require.Len(t, problems, 1, name)
		assert.Equal(t, c.field, problems[0].Field, name)
	}
	require.Equal(t, "backup", heartbeatCheck().Target, "the id stands for the target")
}
