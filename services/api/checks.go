package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// CheckID names a check in a route.
type CheckID struct {
	ID string `path:"id" pattern:"^[a-z0-9][a-z0-9_-]{0,63}$" patternDescription:"1 to 64 characters of a-z, 0-9, _ and -, beginning with a letter or digit" doc:"Id of the check." example:"home"`
}

// Listing pages through a list.
type Listing struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"The most items of one page." example:"100"`
	Cursor string `query:"cursor" maxLength:"1000" doc:"The next_cursor of the page before, with the same query."`
}

// Reading is the header of a conditional read.
type Reading struct {
	IfNoneMatch string `header:"If-None-Match" doc:"ETags of the definition that are at hand: when it is at one of them still, the answer is 304. A status may have changed nevertheless." example:"\"3\""`
}

type checkList struct {
	Listing
	Then
	Q       string   `query:"q" maxLength:"200" doc:"Text to find in id, name, target and labels, whatever the case." example:"home"`
	Status  []string `query:"status,explode" doc:"Only checks of these statuses, separated by commas." example:"[\"down\",\"degraded\"]"`
	Service string   `query:"service" doc:"Only checks of this service." example:"web"`
	Kind    string   `query:"kind" doc:"Only checks of this kind." example:"http"`
	Label   []string `query:"label,explode" doc:"Only checks with these labels, each key=value or key." example:"[\"team=web\"]"`
	Sort    string   `query:"sort" doc:"status (worst first), name, id, latency, uptime or updated_at; a leading - reverses." example:"status"`
}

type checkRead struct {
	CheckID
	Reading
	Then
}

type checkCreate struct {
	Writing
	Payload payload
}

type checkWrite struct {
	CheckID
	Writing
	Conditional
	Payload payload
}

type checkCommand struct {
	CheckID
	Writing
	Conditional
}

func (s *server) checkRoutes(d *document) {
	register(d, operation{
		id: "list-checks", method: http.MethodGet, path: "/checks", tag: tagChecks, summary: "List checks",
		description: "Answered from memory, however many there are. " + ofThePast, errors: []int{http.StatusUnprocessableEntity},
		answer: readmodel.Page[readmodel.CheckView]{Items: []readmodel.CheckView{exampleCheck()}, Total: 1},
	}, s.listChecks)
	register(d, operation{
		id: "create-check", method: http.MethodPost, path: "/checks", tag: tagChecks, summary: "Register a check",
		description: "Without an id one is made from the name. What is left out takes its default. It is executed from now on. For a check of kind heartbeat " +
			"the answer shows, once, where its heartbeats are to be sent; with `Prefer: respond-async` it does not: `POST /checks/{id}/token` makes another address and shows it.",
		status: http.StatusCreated, answer: exampleRegistered(), body: exampleDefinition(), errors: writeErrors(http.StatusConflict),
	}, s.createCheck)
	register(d, operation{
		id: "get-check", method: http.MethodGet, path: "/checks/{id}", tag: tagChecks, summary: "Read a check",
		description: "Its definition and status, and what its results tell. " + ofThePast, answer: exampleCheck(),
		errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
	}, s.getCheck)
	register(d, operation{
		id: "replace-check", method: http.MethodPut, path: "/checks/{id}", tag: tagChecks, summary: "Replace the definition of a check",
		description: "What is left out takes its default. What was read may be sent back as it came: what cannot be set is not looked at.",
		answer:      exampleRegistered(), body: exampleDefinition(), errors: writeErrors(http.StatusNotFound, http.StatusPreconditionFailed),
	}, s.replaceCheck)
	register(d, operation{
		id: "patch-check", method: http.MethodPatch, path: "/checks/{id}", tag: tagChecks, summary: "Change a part of the definition of a check",
		description: "A JSON merge patch (RFC 7396): what is sent replaces, null removes, all else stays.",
		answer:      exampleRegistered(), body: DefinitionPatch{"interval": "10s", "labels": map[string]any{"team": nil}}, types: []string{typePatch, typeJSON},
		errors: writeErrors(http.StatusNotFound, http.StatusPreconditionFailed),
	}, s.patchCheck)
	register(d, operation{
		id: "delete-check", method: http.MethodDelete, path: "/checks/{id}", tag: tagChecks, summary: "Delete a check",
		description: "It is executed no more. Its events stay.", status: http.StatusNoContent,
		errors: writeErrors(http.StatusNotFound, http.StatusPreconditionFailed),
	}, s.deleteCheck)
	register(d, operation{
		id: "pause-check", method: http.MethodPost, path: "/checks/{id}/pause", tag: tagChecks, summary: "Pause a check",
		description: "It is not executed until it is resumed. An open incident of it ends.", answer: exampleCheck(),
		errors: writeErrors(http.StatusNotFound, http.StatusPreconditionFailed),
	}, s.pauseCheck)
	register(d, operation{
		id: "resume-check", method: http.MethodPost, path: "/checks/{id}/resume", tag: tagChecks, summary: "Resume a check",
		description: "It is executed again.", answer: exampleCheck(), errors: writeErrors(http.StatusNotFound, http.StatusPreconditionFailed),
	}, s.resumeCheck)
	register(d, operation{
		id: "renew-token", method: http.MethodPost, path: "/checks/{id}/token", tag: tagHeartbeats, summary: "Give a heartbeat check another token",
		description: "The answer shows it once. The one before is good for nothing from now on.", answer: exampleHeartbeatCheck(),
		errors: writeErrors(http.StatusNotFound, http.StatusPreconditionFailed),
	}, s.newToken)
}

// writeErrors are the errors of a write, and more.
func writeErrors(more ...int) []int {
	return append(more, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity,
		http.StatusTooManyRequests, http.StatusGatewayTimeout)
}

func (s *server) listChecks(ctx context.Context, in *checkList) (*answer, error) {
	statuses, problems := statusesOf(in.Status)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	board, err := s.boardAt(ctx, in.Then)
	if err != nil {
		return nil, err
	}
	page, err := board.Checks(ctx, readmodel.Query{
		Text: in.Q, Statuses: statuses, Service: in.Service, Kind: in.Kind, Labels: in.Label, Sort: in.Sort, Limit: in.Limit, Cursor: in.Cursor,
	})
	return listed(page, err)
}

// listed is the answer of a page; a list without items is [], not null.
func listed[T any](page readmodel.Page[T], err error) (*answer, error) {
	if err != nil {
		return nil, err
	}
	if page.Items == nil {
		page.Items = []T{}
	}
	return &answer{Status: http.StatusOK, Body: page}, nil
}

func statusesOf(texts []string) ([]monitor.Status, monitor.Problems) {
	var statuses []monitor.Status
	var p monitor.Problems
	for _, text := range texts {
		for _, one := range split(text) {
			status := monitor.Status(one)
			if !status.Valid() {
				p.Add("status", "%.80q is no status: use %s", one, joined(monitor.Statuses()))
			}
			statuses = append(statuses, status)
		}
	}
	return statuses, p
}

func (s *server) getCheck(ctx context.Context, in *checkRead) (*written, error) {
	board, err := s.boardAt(ctx, in.Then)
	if err != nil {
		return nil, err
	}
	view, err := board.Check(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if in.isPast() {
		return &written{Status: http.StatusOK, Body: view}, nil
	}
	if noneMatch(in.IfNoneMatch, view.Revision) {
		return &written{Status: http.StatusNotModified, ETag: etag(view.Revision)}, nil
	}
	return &written{Status: http.StatusOK, ETag: etag(view.Revision), Body: view}, nil
}

func (s *server) createCheck(ctx context.Context, in *checkCreate) (*written, error) {
	d, problems, err := parseDefinition(in.Payload.raw)
	if err != nil {
		return nil, err
	}
	full := d
	if full.ID == "" {
		full.ID = "id" // is made when all else is right
	}
	given := d.Options
	if _, err := withNewToken(&full); err != nil {
		return nil, err
	}
	if err := s.checkDefinition(ctx, full, problems); err != nil {
		return nil, err
	}
	var token string
	done, id, err := s.register(ctx, in.Writing, d.ID, d.Name, d.Kind, func(id string) monitor.Command {
		d.ID, d.Options = id, given
		token, _ = withNewToken(&d) // its options are looked at by now
		return monitor.RegisterCheck{Definition: d}
	})
	answer, err := s.checkAnswer(ctx, http.StatusCreated, id, &d, done, err)
	return shown(token, answer, err)
}

func (s *server) replaceCheck(ctx context.Context, in *checkWrite) (*written, error) {
	expected, err := expectedRevision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	d, problems, err := parseDefinition(in.Payload.raw, readOnly()...)
	if err != nil {
		return nil, err
	}
	d = withID(&problems, d, in.ID)
	token, err := s.withToken(ctx, &d)
	if err != nil {
		return nil, err
	}
	if err := s.checkDefinition(ctx, d, problems); err != nil {
		return nil, err
	}
	d.ID = in.ID
	done, err := s.send(ctx, in.Writing, monitor.UpdateCheck{Definition: d, ExpectedRevision: expected})
	answer, err := s.checkAnswer(ctx, http.StatusOK, in.ID, &d, done, err)
	return shown(token, answer, err)
}

// DefinitionPatch is a merge patch of a definition.
type DefinitionPatch map[string]any

// maxPatches is how often a patch without If-Match is applied anew when others are faster.
const maxPatches = 4

func (s *server) patchCheck(ctx context.Context, in *checkWrite) (*written, error) {
	expected, err := expectedRevision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if _, err := parseObject(in.Payload.raw); err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		before, err := s.currentCheck(ctx, in.ID, expected)
		if err != nil {
			return nil, err
		}
		d, token, err := s.patched(ctx, before.Definition, in.Payload.raw)
		if err != nil {
			return nil, err
		}
		command := monitor.UpdateCheck{Definition: d, ExpectedRevision: before.Revision}
		if expected != 0 {
			command.ExpectedRevision = expected
		}
		done, err := s.attempt(ctx, in.Writing, attempt, command)
		if errors.Is(err, monitor.ErrRevision) && expected == 0 && attempt < maxPatches {
			continue
		}
		answer, err := s.checkAnswer(ctx, http.StatusOK, in.ID, &d, done, err)
		return shown(token, answer, err)
	}
}

// currentCheck returns a check as of now, for its definition to be based on: a read model that is
// behind would bring back what somebody has just changed.
func (s *server) currentCheck(ctx context.Context, id string, expected uint64) (readmodel.CheckView, error) {
	if err := s.awaitEnd(ctx); err != nil {
		return readmodel.CheckView{}, err
	}
	view, err := s.reads.Check(ctx, id)
	if err == nil && expected > view.Revision {
		err = problemOfRevision("check", id, view.Revision, expected)
	}
	return view, err
}

// awaitEnd returns when the read models show all events that there are, or after a while.
func (s *server) awaitEnd(ctx context.Context) error {
	last, err := s.bus.Last(ctx)
	if err != nil {
		return fmt.Errorf("find the end of the events: %w", err)
	}
	s.awaitShown(ctx, last)
	return nil
}

func problemOfRevision(kind, id string, actual, expected uint64) error {
	return problem(http.StatusPreconditionFailed, "revision", "%s %q is at revision %d, not %d: read it again and repeat the change", kind, id, actual, expected)
}

func (s *server) deleteCheck(ctx context.Context, in *checkCommand) (*written, error) {
	expected, err := expectedRevision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	done, err := s.send(ctx, in.Writing, monitor.DeleteCheck{CheckID: in.ID, ExpectedRevision: expected})
	return deleted(done, err)
}

func (s *server) pauseCheck(ctx context.Context, in *checkCommand) (*written, error) {
	return s.commandCheck(ctx, in, func(expected uint64) monitor.Command {
		return monitor.PauseCheck{CheckID: in.ID, ExpectedRevision: expected}
	})
}

func (s *server) resumeCheck(ctx context.Context, in *checkCommand) (*written, error) {
	return s.commandCheck(ctx, in, func(expected uint64) monitor.Command {
		return monitor.ResumeCheck{CheckID: in.ID, ExpectedRevision: expected}
	})
}

func (s *server) commandCheck(ctx context.Context, in *checkCommand, command func(expected uint64) monitor.Command) (*written, error) {
	expected, err := expectedRevision(in.IfMatch)
	if err != nil {
		return nil, err
	}
	done, err := s.send(ctx, in.Writing, command(expected))
	return s.checkAnswer(ctx, http.StatusOK, in.ID, nil, done, err)
}

// checkAnswer answers a write with the check as it is now. Where the read models do not show it yet
// it is made of what is known: the definition that was accepted.
func (s *server) checkAnswer(ctx context.Context, status int, id string, d *monitor.Definition, done sent, err error) (*written, error) {
	if err != nil {
		return nil, err
	}
	if done.async {
		return accepted(done), nil
	}
	view, err := s.reads.Check(ctx, id)
	if err != nil && !errors.Is(err, monitor.ErrNotFound) {
		return nil, err
	}
	if d != nil && view.Revision < done.outcome.Revision {
		view.Definition, view.Revision = d.WithDefaults(), done.outcome.Revision
		if view.Status == "" {
			now := s.now().UTC()
			view.Status, view.StatusSince, view.CreatedAt, view.UpdatedAt, view.Pending = monitor.StatusUnknown, now, now, now, true
		}
	} else if err != nil {
		return nil, err
	}
	answer := &written{Status: status, ETag: etag(view.Revision), Body: view}
	if status == http.StatusCreated {
		answer.Location = base + "/checks/" + id
	}
	return answer, nil
}
