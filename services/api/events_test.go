package api

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// pages reads every page of a list of events.
func (w *world) pages(query string) (subjects []string, read int) {
	w.t.Helper()
	for cursor := ""; ; read++ {
		var page EventPage
		w.want(http.StatusOK, http.MethodGet, "/api/v1/events?"+query+"&cursor="+cursor, nil).into(w.t, &page)
		require.NotNil(w.t, page.Items)
		for _, e := range page.Items {
			subjects = append(subjects, e.Subject)
		}
		if cursor = page.NextCursor; cursor == "" {
			return subjects, read + 1
		}
	}
}

func TestEventsAreListedBothWays(t *testing.T) {
	w := newWorld(t)
	var want []string
	for n := range 1200 {
		want = append(want, fmt.Sprintf("runner/runner-%d", n))
	}
	for n := 0; n < 1200; n += 100 {
		var events []monitor.Event
		for i := range 100 {
			events = append(events, joinedEvent(n+i))
		}
		w.happen(events...)
	}
	on, _ := w.pages("after=0&limit=250")
	require.Equal(t, want, on)
	on, _ = w.pages("after=1195")
	require.Equal(t, want[1195:], on)
	back, read := w.pages("limit=250")
	slices.Reverse(back)
	require.Equal(t, want, back)
	require.Equal(t, 5, read)
	back, _ = w.pages("aggregate=runner/runner-3")
	require.Equal(t, []string{"runner/runner-3"}, back)
	var page EventPage
	w.want(http.StatusOK, http.MethodGet, "/api/v1/events?limit=1", nil).into(t, &page)
	require.EqualValues(t, 1200, page.Total)
	require.Equal(t, "1200", page.Items[0].Sequence)
	var one Event
	w.want(http.StatusOK, http.MethodGet, "/api/v1/events/7", nil).into(t, &one)
	require.Equal(t, "runner/runner-6", one.Subject)
	w.want(http.StatusNotFound, http.MethodGet, "/api/v1/events/1201", nil).problem(t)
}

func TestResultsAreMergedInByTime(t *testing.T) {
	w := newWorld(t)
	empty, _ := w.pages("results=true")
	require.Empty(t, empty)
	var want []string
	for n := range 60 {
		w.happen(joinedEvent(n))
		want = append(want, fmt.Sprintf("runner/runner-%d", n))
		<-time.After(50 * time.Microsecond) // the clock of storing moves on
		for range n % 3 {
			want = append(want, "result/home")
		}
		if n%3 > 0 {
			w.find(slices.Repeat([]monitor.Result{found(n)}, n%3)...)
			<-time.After(50 * time.Microsecond)
		}
	}
	for _, limit := range []int{1, 7, 1000} {
		on, _ := w.pages(fmt.Sprintf("results=true&after=0&limit=%d", limit))
		require.Equal(t, want, on, limit)
		back, _ := w.pages(fmt.Sprintf("results=true&limit=%d", limit))
		slices.Reverse(back)
		require.Equal(t, want, back, limit)
	}
	only, _ := w.pages("results=true&after=0&check=home")
	require.Len(t, only, 60)
}

func TestTheBoardIsRead(t *testing.T) {
	w := newWorld(t)
	w.service()
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	now := time.Now().UTC()
	w.happen(
		monitor.CheckStatusChanged{CheckID: "home", Service: "web", From: monitor.StatusUnknown, To: monitor.StatusDown, At: now, Reason: "connection refused"},
		monitor.IncidentOpened{IncidentID: "home-1", CheckID: "home", Service: "web", OpenedAt: now, Cause: "connection refused"},
		joinedEvent(1),
	)
	w.find(monitor.Result{
		ID: "home.1.x.default", CheckID: "home", Service: "web", Revision: 1, Location: "default", DueAt: now, StartedAt: now, NextDueAt: now.Add(30 * time.Second),
		DurationMS: 12.5, Outcome: monitor.OutcomeFailure, Attempts: 1, Error: "connection refused", Trigger: monitor.TriggerSchedule,
	})
	var incidents readmodel.Page[readmodel.IncidentView]
	require.Eventually(t, func() bool {
		w.want(http.StatusOK, http.MethodGet, "/api/v1/incidents?open=true&service=web", nil).into(t, &incidents)
		return incidents.Total == 1
	}, testWait, testTick)
	require.Equal(t, "home-1", incidents.Items[0].ID)
	incidents = readmodel.Page[readmodel.IncidentView]{}
	require.Contains(t, string(w.want(http.StatusOK, http.MethodGet, "/api/v1/incidents?open=false", nil).body), `"items":[]`)
	var incident readmodel.IncidentView
	w.want(http.StatusOK, http.MethodGet, "/api/v1/incidents/home-1", nil).into(t, &incident)
	require.Equal(t, "connection refused", incident.Cause)
	w.want(http.StatusNotFound, http.MethodGet, "/api/v1/incidents/home-2", nil).problem(t)

	var runners readmodel.Page[readmodel.RunnerView]
	require.Eventually(t, func() bool {
		w.want(http.StatusOK, http.MethodGet, "/api/v1/runners", nil).into(t, &runners)
		return runners.Total == 1
	}, testWait, testTick)
	var view readmodel.CheckView
	require.Eventually(t, func() bool {
		w.want(http.StatusOK, http.MethodGet, "/api/v1/checks/home", nil).into(t, &view)
		return view.LastResult != nil && view.Status == monitor.StatusDown
	}, testWait, testTick)
	require.Equal(t, "D", view.Recent)
	var overview readmodel.Overview
	w.want(http.StatusOK, http.MethodGet, "/api/v1/overview", nil).into(t, &overview)
	require.Equal(t, 1, overview.Checks[monitor.StatusDown])
	require.Equal(t, 1, overview.Incidents)
	var results readmodel.Page[monitor.Result]
	require.Eventually(t, func() bool {
		w.want(http.StatusOK, http.MethodGet, "/api/v1/checks/home/results?outcome=failure", nil).into(t, &results)
		return len(results.Items) == 1
	}, testWait, testTick)
	require.Equal(t, "connection refused", results.Items[0].Error)
	var report UptimeReport
	w.want(http.StatusOK, http.MethodGet, "/api/v1/checks/home/uptime", nil).into(t, &report)
	require.Contains(t, report.Windows, "90d")
	var series LatencySeries
	w.want(http.StatusOK, http.MethodGet, "/api/v1/checks/home/latency?window=7d", nil).into(t, &series)
	require.Equal(t, time.Hour, series.Step.Std())
	for _, path := range []string{"results", "uptime", "latency"} {
		w.want(http.StatusNotFound, http.MethodGet, "/api/v1/checks/nowhere/"+path, nil).problem(t)
	}
	var kinds readmodel.Page[Kind]
	w.want(http.StatusOK, http.MethodGet, "/api/v1/kinds", nil).into(t, &kinds)
	require.Equal(t, "http", kinds.Items[0].Name)
	require.NotEmpty(t, kinds.Items[0].Variables)
	var projections readmodel.Page[readmodel.ProjectionState]
	w.want(http.StatusOK, http.MethodGet, "/api/v1/projections", nil).into(t, &projections)
	require.Len(t, projections.Items, len(readmodel.Projections()))
}

func TestCursorsAreReadAsTheyAreWritten(t *testing.T) {
	for _, p := range []position{{}, {Event: 7}, {Event: 7, Result: monitor.Position{Sequence: 3, Index: 12}}, {Event: 1, Result: atMessage(math.MaxInt64)}} {
		back, hasResult, err := parseCursor(p.cursor(true))
		require.NoError(t, err)
		require.True(t, hasResult)
		require.Equal(t, p, back)
	}
	for _, text := range []string{"", "-", "1-", "-1", "1.2", "1-2.", "1-2.x", "01", "+1", "1-02", "1-2.03", "1-2.3.4", "1-2-3", "99999999999999999999", "1-2.99999999999", " 1", "1\n"} {
		_, _, err := parseCursor(text)
		require.Error(t, err, "%q", text)
	}
}

func FuzzCursor(f *testing.F) {
	for _, text := range []string{"0", "1842", "1842-977", "1842-977.3", "b1", "1-2.", "99999999999999999999-1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, hasResult, err := parseCursor(text)
		if err == nil {
			require.Equal(t, text, p.cursor(hasResult))
		}
	})
}
