package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// Problem is an answer that is not a success: RFC 9457.
type Problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance"`
	// Errors name the fields that are wrong, all of them.
	Errors []monitor.Problem `json:"errors,omitempty"`

	header http.Header
}

// problemTypes are the last parts of the types' URIs.
const problemTypes = "/docs#problem-"

func problem(status int, kind, format string, args ...any) *Problem {
	return &Problem{
		Type: problemTypes + kind, Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...),
	}
}

// invalid says what is wrong with the fields of a request.
func invalid(problems monitor.Problems) *Problem {
	what := "one field is wrong"
	if len(problems) > 1 {
		what = fmt.Sprintf("%d fields are wrong", len(problems))
	}
	p := problem(http.StatusUnprocessableEntity, "invalid", "%s: %s", what, problems.Error())
	p.Errors = problems
	return p
}

func invalidField(field, format string, args ...any) *Problem {
	return invalid(monitor.Problems{{Field: field, Message: fmt.Sprintf(format, args...)}})
}

func (p *Problem) with(name, value string) *Problem {
	if p.header == nil {
		p.header = make(http.Header)
	}
	p.header.Set(name, value)
	return p
}

func (p *Problem) after(d time.Duration) *Problem {
	return p.with(fiber.HeaderRetryAfter, strconv.Itoa(int(max(1, d.Seconds()))))
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType implements huma.ContentTypeFilter.
func (*Problem) ContentType(string) string { return "application/problem+json" }

// problemOf turns any error into what the client is told.
func problemOf(err error) *Problem {
	var (
		p        *Problem
		refusal  *bus.Refusal
		problems monitor.Problems
		model    *huma.ErrorModel
		plain    *fiber.Error
	)
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &refusal):
		return problemOfRefusal(refusal)
	case errors.As(err, &problems):
		return invalid(problems)
	case errors.As(err, &model):
		return problemOfModel(model)
	case errors.As(err, &plain):
		return problemOfFiber(plain)
	case errors.Is(err, monitor.ErrNotFound):
		return problem(http.StatusNotFound, "not-found", "%v", err)
	case errors.Is(err, readmodel.ErrCursor):
		return invalidField("cursor", "%v: begin again without a cursor", err)
	case errors.Is(err, readmodel.ErrQuery):
		return problem(http.StatusUnprocessableEntity, "invalid", "%v", err)
	case errors.Is(err, context.DeadlineExceeded):
		return problem(http.StatusGatewayTimeout, "timeout", "the answer took too long: try again").after(time.Second)
	case errors.Is(err, context.Canceled):
		return problem(http.StatusServiceUnavailable, "stopping", "the server is stopping: try again").after(time.Second)
	case errors.Is(err, bus.ErrFull):
		return problem(http.StatusInsufficientStorage, "full", "%v: raise the stream's limit", err)
	case errors.Is(err, bus.ErrCorrupt):
		return problem(http.StatusServiceUnavailable, "damaged", "%v: it can be read but not written", err)
	}
	return problem(http.StatusInternalServerError, "internal", "something went wrong here; the server's log says what")
}

func problemOfRefusal(r *bus.Refusal) *Problem {
	switch r.Code {
	case bus.RefusedInvalid:
		return invalid(r.Problems)
	case bus.RefusedNotFound:
		return problem(http.StatusNotFound, "not-found", "%s", r.Message)
	case bus.RefusedExists:
		return problem(http.StatusConflict, "exists", "%s", r.Message)
	case bus.RefusedRevision:
		return problem(http.StatusPreconditionFailed, "revision", "%s", r.Message)
	case bus.RefusedInUse:
		return problem(http.StatusConflict, "in-use", "%s", r.Message)
	}
	return problem(http.StatusUnprocessableEntity, "refused", "%s", r.Message)
}

// problemOfModel renames what huma found wrong with parameters.
func problemOfModel(m *huma.ErrorModel) *Problem {
	if len(m.Errors) == 0 {
		return problem(m.Status, "invalid", "%s", m.Detail)
	}
	var problems monitor.Problems
	for _, e := range m.Errors {
		_, field, _ := strings.Cut(e.Location, ".")
		problems.Add(field, "%s", e.Message)
	}
	p := invalid(problems)
	p.Status, p.Title = m.Status, http.StatusText(m.Status)
	return p
}

// problemOfFiber gives words to what the server itself refuses.
func problemOfFiber(e *fiber.Error) *Problem {
	switch e.Code {
	case http.StatusNotFound:
		return problem(e.Code, "no-route", "there is nothing here: /docs lists what there is")
	case http.StatusMethodNotAllowed:
		return problem(e.Code, "method", "the method is not allowed here: the header Allow lists those that are")
	case http.StatusRequestEntityTooLarge:
		return problem(e.Code, "too-large", "the body is longer than %d bytes: send less", MaxBody)
	case http.StatusRequestHeaderFieldsTooLarge:
		return problem(e.Code, "header-too-large", "the header is longer than %d bytes: send less", maxHeader)
	case http.StatusRequestTimeout:
		return problem(e.Code, "timeout", "the request did not come within %s", readTimeout)
	case http.StatusInternalServerError:
		return problem(e.Code, "internal", "something went wrong here; the server's log says what")
	}
	return problem(e.Code, "http", "%s", e.Message)
}

// answer writes a problem.
func (p *Problem) answer(c *fiber.Ctx) error {
	for name, values := range p.header {
		for _, v := range values {
			c.Set(name, v)
		}
	}
	told := *p
	told.Instance = c.Path()
	if err := c.Status(p.Status).JSON(told); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, p.ContentType(""))
	return nil
}

// tellInstance is a huma transformer: it makes a Problem of every error, and names the request.
func tellInstance(ctx huma.Context, _ string, v any) (any, error) {
	var p *Problem
	switch v := v.(type) {
	case *Problem:
		p = v
	case *huma.ErrorModel:
		p = problemOfModel(v)
	default:
		return v, nil
	}
	told := *p
	at := ctx.URL()
	told.Instance = at.Path
	return &told, nil
}
