package api

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/monitor"
)

func TestChangesTellWhoChangedWhat(t *testing.T) {
	w := newWorld(t)
	w.service()
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	w.want(http.StatusOK, http.MethodPatch, "/api/v1/checks/home", map[string]any{"failure_threshold": 3, "labels": map[string]any{"team": "web"}},
		"Content-Type", "application/merge-patch+json", "Idempotency-Key", "threshold-3")
	w.want(http.StatusOK, http.MethodPost, "/api/v1/checks/home/pause", nil)
	w.want(http.StatusNoContent, http.MethodDelete, "/api/v1/checks/home", nil)

	var page AuditPage
	w.want(http.StatusOK, http.MethodGet, "/api/v1/checks/home/changes", nil).into(t, &page)
	require.Equal(t, 4, page.Total)
	require.Empty(t, page.NextCursor)
	var types []string
	for _, e := range page.Items {
		types = append(types, e.Type)
		require.NotEmpty(t, e.CommandID)
		require.NotEmpty(t, e.EventID)
	}
	require.Equal(t, []string{
		monitor.CheckDeleted{}.Type(), monitor.CheckPaused{}.Type(), monitor.CheckUpdated{}.Type(), monitor.CheckRegistered{}.Type(),
	}, types)
	require.Equal(t, []FieldChange{{Field: "paused", From: false, To: true}}, page.Items[1].Changes)
	require.Equal(t, []FieldChange{{Field: "failure_threshold", From: 1.0, To: 3.0}, {Field: "labels.team", To: "web"}}, page.Items[2].Changes)
	require.EqualValues(t, 2, page.Items[2].Revision)
	require.Contains(t, page.Items[3].Changes, FieldChange{Field: "id", To: "home"})
	require.Contains(t, page.Items[0].Changes, FieldChange{Field: "id", From: "home"})

	w.want(http.StatusOK, http.MethodGet, "/api/v1/services/web/changes", nil).into(t, &page)
	require.Equal(t, 1, page.Total)
}

func TestChangesArePaged(t *testing.T) {
	w := newWorld(t)
	w.service()
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	for range 3 {
		w.want(http.StatusOK, http.MethodPost, "/api/v1/checks/home/pause", nil)
		w.want(http.StatusOK, http.MethodPost, "/api/v1/checks/home/resume", nil)
	}
	var revisions []uint64
	for cursor := ""; ; {
		var page AuditPage
		w.want(http.StatusOK, http.MethodGet, "/api/v1/checks/home/changes?limit=3&cursor="+cursor, nil).into(t, &page)
		for _, e := range page.Items {
			revisions = append(revisions, e.Revision)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	require.Equal(t, []uint64{7, 6, 5, 4, 3, 2, 1}, revisions)
}

func TestChangesOfWhatNeverWas(t *testing.T) {
	w := newWorld(t)
	require.Contains(t, w.want(http.StatusNotFound, http.MethodGet, "/api/v1/checks/none/changes", nil).problem(t).Detail, "/api/v1/checks")
	w.service()
	p := w.want(http.StatusUnprocessableEntity, http.MethodGet, "/api/v1/services/web/changes?cursor=x", nil).problem(t)
	require.Equal(t, "cursor", p.Errors[0].Field)
}

// The changes of a history, applied one after the other, give the definition that it ends with.
func TestChangesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var fold changeFold
		var last monitor.Definition
		for n := range rapid.IntRange(1, 12).Draw(t, "events") {
			var event monitor.Event
			switch rapid.IntRange(0, 3).Draw(t, "event") {
			case 0:
				last.Paused, event = true, monitor.CheckPaused{CheckID: last.ID}
			case 1:
				last.Paused, event = false, monitor.CheckResumed{CheckID: last.ID}
			default:
				last = monitor.Definition{
					ID: "home", Retries: rapid.IntRange(0, 3).Draw(t, "retries"), Locations: rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b"}), 1, 2).Draw(t, "locations"),
					Labels:  rapid.MapOfN(rapid.SampledFrom([]string{"team", "tier", "a.b"}), rapid.SampledFrom([]string{"", "x", "y"}), 0, 3).Draw(t, "labels"),
					Options: fmt.Appendf(nil, `{"expect":{"n":%d}}`, rapid.IntRange(0, 2).Draw(t, "n")), Paused: rapid.Bool().Draw(t, "paused"),
				}
				event = monitor.CheckUpdated{Definition: last}
			}
			if n == 0 {
				last.ID = "home"
				event = monitor.CheckRegistered{Definition: last}
			}
			require.NoError(t, fold.apply(monitor.EventMessage{Event: event}))
			require.NoError(t, fold.apply(monitor.EventMessage{Event: monitor.CheckStatusChanged{CheckID: "home"}}))
			require.Len(t, fold.entries, n+1)
		}
		fields := map[string]any{}
		for _, entry := range fold.entries {
			for _, c := range entry.Changes {
				require.Equal(t, c.From, fields[c.Field], c.Field)
				if fields[c.Field] = c.To; c.To == nil {
					delete(fields, c.Field)
				}
			}
		}
		want, err := fieldsOf(last)
		require.NoError(t, err)
		require.Equal(t, want, fields)
	})
}
