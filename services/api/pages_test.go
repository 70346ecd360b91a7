package api

import (
	"encoding/xml"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// withPage registers two services with a check each, of which one is public.
func (w *world) withPage(change ...func(map[string]any)) {
	w.t.Helper()
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/services", map[string]any{"id": "web", "name": "Web <site>"})
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/services", map[string]any{"id": "inner", "name": "Secret place"})
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	inner := newCheck("unseen")
	inner["service"] = "inner"
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", inner)
	page := map[string]any{"id": "public", "title": "Example", "services": []string{"web"}}
	for _, c := range change {
		c(page)
	}
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/pages", page)
}

func (w *world) breaks(check, service string, at time.Time) {
	w.happen(
		monitor.CheckStatusChanged{CheckID: check, Service: service, From: monitor.StatusUnknown, To: monitor.StatusDown, At: at, ResultID: "r"},
		monitor.IncidentOpened{IncidentID: check + "-1", CheckID: check, Service: service, OpenedAt: at, Cause: "connection refused: 10.0.0.7"},
		monitor.ServiceStatusChanged{ServiceID: service, From: monitor.StatusUnknown, To: monitor.StatusDown, At: at},
	)
}

func TestDefinitionsOfPages(t *testing.T) {
	w := newWorld(t)
	w.withPage()
	var view, back readmodel.StatusPageView
	first := w.want(http.StatusOK, http.MethodGet, "/api/v1/pages/public", nil)
	first.into(t, &view)
	require.Equal(t, []string{"web"}, view.Services)
	require.Equal(t, `"1"`, first.header.Get("ETag"))
	w.want(http.StatusNotModified, http.MethodGet, "/api/v1/pages/public", nil, "If-None-Match", `"1"`)

	w.want(http.StatusOK, http.MethodPatch, "/api/v1/pages/public", map[string]any{
		"announcements": []any{map[string]any{"title": "Maintenance", "at": "2026-03-14T22:00:00Z"}},
	}, "If-Match", `"1"`).into(t, &view)
	require.Len(t, view.Announcements, 1)
	require.EqualValues(t, 2, view.Revision)
	w.want(http.StatusPreconditionFailed, http.MethodPut, "/api/v1/pages/public", map[string]any{"services": []string{"web"}}, "If-Match", `"1"`)
	w.want(http.StatusOK, http.MethodPut, "/api/v1/pages/public", string(first.body)).into(t, &back)
	require.Empty(t, back.Announcements, "what was read may be sent back as it came")

	var made readmodel.StatusPageView
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/pages", map[string]any{"title": "For Partners", "services": []string{"web", "inner"}}).into(t, &made)
	require.Equal(t, "for-partners", made.ID)
	var list readmodel.Page[readmodel.StatusPageView]
	w.want(http.StatusOK, http.MethodGet, "/api/v1/pages", nil).into(t, &list)
	require.Equal(t, 2, list.Total)

	for body, field := range map[string]string{
		`{"title":"x"}`:                             "services",
		`{"services":["nothing"]}`:                  "services[0]",
		`{"services":["web"],"colour":"red"}`:       "colour",
		`{"services":"web"}`:                        "services",
		`{"services":["web"],"announcements":[{}]}`: "announcements[0].title",
	} {
		p := w.want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/pages", body).problem(t)
		require.Equal(t, field, p.Errors[0].Field, body)
	}
	w.want(http.StatusConflict, http.MethodPost, "/api/v1/pages", map[string]any{"id": "public", "services": []string{"web"}})
	w.want(http.StatusNoContent, http.MethodDelete, "/api/v1/pages/public", nil)
	w.want(http.StatusNotFound, http.MethodGet, "/api/v1/pages/public", nil)
	w.want(http.StatusNotFound, http.MethodGet, "/status/public", nil)
}

func TestPublicPage(t *testing.T) {
	w := newWorld(t)
	w.withPage(func(page map[string]any) {
		page["announcements"] = []any{
			map[string]any{"title": "Over", "at": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"},
			map[string]any{"title": "To come <b>", "text": "one\ntwo", "at": "2126-01-01T00:00:00Z"},
		}
	})
	w.breaks("home", "web", time.Now().Add(-time.Hour))
	w.breaks("unseen", "inner", time.Now().Add(-time.Hour))
	var answer reply
	require.Eventually(t, func() bool {
		answer = w.want(http.StatusOK, http.MethodGet, "/status/public", nil, "Host", "status.example.org")
		return strings.Contains(string(answer.body), "1 service is down")
	}, 3*testWait, testTick)
	text := string(answer.body)
	require.Contains(t, answer.header.Get("Content-Type"), "text/html")
	require.Contains(t, answer.header.Get("Cache-Control"), "public, max-age=15")
	require.NotContains(t, text, "<script")
	for _, shown := range []string{"Web &lt;site&gt;", "To come &lt;b&gt;", "<p>two</p>", "down for 1 h", "As of <time"} {
		require.Contains(t, text, shown)
	}
	for _, hidden := range []string{"Secret place", "inner", "unseen", "10.0.0.7", "Over<", "home"} {
		require.NotContains(t, text, hidden)
	}
	w.want(http.StatusNotModified, http.MethodGet, "/status/public", nil, "If-None-Match", answer.header.Get("ETag"))
	w.want(http.StatusNotFound, http.MethodGet, "/status/nothing", nil)
	w.want(http.StatusOK, http.MethodGet, "/status/style.css", nil)
	require.Contains(t, string(w.want(http.StatusOK, http.MethodGet, "/status", nil).body), "1 service is down", "it leads to the only one")

	for path, root := range map[string]string{"/status/public/feed.atom": "feed", "/status/public/feed.rss": "rss"} {
		feed := w.want(http.StatusOK, http.MethodGet, path, nil)
		var parsed struct {
			XMLName xml.Name
		}
		require.NoError(t, xml.Unmarshal(feed.body, &parsed), path)
		require.Equal(t, root, parsed.XMLName.Local)
		require.Contains(t, string(feed.body), "is down")
		require.NotContains(t, string(feed.body), "home-1")
	}

	w.want(http.StatusOK, http.MethodPatch, "/api/v1/pages/public", map[string]any{"show_causes": true})
	require.Eventually(t, func() bool {
		return strings.Contains(string(w.want(http.StatusOK, http.MethodGet, "/status/public", nil).body), "10.0.0.7")
	}, 3*testWait, testTick)
}

func TestBadges(t *testing.T) {
	w := newWorld(t)
	w.withPage()
	w.find(monitor.Result{ID: "r1", CheckID: "home", Service: "web", Location: "default", Runner: "r", DueAt: time.Now(), StartedAt: time.Now(),
		Outcome: monitor.OutcomeSuccess, DurationMS: 41.7, Trigger: monitor.TriggerSchedule})
	for path, shown := range map[string]string{
		"status.svg": ">unknown<", "web/status.svg": ">Web &lt;site&gt;<", "web/status.svg?label=A%26B": ">A&amp;B<",
		"web/uptime.svg": ">uptime 90d<", "web/uptime.svg?window=7d": ">uptime 7d<", "web/latency.svg": ">latency<", "icon.svg": "<circle",
	} {
		badge := w.want(http.StatusOK, http.MethodGet, "/status/public/badge/"+path, nil)
		require.Equal(t, "image/svg+xml", badge.header.Get("Content-Type"))
		require.Equal(t, "cross-origin", badge.header.Get("Cross-Origin-Resource-Policy"), "it may stand on any page")
		require.NoError(t, xml.Unmarshal(badge.body, new(any)), path)
		require.Contains(t, string(badge.body), shown, path)
	}
	for path, status := range map[string]int{
		"inner/status.svg": http.StatusNotFound, "web/colour.svg": http.StatusNotFound, "colour.svg": http.StatusNotFound,
		"web/uptime.svg?window=1y": http.StatusUnprocessableEntity, "web/status.svg?label=" + strings.Repeat("a", 61): http.StatusUnprocessableEntity,
	} {
		w.want(status, http.MethodGet, "/status/public/badge/"+path, nil)
	}
}

// With an admin token the API is closed to strangers, and the page is not.
func TestPublicPageNeedsNoToken(t *testing.T) {
	const admin = "0123456789abcdef"
	w := newWorld(t, func(o *Options) { o.AdminToken = admin })
	with := []string{"Authorization", "Bearer " + admin}
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/services", map[string]any{"id": "web"}, with...)
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/pages", map[string]any{"id": "public", "services": []string{"web"}}, with...)
	w.want(http.StatusOK, http.MethodGet, "/status/public", nil)
	w.want(http.StatusUnauthorized, http.MethodGet, "/api/v1/pages", nil)
	require.GreaterOrEqual(t, w.call(http.MethodPost, "/status/public", "{}").status, http.StatusBadRequest)
}
