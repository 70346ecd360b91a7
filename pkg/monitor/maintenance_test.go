package monitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUnderMaintenanceNoIncidentOpensUntilItEnds(t *testing.T) {
	s := withHome(t)
	at := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	s.result(at, OutcomeSuccess, DefaultLocation)
	down := Verdict{Status: StatusDown, At: at.Add(time.Minute), Reason: "status 503", Position: Position{Sequence: 2}, ResultID: "x"}
	events := s.board.JudgeInMaintenance("home", down)
	require.Equal(t, []string{"vedette.check.status_changed.v1", "vedette.service.status_changed.v1"}, kinds(events))
	require.Empty(t, s.board.EndMaintenance("home", down), "it is not down")
	s.record("", down.At, events)
	require.Equal(t, StatusDown, s.status())

	down.At = at.Add(time.Hour)
	events = s.board.EndMaintenance("home", down)
	require.Equal(t, []Event{IncidentOpened{IncidentID: "home-1", CheckID: "home", Service: "web", OpenedAt: down.At, Cause: "status 503", ResultID: "x"}}, events)
	s.record("", down.At, events)
	require.Empty(t, s.board.EndMaintenance("home", down), "it has one")
	require.Empty(t, s.board.EndMaintenance("none", down))
}

func TestADefinitionMaySayWhenDataIsTooOld(t *testing.T) {
	at := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	for name, d := range map[string]Definition{
		"by interval": {ID: "a", Service: "web", Kind: "http", Target: "t", StaleAfter: Duration(5 * time.Minute)},
		"by cron":     {ID: "a", Service: "web", Kind: "http", Target: "t", Cron: "0 2 * * *", StaleAfter: Duration(5 * time.Minute)},
		"heartbeat":   {ID: "a", Service: "web", Kind: KindHeartbeat, StaleAfter: Duration(5 * time.Minute)},
	} {
		d = d.WithDefaults()
		require.Empty(t, d.Validate(), name)
		timetable, err := NewTimetable(d)
		require.NoError(t, err)
		require.Equal(t, at.Add(5*time.Minute), timetable.StaleAt(at), name)
		require.Equal(t, at.Add(5*time.Minute), staleAt(d, at), name)
	}
	d := Definition{ID: "a", Service: "web", Kind: "http", Target: "t"}.WithDefaults()
	for _, span := range []time.Duration{40 * time.Second, -time.Second, 31 * 24 * time.Hour} {
		d.StaleAfter = Duration(span)
		problems := d.Validate()
		require.Len(t, problems, 1, span)
		require.Equal(t, "stale_after", problems[0].Field)
	}
	d.StaleAfter = Duration(40*time.Second + time.Millisecond)
	require.Empty(t, d.Validate())
}
