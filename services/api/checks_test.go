package api

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

func TestACheckIsRegisteredReadChangedAndDeleted(t *testing.T) {
	w := newWorld(t)
	w.service()
	r := w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	require.Equal(t, "/api/v1/checks/home", r.header.Get("Location"))
	require.Equal(t, `"1"`, r.header.Get("ETag"))
	var view readmodel.CheckView
	r.into(t, &view)
	require.Equal(t, monitor.StatusUnknown, view.Status)
	require.Equal(t, "30s", view.Interval.String())
	require.Equal(t, []string{"default"}, view.Locations)

	r = w.want(http.StatusOK, http.MethodGet, "/api/v1/checks/home", nil)
	require.Equal(t, `"1"`, r.header.Get("ETag"))
	require.Equal(t, "no-store", r.header.Get("Cache-Control"))
	require.Empty(t, w.want(http.StatusNotModified, http.MethodGet, "/api/v1/checks/home", nil, "If-None-Match", `"1"`).body)

	// What was read can be sent back as it came.
	w.want(http.StatusOK, http.MethodPut, "/api/v1/checks/home", string(r.body), "If-Match", `"1"`)
	r = w.want(http.StatusOK, http.MethodPatch, "/api/v1/checks/home", `{"interval":"10s","labels":{"team":"a"}}`, "Content-Type", "application/merge-patch+json")
	require.Equal(t, `"2"`, r.header.Get("ETag"))
	w.want(http.StatusPreconditionFailed, http.MethodPatch, "/api/v1/checks/home", `{"interval":"20s"}`, "If-Match", `"1"`).problem(t)
	r = w.want(http.StatusOK, http.MethodPatch, "/api/v1/checks/home", `{"labels":{"team":null}}`, "If-Match", "*")
	view = readmodel.CheckView{}
	r.into(t, &view)
	require.Empty(t, view.Labels)
	require.Equal(t, "10s", view.Interval.String())

	r = w.want(http.StatusOK, http.MethodPost, "/api/v1/checks/home/pause", nil)
	r.into(t, &view)
	require.True(t, view.Paused)
	require.Equal(t, monitor.StatusPaused, view.Status)
	r = w.want(http.StatusOK, http.MethodPost, "/api/v1/checks/home/resume", nil)
	view = readmodel.CheckView{}
	r.into(t, &view)
	require.False(t, view.Paused)

	require.Equal(t, "/docs#problem-in-use", w.want(http.StatusConflict, http.MethodDelete, "/api/v1/services/web", nil).problem(t).Type)
	require.Empty(t, w.want(http.StatusNoContent, http.MethodDelete, "/api/v1/checks/home", nil).body)
	w.want(http.StatusNotFound, http.MethodGet, "/api/v1/checks/home", nil).problem(t)
	w.want(http.StatusNotFound, http.MethodDelete, "/api/v1/checks/home", nil).problem(t)
	w.want(http.StatusNoContent, http.MethodDelete, "/api/v1/services/web", nil)
}
