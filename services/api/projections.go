package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/readmodel"
)

type projectionRead struct {
	Name string `path:"name" maxLength:"32" doc:"Name of the read model." example:"activity"`
}

type projectionOrder struct {
	Writing
	Name string `path:"name" maxLength:"32" doc:"Name of the read model." example:"activity"`
}

func (s *server) projectionRoutes(d *document) {
	register(d, operation{
		id: "list-projections", method: http.MethodGet, path: "/projections", tag: tagSystem, summary: "List the read models",
		description: "With how far each has come in the two logs, and which generations there are of it.",
		answer:      readmodel.Page[readmodel.ProjectionView]{Total: 1, Items: []readmodel.ProjectionView{exampleProjection()}},
	}, func(context.Context, *struct{}) (*answer, error) {
		views := s.reads.Projections()
		return listed(readmodel.Page[readmodel.ProjectionView]{Items: views, Total: len(views)}, nil)
	})
	register(d, operation{
		id: "get-projection", method: http.MethodGet, path: "/projections/{name}", tag: tagSystem, summary: "Get a read model",
		description: "With the progress of its build and the comparison made at the last switch. With `Accept: text/event-stream` the answer is a " +
			"stream: `progress` whenever there is news, then `done` when nothing is being built any more.",
		answer: exampleProjection(), errors: []int{http.StatusNotFound},
	}, func(_ context.Context, in *projectionRead) (*answer, error) {
		view, err := s.projection(in.Name)
		return &answer{Status: http.StatusOK, Body: view}, err
	})
	op := d.api.OpenAPI().Paths[base+"/projections/{name}"].Get
	op.Responses["200"].Content["text/event-stream"] = &huma.MediaType{
		Schema: &huma.Schema{Type: huma.TypeString}, Example: "event: progress\ndata: {\"name\":\"activity\",\"generations\":{\"serving\":1,\"building\":2},…}\n\n",
	}
	s.projectionOrders(d)
}

func (s *server) projectionOrders(d *document) {
	for _, o := range []struct{ what, summary, description string }{
		{readmodel.OrderRebuild, "Rebuild a read model", "Builds its next generation from the log beside the one that serves, compares both at the same position, and " +
			"switches at once. The one before is kept until the next rebuild, to go back to. While one is being built already, that one is the answer."},
		{readmodel.OrderRollback, "Go back to the previous generation of a read model", "Brings the previous generation up to date, then switches back to it."},
		{readmodel.OrderPrune, "Remove the previous generation of a read model", "After that, there is nothing to go back to until the next rebuild."},
	} {
		errors := []int{http.StatusNotFound, http.StatusConflict}
		register(d, operation{
			id: o.what + "-projection", method: http.MethodPost, path: "/projections/{name}/" + o.what, tag: tagSystem, summary: o.summary,
			description: o.description + " The answer comes at once: see `GET /projections/{name}` for what becomes of it.",
			status:      http.StatusAccepted, answer: exampleProjection(), errors: errors,
		}, func(ctx context.Context, in *projectionOrder) (*written, error) {
			return s.orderProjection(ctx, in, o.what)
		})
	}
}

// projection returns a read model, or a problem that names those that there are.
func (s *server) projection(name string) (readmodel.ProjectionView, error) {
	var names []string
	for _, p := range readmodel.Projections() {
		names = append(names, p.Name())
	}
	if !slices.Contains(names, name) {
		return readmodel.ProjectionView{}, problem(http.StatusNotFound, "not-found", "there is no read model %q: there are %s", name, strings.Join(names, ", "))
	}
	view, _ := s.reads.Projection(name)
	return view, nil
}

// orderProjection leaves an order for the projector, which watches for them.
func (s *server) orderProjection(ctx context.Context, in *projectionOrder, what string) (*written, error) {
	id, err := commandID(in.Key)
	if err != nil {
		return nil, err
	}
	view, err := s.projection(in.Name)
	if err != nil {
		return nil, err
	}
	if err := possible(view, what); err != nil {
		return nil, err
	}
	if id == "" {
		id = cloudevents.NewID()
	}
	raw, err := json.Marshal(readmodel.Order{ID: id, What: what, Actor: actor, At: s.now().UTC()})
	if err != nil {
		return nil, fmt.Errorf("encode the order: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	bucket, err := s.bus.Bucket(ctx, readmodel.GenerationsBucket)
	if err != nil {
		return nil, err
	}
	if err := bucket.Put(ctx, readmodel.OrderPrefix+in.Name, raw); err != nil {
		return nil, err
	}
	return &written{Status: http.StatusAccepted, Location: base + "/projections/" + in.Name, Body: s.takenUp(ctx, in.Name, id)}, nil
}

// possible says why an order cannot be carried out now.
func possible(view readmodel.ProjectionView, what string) error {
	switch l := view.Lineage; {
	case what == readmodel.OrderRollback && l.Building != 0:
		return problem(http.StatusConflict, "conflict", "generation %d of %s is being built: wait until it serves", l.Building, view.Name)
	case what == readmodel.OrderRollback && l.Previous == 0:
		return problem(http.StatusConflict, "conflict", "there is no previous generation of %s to go back to", view.Name)
	case what == readmodel.OrderPrune && l.Building != 0 && l.Rollback:
		return problem(http.StatusConflict, "conflict", "%s is being rolled back to its previous generation: wait until it serves", view.Name)
	}
	return nil
}

// takenUp waits for a while until the projector has taken an order up, and returns what there is.
func (s *server) takenUp(ctx context.Context, name, order string) readmodel.ProjectionView {
	timeout := time.NewTimer(showWait)
	defer timeout.Stop()
	for {
		view, news := s.reads.Projection(name)
		if view.Lineage.Order == order {
			return view
		}
		select {
		case <-news:
		case <-timeout.C:
			return view
		case <-ctx.Done():
			return view
		}
	}
}

func exampleProjection() readmodel.ProjectionView {
	at := exampleTime
	return readmodel.ProjectionView{
		ProjectionState: readmodel.ProjectionState{Name: "activity", Version: 1, Results: 52_140, FlushedAt: at(0)},
		Lineage:         readmodel.Lineage{Serving: 1, Building: 2, Latest: 2, Reason: "it was ordered", Order: "0197c0de-7a2b-7c11-9d51-3f1f2e6f8a10"},
		Order:           &readmodel.Order{ID: "0197c0de-7a2b-7c11-9d51-3f1f2e6f8a10", What: readmodel.OrderRebuild, Actor: actor, At: at(-12 * time.Second)},
		Progress: &readmodel.BuildProgress{
			Generation: 2, Reason: "it was ordered", Phase: readmodel.PhaseFolding, StartedAt: at(-12 * time.Second), UpdatedAt: at(0),
			From: 1, To: 52_140, Position: 39_105, Messages: 391_050, PerSecond: 32_587.5, Percent: 75, LeftMS: 4000,
		},
	}
}

func projectionSchemas() map[string]string {
	return map[string]string{
		"ProjectionView": "A read model: how far it has come, and which generations there are of it.", "ProjectionViewPage": "The read models.",
		"Lineage": "The generations of a read model, numbered from 1; 0 or absent is none.", "Order": "What the projector was told to do.",
		"BuildProgress": "How far the build of a generation is.", "BuildComparison": "What two generations hold, key by key.",
		"BuildSample": "A key whose value is not the same in both.",
	}
}

func projectionFields() map[string]string {
	return map[string]string{
		"ProjectionView.name": "Of the read model.", "ProjectionView.version": "Moves with the meaning of what is kept; then the next generation is built by itself.",
		"ProjectionView.generations": "Which generations there are.", "Lineage.order": "Id of the order last taken up.",
		"ProjectionView.order":    "The order last given, whether it was taken up yet or not.",
		"ProjectionView.progress": "Of the build under way, or of the last one.", "ProjectionView.comparison": "Made at the last switch.",
		"Lineage.serving": "The generation that is read.", "Lineage.previous": "The one before, kept to go back to.", "Lineage.building": "The one being built.",
		"Lineage.latest": "The highest number given.", "Lineage.frozen": "Whether nobody keeps the serving one up to date: it serves as it stands until the next one does.",
		"Lineage.spoiled": "Whether the serving one cannot be gone back to.", "BuildProgress.rollback": "Whether the previous one is being brought up to date.", "Lineage.rollback": "Whether the previous one is being brought up to date.",
		"Lineage.reason": "Why the build was begun.", "BuildProgress.reason": "Why the build was begun.", "Lineage.failed": "Why the order last taken up came to nothing.",
		"Lineage.switched_at": "When the serving generation began to serve.", "Order.actor": "Who gave it.", "Order.id": "Of the order: the Idempotency-Key.", "Order.what": "`rebuild`, `rollback` or `prune`.",
		"Order.at": "When it was given.", "BuildProgress.generation": "The generation being built.",
		"BuildProgress.phase":      "`waiting` for the build of another read model; `inheriting`: taking over what the log no longer holds; `folding` the log; `comparing`; `done`; `failed`.",
		"BuildProgress.started_at": "When it was begun.", "BuildProgress.updated_at": "When this was written.", "BuildProgress.from": "Sequence at which folding began.",
		"BuildProgress.to": "End of the log when it was begun.", "BuildProgress.position": "Sequence reached.", "BuildProgress.messages": "Events or results folded since it was begun, or taken up again.",
		"BuildProgress.per_second": "Of them.", "BuildProgress.percent": "Share of the log that is folded, 0 to 100.", "BuildProgress.left_ms": "Milliseconds left at that rate.", "BuildProgress.error": "Why it was given up.",
		"BuildComparison.old": "The generation before.", "BuildComparison.new": "The generation that was built.", "BuildComparison.at": "When they were compared.",
		"BuildComparison.old_position": "Where the old one stood in the log.", "BuildComparison.new_position": "Where the new one stood in the log.", "BuildComparison.note": "Why the two did not stand at the same position.",
		"BuildComparison.same": "Keys with the same value.", "BuildComparison.different": "Keys with different values.", "BuildComparison.only_old": "Keys only in the old one.", "BuildComparison.only_new": "Keys only in the new one.",
		"BuildComparison.samples": "Some of those that are not the same, 20 at most.", "BuildSample.key": "Key of the entry.",
		"BuildSample.old": "The old value around the first difference.", "BuildSample.new": "The new value around the first difference.",
	}
}
