package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

func TestACorrectionChangesUptimeUntilItIsWithdrawn(t *testing.T) {
	w := newWorld(t)
	w.service()
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	begin := time.Now().UTC().Truncate(time.Minute).Add(-10 * time.Minute)
	var results []monitor.Result
	for i := range 10 {
		due, outcome := begin.Add(time.Duration(i)*time.Minute), monitor.OutcomeSuccess
		if i == 3 || i == 4 {
			outcome = monitor.OutcomeFailure
		}
		results = append(results, monitor.Result{
			ID: due.Format(time.RFC3339), CheckID: "home", Service: "web", Revision: 1, Location: "default", DueAt: due, StartedAt: due,
			Outcome: outcome, Attempts: 1, Trigger: monitor.TriggerSchedule,
		})
	}
	w.find(results...)
	w.happen(monitor.IncidentOpened{IncidentID: "home-1", CheckID: "home", Service: "web", OpenedAt: begin.Add(3 * time.Minute), Cause: "503"},
		monitor.IncidentResolved{IncidentID: "home-1", CheckID: "home", Service: "web", OpenedAt: begin.Add(3 * time.Minute), ResolvedAt: begin.Add(5 * time.Minute), Resolution: "recovered"})
	uptime := func() readmodel.Uptime {
		var view readmodel.CheckView
		w.want(http.StatusOK, http.MethodGet, "/api/v1/checks/home", nil).into(t, &view)
		var page readmodel.Page[readmodel.CheckView]
		w.want(http.StatusOK, http.MethodGet, "/api/v1/checks", nil).into(t, &page)
		require.Equal(t, view.Uptime["24h"], page.Items[0].Uptime["24h"])
		require.Equal(t, view.Uptime["24h"].Corrected, view.Uptime["90d"].Corrected)
		return view.Uptime["24h"]
	}
	correctedBy := func() []string {
		var i readmodel.IncidentView
		w.want(http.StatusOK, http.MethodGet, "/api/v1/incidents/home-1", nil).into(t, &i)
		require.Equal(t, "503", i.Cause, "what was decided stays")
		return i.CorrectedBy
	}
	require.Eventually(t, func() bool {
		var view readmodel.CheckView
		w.want(http.StatusOK, http.MethodGet, "/api/v1/checks/home", nil).into(t, &view)
		return view.Uptime["24h"].Expected == len(results)
	}, 5*time.Second, 10*time.Millisecond)
	before := uptime()
	require.InDelta(t, 0.8, *before.Ratio, 1e-9)

	body := map[string]any{"check": "home", "from": begin.Add(3*time.Minute + 20*time.Second), "to": begin.Add(4 * time.Minute), "kind": "false_positive", "reason": "the probe was wrong"}
	added := w.want(http.StatusCreated, http.MethodPost, "/api/v1/corrections", body, "Idempotency-Key", "k1")
	var c readmodel.CorrectionView
	added.into(t, &c)
	require.Equal(t, "home-"+begin.Add(3*time.Minute).Format(time.DateOnly), c.ID)
	require.Equal(t, "/api/v1/corrections/"+c.ID, added.header.Get("Location"))
	require.True(t, begin.Add(3*time.Minute).Equal(c.From), "it is widened to whole minutes")
	var again readmodel.CorrectionView
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/corrections", body, "Idempotency-Key", "k1").into(t, &again)
	require.Equal(t, c, again, "the same write is answered alike")
	one := uptime()
	require.InDelta(t, 0.9, *one.Ratio, 1e-9)
	require.Equal(t, []string{c.ID}, one.Corrected.By)
	require.InDelta(t, 0.8, *one.Corrected.Ratio, 1e-9)
	require.Equal(t, []string{c.ID}, correctedBy())

	var whole readmodel.CorrectionView
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/corrections", map[string]any{
		"id": "move", "service": "web", "from": begin.Add(2 * time.Minute), "to": begin.Add(5 * time.Minute), "kind": "maintenance", "reason": "the database was moved",
	}).into(t, &whole)
	both := uptime()
	require.InDelta(t, 1.0, *both.Ratio, 1e-9, "the one added last counts")
	require.Equal(t, 7, both.Up)
	require.Equal(t, 3, both.Corrected.Maintenance)
	require.Equal(t, before.Expected, both.Expected, "coverage is not corrected")

	var list readmodel.Page[readmodel.CorrectionView]
	w.want(http.StatusOK, http.MethodGet, "/api/v1/corrections?check=home", nil).into(t, &list)
	require.Equal(t, 2, list.Total)
	w.want(http.StatusOK, http.MethodGet, "/api/v1/corrections?service=shop", nil).into(t, &list)
	require.Zero(t, list.Total)

	w.want(http.StatusUnprocessableEntity, http.MethodDelete, "/api/v1/corrections/move", nil)
	w.want(http.StatusPreconditionFailed, http.MethodDelete, "/api/v1/corrections/move?reason=no", nil, "If-Match", `"7"`)
	var back readmodel.CorrectionView
	w.want(http.StatusOK, http.MethodDelete, "/api/v1/corrections/move?reason=it+was+not", nil, "If-Match", `"1"`).into(t, &back)
	require.Equal(t, "it was not", back.WithdrawnReason)
	require.Equal(t, one, uptime())
	w.want(http.StatusOK, http.MethodDelete, "/api/v1/corrections/"+c.ID+"?reason=neither", nil)
	require.Equal(t, before, uptime(), "as if there had never been any")
	require.Empty(t, correctedBy())
	w.want(http.StatusOK, http.MethodGet, "/api/v1/corrections?standing=false", nil).into(t, &list)
	require.Equal(t, 2, list.Total, "what is withdrawn stays visible")
	w.want(http.StatusNotModified, http.MethodGet, "/api/v1/corrections/move", nil, "If-None-Match", `"2"`)
}

func TestWhatIsNoCorrectionIsRefusedByField(t *testing.T) {
	w := newWorld(t)
	w.service()
	for _, c := range []struct {
		body   string
		fields []string
	}{
		{`{}`, []string{"check", "from", "to", "kind", "reason"}},
		{`{"check":"home","from":"yesterday","to":7,"kind":"x","reason":"y"}`, []string{"from", "to", "kind"}},
		{`{"service":"web","from":"2026-03-14T10:00:00Z","to":"2026-03-14T09:00:00Z","kind":"maintenance","reason":"y","until":1}`, []string{"until", "to"}},
		{`{"check":"none","from":"2020-03-14T10:00:00Z","to":"2020-03-14T11:00:00Z","kind":"maintenance","reason":"y"}`, []string{"from", "check"}},
	} {
		var p Problem
		w.want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/corrections", c.body).into(t, &p)
		fields := make([]string, len(p.Errors))
		for i, one := range p.Errors {
			fields[i] = one.Field
		}
		require.ElementsMatch(t, c.fields, fields, c.body)
	}
	w.want(http.StatusNotFound, http.MethodGet, "/api/v1/corrections/none", nil)
	w.want(http.StatusNotFound, http.MethodDelete, "/api/v1/corrections/none?reason=x", nil)
	require.NotEmpty(t, w.want(http.StatusOK, http.MethodGet, "/api/v1/events?aggregate=correction", nil).body)
}
