package readmodel

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

func TestACheckIsReadWithAllThatIsKnownOfIt(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(service("web"), registered("home"))
		started := time.Now()
		for i := range 40 * 24 * 4 { // forty days, every quarter of an hour
			outcome := success
			if i%4 == 0 {
				outcome = failure
			}
			result := executed("home", i, outcome, 10)
			result.NextDueAt = result.DueAt.Add(15 * time.Minute)
			p.result(result)
			time.Sleep(15 * time.Minute)
		}
		p.event(turned("home", monitor.StatusUnknown, monitor.StatusUp))
		r := p.read()
		view, err := r.Check(t.Context(), "home")
		require.NoError(t, err)
		require.Equal(t, monitor.StatusUp, view.Status)
		require.EqualValues(t, 1, view.Revision)
		require.Len(t, view.Recent, RecentLength)
		require.Equal(t, "home.3839", view.LastResult.ID)
		require.Len(t, view.Uptime, 4)
		for window, days := range map[string]float64{"24h": 1, "7d": 7, "30d": 30, "90d": 40} {
			u := view.Uptime[window]
			require.InDelta(t, 0.75, *u.Ratio, 0.01, window)
			require.InDelta(t, 1.0, u.Coverage, 0.01, window)
			require.InDelta(t, days*96, u.Up+u.Down, 97, window)
		}
		for window, points := range map[string]int{"24h": 25, "7d": 169, "30d": 31, "90d": 41} {
			series, err := r.Latency(t.Context(), "home", window, time.Now())
			require.NoError(t, err)
			require.InDelta(t, points, len(series), 1, window)
			require.True(t, slices.IsSortedFunc(series, func(x, y LatencyPoint) int { return x.At.Compare(y.At) }))
			require.False(t, series[0].At.Before(started.Add(-24*time.Hour)))
			require.InEpsilon(t, 10, series[1].P95, sketchAccuracy)
			total := 0
			for _, point := range series {
				total += point.Count
			}
			require.InDelta(t, view.Uptime[window].Up, total, 4, window)
		}
		_, err = r.Latency(t.Context(), "home", "1y", time.Now())
		require.ErrorIs(t, err, ErrQuery)
		text, err := json.Marshal(view)
		require.NoError(t, err)
		var fields map[string]any
		require.NoError(t, json.Unmarshal(text, &fields))
		for _, name := range []string{"id", "name", "service", "kind", "status", "status_since", "revision", "last_result", "uptime", "created_at", "updated_at", "recent"} {
			require.Contains(t, fields, name)
		}
		for _, call := range []func() error{
			func() error { _, err := r.Check(t.Context(), "none"); return err },
			func() error { _, err := r.Service(t.Context(), "none"); return err },
			func() error { _, err := r.Incident(t.Context(), "none"); return err },
			func() error { _, err := r.Uptime(t.Context(), "none", time.Now()); return err },
			func() error { _, err := r.Latency(t.Context(), "none", "24h", time.Now()); return err },
			func() error { _, err := r.Results(t.Context(), "none", ResultQuery{}); return err },
		} {
			require.ErrorIs(t, call(), monitor.ErrNotFound)
		}
	})
}

func TestSilenceMakesACheckUnknownAtReadTime(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(service("web"), service("api"), registered("home"), registered("shop"),
			registered("nightly", func(d *monitor.Definition) { d.Interval, d.Cron, d.Service = 0, "0 3 * * *", "api" }))
		p.result(executed("home", 1, success, 5), executed("nightly", 1, success, 5), executed("shop", 1, failure, 5))
		p.event(turned("home", monitor.StatusUnknown, monitor.StatusUp), turned("nightly", monitor.StatusUnknown, monitor.StatusUp), turned("shop", monitor.StatusUnknown, monitor.StatusDown),
			monitor.ServiceStatusChanged{ServiceID: "web", From: monitor.StatusUnknown, To: monitor.StatusDown, At: time.Now().UTC()},
			monitor.ServiceStatusChanged{ServiceID: "api", From: monitor.StatusUnknown, To: monitor.StatusUp, At: time.Now().UTC()})
		r := p.read()
		status := func(id string) monitor.Status {
			view, err := r.Check(t.Context(), id)
			require.NoError(t, err)
			return view.Status
		}
		stale := time.Now().Add(2*every + 10*time.Second)
		time.Sleep(2*every + 10*time.Second)
		require.Equal(t, monitor.StatusUp, status("home"))
		time.Sleep(time.Millisecond)
		view, err := r.Check(t.Context(), "home")
		require.NoError(t, err)
		require.Equal(t, monitor.StatusUnknown, view.Status)
		require.True(t, stale.Equal(view.StatusSince))
		require.Contains(t, view.Reason, "no result since")
		require.Equal(t, monitor.StatusUp, status("nightly"))
		web, err := r.Service(t.Context(), "web")
		require.NoError(t, err)
		require.Equal(t, monitor.StatusUnknown, web.Status)
		require.Equal(t, []string{"home", "shop"}, web.Checks)
		o, err := r.Overview(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[monitor.Status]int{monitor.StatusUnknown: 2, monitor.StatusUp: 1}, o.Checks)
		require.Equal(t, map[monitor.Status]int{monitor.StatusUnknown: 1, monitor.StatusUp: 1}, o.Services)

		// A conclusive result ends it, one that could not run does not.
		p.result(executed("home", 2, broken, 0))
		synctest.Wait()
		require.Equal(t, monitor.StatusUnknown, status("home"))
		time.Sleep(time.Second)
		p.result(executed("home", 3, success, 5))
		synctest.Wait()
		require.Equal(t, monitor.StatusUp, status("home"))

		// While its results are folded anew, nothing is known of silence.
		time.Sleep(time.Hour)
		require.Equal(t, monitor.StatusUnknown, status("home"))
		state := p.states[activityBucket]
		state.Rebuilding = true
		p.write(activityBucket, nil, state)
		synctest.Wait()
		require.Equal(t, monitor.StatusUp, status("home"))
		state.Rebuilding = false
		p.write(activityBucket, nil, state)
		time.Sleep(48 * time.Hour)
		require.Equal(t, monitor.StatusUnknown, status("nightly"))
	})
}
