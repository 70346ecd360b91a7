package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/explain"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestEventsAreExplained(t *testing.T) {
	w := newWorld(t)
	w.service()
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	now := time.Now().UTC()
	w.find(monitor.Result{
		ID: "home.1.x.default", CheckID: "home", Service: "web", Revision: 1, Location: "default", DueAt: now, StartedAt: now,
		Outcome: monitor.OutcomeFailure, Attempts: 1, Error: "status == 200 · actual 503",
		Assertions: []monitor.AssertionResult{{Expression: "status == 200", Actual: "503"}},
	})
	w.happen(
		monitor.CheckStatusChanged{CheckID: "home", Service: "web", From: monitor.StatusUnknown, To: monitor.StatusDown, At: now, Reason: "status == 200 · actual 503", ResultID: "home.1.x.default", Position: monitor.Position{Sequence: 1}},
		monitor.IncidentOpened{IncidentID: "home-1", CheckID: "home", Service: "web", OpenedAt: now, Cause: "status == 200 · actual 503"},
	)
	var causes Causes
	w.want(http.StatusOK, http.MethodGet, "/api/v1/events/home-1/causes", nil).into(t, &causes)
	require.Equal(t, "vedette.incident.opened.v1", causes.Event.Type)
	require.Len(t, causes.Chain, 3)
	require.Equal(t, explain.RoleResult, causes.Chain[0].Role)
	require.Equal(t, "home.1.x.default", causes.Chain[0].Event.Data["result"].(map[string]any)["id"])
	require.Equal(t, []monitor.AssertionResult{{Expression: "status == 200", Actual: "503"}}, causes.Chain[0].FailedAssertions)
	for _, link := range causes.Chain {
		require.EqualValues(t, 1, link.Definition.Revision, link.Role)
		require.Equal(t, "http://127.0.0.1:1/", link.Definition.Definition["target"])
		require.NotEmpty(t, link.Summary)
		require.Equal(t, link.ID, link.Event.ID)
	}
	for _, of := range []string{causes.Chain[1].ID, causes.Chain[1].Event.Sequence, "check:home", "incident:home-1"} {
		var again Causes
		w.want(http.StatusOK, http.MethodGet, "/api/v1/events/"+of+"/causes", nil).into(t, &again)
		require.Equal(t, causes.Chain, again.Chain, of)
		var event Event
		w.want(http.StatusOK, http.MethodGet, "/api/v1/events/"+of, nil).into(t, &event)
		require.Equal(t, again.Event, event)
	}
	registered := Causes{}
	w.want(http.StatusOK, http.MethodGet, "/api/v1/events/1/causes", nil).into(t, &registered)
	require.Equal(t, explain.RoleCommand, registered.Chain[0].Role)
	require.Nil(t, registered.Chain[0].Event)
	require.NotNil(t, registered.Missing)
	p := w.want(http.StatusNotFound, http.MethodGet, "/api/v1/events/nothing/causes", nil).problem(t)
	require.Contains(t, p.Detail, `"nothing" is no id of an event, result, incident or check`)
}
