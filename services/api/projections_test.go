package api

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/readmodel"
)

// projector is what the projector writes to the table of generations.
type projector struct {
	w        *world
	bucket   bus.Bucket
	revision uint64
}

func (w *world) projector() *projector {
	bucket, err := w.bus.Bucket(context.Background(), readmodel.GenerationsBucket)
	require.NoError(w.t, err)
	return &projector{w: w, bucket: bucket}
}

func (p *projector) lineage(name string, l readmodel.Lineage) {
	raw, err := json.Marshal(readmodel.Generations{Fence: 1, Of: map[string]readmodel.Lineage{name: l}})
	require.NoError(p.w.t, err)
	p.revision, err = p.bucket.Flush(context.Background(), nil, raw, p.revision)
	require.NoError(p.w.t, err)
}

func (p *projector) progress(name string, progress readmodel.BuildProgress) {
	raw, err := json.Marshal(progress)
	require.NoError(p.w.t, err)
	require.NoError(p.w.t, p.bucket.Put(context.Background(), readmodel.ProgressPrefix+name, raw))
}

func (p *projector) order(name string) (o readmodel.Order) {
	entry, err := p.bucket.Get(context.Background(), readmodel.OrderPrefix+name)
	require.NoError(p.w.t, err)
	require.NoError(p.w.t, json.Unmarshal(entry.Value, &o))
	return o
}

func TestARebuildIsOrderedByTheBus(t *testing.T) {
	w := newWorld(t)
	p := w.projector()
	answered := make(chan readmodel.ProjectionView, 1)
	go func() {
		var view readmodel.ProjectionView
		response := w.call(http.MethodPost, "/api/v1/projections/activity/rebuild", nil, "Idempotency-Key", "again")
		if response.status == http.StatusAccepted && response.header.Get("Location") == "/api/v1/projections/activity" {
			_ = json.Unmarshal(response.body, &view)
		}
		answered <- view
	}()
	require.Eventually(t, func() bool {
		_, err := p.bucket.Get(t.Context(), readmodel.OrderPrefix+"activity")
		return err == nil
	}, 10*time.Second, 5*time.Millisecond)
	order := p.order("activity")
	require.Equal(t, readmodel.Order{ID: "again", What: readmodel.OrderRebuild, Actor: actor, At: order.At}, order)
	p.lineage("activity", readmodel.Lineage{Serving: 1, Building: 2, Latest: 2, Order: order.ID})
	view := <-answered
	require.Equal(t, 2, view.Lineage.Building, "it answers when the order is taken up")
	require.Equal(t, "again", view.Order.ID)

	var list readmodel.Page[readmodel.ProjectionView]
	w.want(http.StatusOK, http.MethodGet, "/api/v1/projections", nil).into(t, &list)
	require.Len(t, list.Items, len(readmodel.Projections()))
}

func TestABuildIsToldAsAStream(t *testing.T) {
	w := newWorld(t)
	p := w.projector()
	p.lineage("history", readmodel.Lineage{Serving: 1, Building: 2, Latest: 2})
	p.progress("history", readmodel.BuildProgress{Generation: 2, Phase: readmodel.PhaseFolding, Percent: 50})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.base+"/api/v1/projections/history", nil)
	require.NoError(t, err)
	request.Header.Set("Accept", "text/event-stream")
	response, err := w.client.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	lines := bufio.NewScanner(response.Body)
	told := func(kind string, about func(readmodel.ProjectionView) bool) {
		t.Helper()
		for is := ""; lines.Scan(); {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			if field == "event" {
				is = value
			}
			if field != "data" {
				continue
			}
			var view readmodel.ProjectionView
			require.NoError(t, json.Unmarshal([]byte(value), &view))
			if is == kind && about(view) {
				return
			}
			require.Equal(t, "progress", is)
		}
		t.Fatalf("the stream ended: %v", lines.Err())
	}
	told("progress", func(v readmodel.ProjectionView) bool { return v.Progress != nil && v.Progress.Percent == 50 })
	p.progress("history", readmodel.BuildProgress{Generation: 2, Phase: readmodel.PhaseFolding, Percent: 90})
	told("progress", func(v readmodel.ProjectionView) bool { return v.Progress.Percent == 90 })
	p.lineage("history", readmodel.Lineage{Serving: 2, Previous: 1, Latest: 2})
	p.progress("history", readmodel.BuildProgress{Generation: 2, Phase: readmodel.PhaseDone, Percent: 100})
	told("done", func(v readmodel.ProjectionView) bool { return v.Lineage.Serving == 2 && v.Progress.Percent == 100 })
}

func TestOrdersThatCannotBe(t *testing.T) {
	w := newWorld(t)
	p := w.projector()
	for _, path := range []string{"GET /nothing", "POST /nothing/rebuild", "POST /nothing/rollback", "POST /nothing/prune"} {
		method, path, _ := strings.Cut(path, " ")
		require.Contains(t, w.want(http.StatusNotFound, method, "/api/v1/projections"+path, nil).problem(t).Detail, "activity, history", path)
	}
	w.want(http.StatusNotFound, http.MethodGet, "/api/v1/projections/nothing", nil, "Accept", "text/event-stream").problem(t)
	require.Contains(t, w.want(http.StatusConflict, http.MethodPost, "/api/v1/projections/checks/rollback", nil).problem(t).Detail, "no previous generation")
	p.lineage("checks", readmodel.Lineage{Serving: 2, Previous: 1, Building: 3, Latest: 3})
	require.Eventually(t, func() bool {
		return strings.Contains(string(w.call(http.MethodPost, "/api/v1/projections/checks/rollback", nil).body), "generation 3 of checks is being built")
	}, 10*time.Second, 5*time.Millisecond)
}
