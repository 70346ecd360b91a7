package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// PageID names a status page in a route.
type PageID struct {
	ID string `path:"id" pattern:"^[a-z0-9][a-z0-9_-]{0,63}$" patternDescription:"1 to 64 characters of a-z, 0-9, _ and -, beginning with a letter or digit" doc:"Id of the page." example:"public"`
}

type pageRead struct {
	PageID
	Reading
}

type pageCreate struct {
	Writing
	Payload payload
}

type pageWrite struct {
	PageID
	Writing
	Conditional
	Payload payload
}

type pageCommand struct {
	PageID
	Writing
	Conditional
}

// PageDefinitionPatch is a merge patch of the definition of a page.
type PageDefinitionPatch map[string]any

func (s *server) pageRoutes(d *document) {
	register(d, operation{
		id: "list-pages", method: http.MethodGet, path: "/pages", tag: tagPages, summary: "List the public status pages",
		description: "Their definitions; what anybody sees of them is at `/status/ID`.",
		answer:      readmodel.Page[readmodel.StatusPageView]{Items: []readmodel.StatusPageView{examplePage()}, Total: 1},
	}, s.listPages)
	register(d, operation{
		id: "create-page", method: http.MethodPost, path: "/pages", tag: tagPages, summary: "Publish a status page",
		description: "It is at `/status/ID` from now on, where anybody who reaches this server may see it: the services named here, and nothing else. " +
			"Without an id one is made from the title.",
		status: http.StatusCreated, answer: examplePage(), body: examplePageDefinition(), errors: writeErrors(http.StatusConflict),
	}, s.createPage)
	register(d, operation{
		id: "get-page", method: http.MethodGet, path: "/pages/{id}", tag: tagPages, summary: "Read the definition of a status page",
		description: "With its announcements.",
		answer:      examplePage(), errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
	}, s.getPage)
	register(d, operation{
		id: "replace-page", method: http.MethodPut, path: "/pages/{id}", tag: tagPages, summary: "Replace the definition of a status page",
		description: "What is left out takes its default. What was read may be sent back as it came.",
		answer:      examplePage(), body: examplePageDefinition(), errors: writeErrors(http.StatusNotFound, http.StatusPreconditionFailed),
	}, s.replacePage)
	register(d, operation{
		id: "patch-page", method: http.MethodPatch, path: "/pages/{id}", tag: tagPages, summary: "Change a part of the definition of a status page",
		description: "A JSON merge patch (RFC 7396). Announcements are one part: send all that are to be there.",
		answer:      examplePage(), body: PageDefinitionPatch{"description": "What our customers use."}, types: []string{typePatch, typeJSON},
		errors: writeErrors(http.StatusNotFound, http.StatusPreconditionFailed),
	}, s.patchPage)
	register(d, operation{
		id: "delete-page", method: http.MethodDelete, path: "/pages/{id}", tag: tagPages, summary: "Take a status page away",
		description: "Nobody can see it from now on, but in caches, for up to a day where this server cannot be reached.",
		status:      http.StatusNoContent, errors: writeErrors(http.StatusNotFound, http.StatusPreconditionFailed),
	}, s.deletePage)
}

func (s *server) listPages(ctx context.Context, _ *struct{}) (*answer, error) {
	pages, err := s.reads.StatusPages(ctx)
	return listed(readmodel.Page[readmodel.StatusPageView]{Items: pages, Total: len(pages)}, err)
}

func (s *server) getPage(ctx context.Context, in *pageRead) (*written, error) {
	view, err := s.reads.StatusPage(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if noneMatch(in.IfNoneMatch, view.Revision) {
		return &written{Status: http.StatusNotModified, ETag: etag(view.Revision)}, nil
	}
	return &written{Status: http.StatusOK, ETag: etag(view.Revision), Body: view}, nil
}

func (s *server) createPage(ctx context.Context, in *pageCreate) (*written, error) {
	d, problems, err := parsePage(in.Payload.raw)
	if err != nil {
		return nil, err
	}
	full := d
	if full.ID == "" {
		full.ID = "id" // is made when all else is right
	}
	if err := checkPage(full, problems); err != nil {
		return nil, err
	}
	done, id, err := s.register(ctx, in.Writing, d.ID, d.Title, "page", func(id string) monitor.Command {
		d.ID = id
		return monitor.RegisterPage{Definition: d}
	})
	return s.pageAnswer(ctx, http.StatusCreated, id, d, done, err)
}

func (s *server) replacePage(ctx context.Context, in *pageWrite) (*written, error) {
	expected, err := expectedRevision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	d, problems, err := parsePage(in.Payload.raw, readOnly()...)
	if err != nil {
		return nil, err
	}
	if err := checkPage(pageWithID(&problems, d, in.ID), problems); err != nil {
		return nil, err
	}
	d.ID = in.ID
	done, err := s.send(ctx, in.Writing, monitor.UpdatePage{Definition: d, ExpectedRevision: expected})
	return s.pageAnswer(ctx, http.StatusOK, in.ID, d, done, err)
}

func (s *server) patchPage(ctx context.Context, in *pageWrite) (*written, error) {
	expected, err := expectedRevision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if _, err := parseObject(in.Payload.raw); err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		before, err := s.currentPage(ctx, in.ID, expected)
		if err != nil {
			return nil, err
		}
		d, err := patchedPage(before.PageDefinition, in.Payload.raw)
		if err != nil {
			return nil, err
		}
		command := monitor.UpdatePage{Definition: d, ExpectedRevision: before.Revision}
		if expected != 0 {
			command.ExpectedRevision = expected
		}
		done, err := s.attempt(ctx, in.Writing, attempt, command)
		if errors.Is(err, monitor.ErrRevision) && expected == 0 && attempt < maxPatches {
			continue
		}
		return s.pageAnswer(ctx, http.StatusOK, in.ID, d, done, err)
	}
}

// currentPage is currentCheck for pages.
func (s *server) currentPage(ctx context.Context, id string, expected uint64) (readmodel.StatusPageView, error) {
	if err := s.awaitEnd(ctx); err != nil {
		return readmodel.StatusPageView{}, err
	}
	view, err := s.reads.StatusPage(ctx, id)
	if err == nil && expected > view.Revision {
		err = problemOfRevision("page", id, view.Revision, expected)
	}
	return view, err
}

func patchedPage(d monitor.PageDefinition, patch []byte) (monitor.PageDefinition, error) {
	merged, err := merge(d, patch)
	if err != nil {
		return d, err
	}
	after, problems, err := parsePage(merged)
	if err != nil {
		return d, err
	}
	after = pageWithID(&problems, after, d.ID)
	return after, checkPage(after, problems)
}

func (s *server) deletePage(ctx context.Context, in *pageCommand) (*written, error) {
	expected, err := expectedRevision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	done, err := s.send(ctx, in.Writing, monitor.DeletePage{PageID: in.ID, ExpectedRevision: expected})
	return deleted(done, err)
}

// pageAnswer is checkAnswer for pages.
func (s *server) pageAnswer(ctx context.Context, status int, id string, d monitor.PageDefinition, done sent, err error) (*written, error) {
	if err != nil {
		return nil, err
	}
	if done.async {
		return accepted(done), nil
	}
	view, err := s.reads.StatusPage(ctx, id)
	if err != nil && !errors.Is(err, monitor.ErrNotFound) {
		return nil, err
	}
	if view.Revision < done.outcome.Revision {
		now := s.now().UTC()
		view.PageDefinition, view.Revision, view.UpdatedAt = d.WithDefaults(), done.outcome.Revision, now
		if view.CreatedAt.IsZero() {
			view.CreatedAt = now
		}
	} else if err != nil {
		return nil, err
	}
	answer := &written{Status: status, ETag: etag(view.Revision), Body: view}
	if status == http.StatusCreated {
		answer.Location = base + "/pages/" + id
	}
	return answer, nil
}

func parsePage(raw []byte, ignored ...string) (monitor.PageDefinition, monitor.Problems, error) {
	object, err := parseObject(raw)
	if err != nil {
		return monitor.PageDefinition{}, nil, err
	}
	var d monitor.PageDefinition
	problems := decodeFields(object, &d, ignored...)
	return d, problems, nil
}

func pageWithID(p *monitor.Problems, d monitor.PageDefinition, id string) monitor.PageDefinition {
	if d.ID != "" && d.ID != id {
		p.Add("id", "%.80q is not the %s of the route: an id cannot be changed", d.ID, id)
	}
	d.ID = id
	return d
}

func checkPage(d monitor.PageDefinition, problems monitor.Problems) error {
	return append(problems, without(d.WithDefaults().Validate(), problems)...).Err()
}
