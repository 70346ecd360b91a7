package api

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

func (w *world) down(id string, at time.Time) {
	w.happen(
		monitor.CheckStatusChanged{CheckID: id, Service: "web", From: monitor.StatusUnknown, To: monitor.StatusDown, At: at, Reason: "status 503", ResultID: "x"},
		monitor.IncidentOpened{IncidentID: id + "-1", CheckID: id, Service: "web", OpenedAt: at, Cause: "status 503"},
		monitor.ServiceStatusChanged{ServiceID: "web", From: monitor.StatusUnknown, To: monitor.StatusDown, At: at, CheckID: id},
	)
}

func (w *world) upAgain(id string, at time.Time) {
	w.happen(
		monitor.CheckStatusChanged{CheckID: id, Service: "web", From: monitor.StatusDown, To: monitor.StatusUp, At: at, ResultID: "y"},
		monitor.IncidentResolved{IncidentID: id + "-1", CheckID: id, Service: "web", OpenedAt: at, ResolvedAt: at, Resolution: "recovered"},
		monitor.ServiceStatusChanged{ServiceID: "web", From: monitor.StatusDown, To: monitor.StatusUp, At: at, CheckID: id},
	)
}

func asOf(at time.Time) string { return "at=" + url.QueryEscape(at.Format(time.RFC3339Nano)) }

func TestThePastIsShownAsItWas(t *testing.T) {
	w := newWorld(t)
	before := time.Now().UTC()
	w.service()
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	w.down("home", time.Now().UTC())
	then := time.Now().UTC()
	w.want(http.StatusOK, http.MethodPatch, "/api/v1/checks/home", map[string]any{"name": "Another name"})
	w.upAgain("home", time.Now().UTC())
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("later"))

	var check readmodel.CheckView
	r := w.want(http.StatusOK, http.MethodGet, "/api/v1/checks/home?"+asOf(then), nil, "If-None-Match", `"1"`)
	r.into(t, &check)
	require.Empty(t, r.header.Get("ETag"), "what is over cannot be changed")
	require.Equal(t, monitor.StatusDown, check.Status)
	require.Equal(t, "home", check.Name)
	require.EqualValues(t, 1, check.Revision)
	require.Equal(t, "home-1", check.Incident)
	require.True(t, then.Equal(check.At))
	w.want(http.StatusNotFound, http.MethodGet, "/api/v1/checks/later?"+asOf(then), nil)
	w.want(http.StatusNotFound, http.MethodGet, "/api/v1/checks/home?"+asOf(before), nil)

	var checks readmodel.Page[readmodel.CheckView]
	w.want(http.StatusOK, http.MethodGet, "/api/v1/checks?status=down&"+asOf(then), nil).into(t, &checks)
	require.Equal(t, 1, checks.Total)
	require.True(t, then.Equal(checks.At))
	w.want(http.StatusOK, http.MethodGet, "/api/v1/checks?"+asOf(before), nil).into(t, &checks)
	require.Empty(t, checks.Items)

	var service readmodel.ServiceView
	w.want(http.StatusOK, http.MethodGet, "/api/v1/services/web?"+asOf(then), nil).into(t, &service)
	require.Equal(t, monitor.StatusDown, service.Status)
	require.Equal(t, []string{"home"}, service.Checks)
	var services readmodel.Page[readmodel.ServiceView]
	w.want(http.StatusOK, http.MethodGet, "/api/v1/services?"+asOf(then), nil).into(t, &services)
	require.Equal(t, 1, services.Total)

	var overview readmodel.Overview
	w.want(http.StatusOK, http.MethodGet, "/api/v1/overview?"+asOf(then), nil).into(t, &overview)
	require.Equal(t, map[monitor.Status]int{monitor.StatusDown: 1}, overview.Checks)
	require.Equal(t, 1, overview.Incidents)
	w.want(http.StatusOK, http.MethodGet, "/api/v1/overview?at=-0s", nil).into(t, &overview)
	require.Zero(t, overview.Incidents, "a span back from now does as well")

	var incidents readmodel.Page[readmodel.IncidentView]
	w.want(http.StatusOK, http.MethodGet, "/api/v1/incidents?open=true&"+asOf(then), nil).into(t, &incidents)
	require.Equal(t, 1, incidents.Total)
	require.True(t, incidents.Items[0].Open(), "it was not over yet")
	w.want(http.StatusOK, http.MethodGet, "/api/v1/incidents?"+asOf(time.Now()), nil).into(t, &incidents)
	require.False(t, incidents.Items[0].Open())
}

func TestWhatCannotBeAskedOfThePastIsRefusedWithTheCure(t *testing.T) {
	w := newWorld(t)
	w.service()
	now := time.Now()
	for path, cure := range map[string]string{
		"/checks?" + asOf(now.Add(time.Hour)):                      "has not come yet",
		"/overview?" + asOf(now.Add(time.Hour)):                    "has not come yet",
		"/services?at=yesterday":                                   "write one such as",
		"/checks?sort=latency&" + asOf(now.Add(-time.Minute)):      "use one of id, name, status",
		"/overview/history?step=90s":                               "whole minutes",
		"/overview/history?from=-90d&step=1m":                      "use a step of",
		"/overview/history?from=-1h&to=-2h":                        "is not before to",
		"/overview/history?from=" + now.UTC().Format(time.Kitchen): "write one such as",
	} {
		p := w.want(http.StatusUnprocessableEntity, http.MethodGet, "/api/v1"+path, nil).problem(t)
		require.Contains(t, p.Detail, cure, path)
	}
}

func TestTheHistogramFeedsAScrubber(t *testing.T) {
	w := newWorld(t)
	w.service()
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	w.down("home", time.Now().UTC())
	require.Eventually(t, func() bool {
		var h readmodel.History
		w.want(http.StatusOK, http.MethodGet, "/api/v1/overview/history", nil).into(t, &h)
		last := h.Items[len(h.Items)-1]
		return last.Down == 1 && last.Worst == monitor.StatusDown && last.IncidentsOpen == 1 && last.Up == 0
	}, testWait, testTick)
	var h readmodel.History
	w.want(http.StatusOK, http.MethodGet, "/api/v1/overview/history?from=-90d", nil).into(t, &h)
	require.InDelta(t, 120, len(h.Items), 80)
	require.Zero(t, h.Items[0].Down)
	require.Equal(t, 1, h.Items[len(h.Items)-1].Down)
	require.Equal(t, 1, h.Items[len(h.Items)-1].IncidentsOpened)
}
