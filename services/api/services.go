package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// ServiceID names a service in a route.
type ServiceID struct {
	ID string `path:"id" pattern:"^[a-z0-9][a-z0-9_-]{0,63}$" patternDescription:"1 to 64 characters of a-z, 0-9, _ and -, beginning with a letter or digit" doc:"Id of the service." example:"web"`
}

type serviceList struct {
	Listing
	Then
	Q      string   `query:"q" maxLength:"200" doc:"Text to find in id, name and labels, whatever the case." example:"web"`
	Status []string `query:"status,explode" doc:"Only services of these statuses, separated by commas." example:"[\"down\"]"`
	Label  []string `query:"label,explode" doc:"Only services with these labels, each key=value or key." example:"[\"team=web\"]"`
	Sort   string   `query:"sort" doc:"status (worst first), name, id or updated_at; a leading - reverses." example:"name"`
}

type serviceRead struct {
	ServiceID
	Reading
	Then
}

type serviceCreate struct {
	Writing
	Payload payload
}

type serviceWrite struct {
	ServiceID
	Writing
	Conditional
	Payload payload
}

type serviceCommand struct {
	ServiceID
	Writing
	Conditional
}

func (s *server) serviceRoutes(d *document) {
	register(d, operation{
		id: "list-services", method: http.MethodGet, path: "/services", tag: tagServices, summary: "List services",
		description: "With their statuses and the ids of their checks. " + ofThePast, errors: []int{http.StatusUnprocessableEntity},
		answer: readmodel.Page[readmodel.ServiceView]{Items: []readmodel.ServiceView{exampleService()}, Total: 1},
	}, s.listServices)
	register(d, operation{
		id: "create-service", method: http.MethodPost, path: "/services", tag: tagServices, summary: "Register a service",
		description: "Without an id one is made from the name.",
		status:      http.StatusCreated, answer: exampleService(), body: exampleServiceDefinition(), errors: writeErrors(http.StatusConflict),
	}, s.createService)
	register(d, operation{
		id: "get-service", method: http.MethodGet, path: "/services/{id}", tag: tagServices, summary: "Read a service",
		description: "With its status and the ids of its checks. " + ofThePast, answer: exampleService(),
		errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
	}, s.getService)
	register(d, operation{
		id: "replace-service", method: http.MethodPut, path: "/services/{id}", tag: tagServices, summary: "Replace the definition of a service",
		description: "What is left out takes its default. What was read may be sent back as it came.",
		answer:      exampleService(), body: exampleServiceDefinition(), errors: writeErrors(http.StatusNotFound, http.StatusPreconditionFailed),
	}, s.replaceService)
	register(d, operation{
		id: "delete-service", method: http.MethodDelete, path: "/services/{id}", tag: tagServices, summary: "Delete a service",
		description: "409 while it has checks: delete or move them first.", status: http.StatusNoContent,
		errors: writeErrors(http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed),
	}, s.deleteService)
}

func (s *server) listServices(ctx context.Context, in *serviceList) (*answer, error) {
	statuses, problems := statusesOf(in.Status)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	board, err := s.boardAt(ctx, in.Then)
	if err != nil {
		return nil, err
	}
	page, err := board.Services(ctx, readmodel.Query{
		Text: in.Q, Statuses: statuses, Labels: in.Label, Sort: in.Sort, Limit: in.Limit, Cursor: in.Cursor,
	})
	list, err := listed(page, err)
	return list.cached(in.Then, board), err
}

func (s *server) getService(ctx context.Context, in *serviceRead) (*written, error) {
	board, err := s.boardAt(ctx, in.Then)
	if err != nil {
		return nil, err
	}
	view, err := board.Service(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if in.isPast() {
		return &written{Status: http.StatusOK, CacheControl: cachingOf(in.Then, board), Body: view}, nil
	}
	if noneMatch(in.IfNoneMatch, view.Revision) {
		return &written{Status: http.StatusNotModified, ETag: etag(view.Revision)}, nil
	}
	return &written{Status: http.StatusOK, ETag: etag(view.Revision), Body: view}, nil
}

func (s *server) createService(ctx context.Context, in *serviceCreate) (*written, error) {
	d, problems, err := parseService(in.Payload.raw)
	if err != nil {
		return nil, err
	}
	full := d
	if full.ID == "" {
		full.ID = "id" // is made when all else is right
	}
	if err := checkService(full, problems); err != nil {
		return nil, err
	}
	done, id, err := s.register(ctx, in.Writing, d.ID, d.Name, "service", func(id string) monitor.Command {
		d.ID = id
		return monitor.RegisterService{Definition: d}
	})
	return s.serviceAnswer(ctx, http.StatusCreated, id, d, done, err)
}

func (s *server) replaceService(ctx context.Context, in *serviceWrite) (*written, error) {
	expected, err := expectedRevision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	d, problems, err := parseService(in.Payload.raw, readOnly()...)
	if err != nil {
		return nil, err
	}
	if d.ID != "" && d.ID != in.ID {
		problems.Add("id", "%.80q is not the %s of the route: an id cannot be changed", d.ID, in.ID)
	}
	d.ID = in.ID
	if err := checkService(d, problems); err != nil {
		return nil, err
	}
	done, err := s.send(ctx, in.Writing, monitor.UpdateService{Definition: d, ExpectedRevision: expected})
	return s.serviceAnswer(ctx, http.StatusOK, in.ID, d, done, err)
}

func (s *server) deleteService(ctx context.Context, in *serviceCommand) (*written, error) {
	expected, err := expectedRevision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	done, err := s.send(ctx, in.Writing, monitor.DeleteService{ServiceID: in.ID, ExpectedRevision: expected})
	return deleted(done, err)
}

// serviceAnswer is checkAnswer for services.
func (s *server) serviceAnswer(ctx context.Context, status int, id string, d monitor.ServiceDefinition, done sent, err error) (*written, error) {
	if err != nil {
		return nil, err
	}
	if done.async {
		return accepted(done), nil
	}
	view, err := s.reads.Service(ctx, id)
	if err != nil && !errors.Is(err, monitor.ErrNotFound) {
		return nil, err
	}
	if view.Revision < done.outcome.Revision {
		view.ServiceDefinition, view.Revision = d.WithDefaults(), done.outcome.Revision
		if view.Status == "" {
			now := s.now().UTC()
			view.Status, view.StatusSince, view.CreatedAt, view.UpdatedAt = monitor.StatusUnknown, now, now, now
			view.Checks = []string{}
		}
	} else if err != nil {
		return nil, err
	}
	answer := &written{Status: status, ETag: etag(view.Revision), Body: view}
	if status == http.StatusCreated {
		answer.Location = base + "/services/" + id
	}
	return answer, nil
}

func parseService(raw []byte, ignored ...string) (monitor.ServiceDefinition, monitor.Problems, error) {
	object, err := parseObject(raw)
	if err != nil {
		return monitor.ServiceDefinition{}, nil, err
	}
	var d monitor.ServiceDefinition
	problems := decodeFields(object, &d, ignored...)
	return d, problems, nil
}

func checkService(d monitor.ServiceDefinition, problems monitor.Problems) error {
	return append(problems, without(d.WithDefaults().Validate(), problems)...).Err()
}
