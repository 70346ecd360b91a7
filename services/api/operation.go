package api

import (
	"context"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// operation describes a route.
type operation struct {
	id, method, path, tag string
	summary, description  string
	// status of the answer, default 200, and an example of it: its type is the answer's.
	status int
	answer any
	// body is an example of the request's body: its type is the body's. types are its content types.
	body  any
	types []string
	// errors are the statuses of the errors that it has besides those that every route has.
	errors []int
}

// answer is what a handler returns: a view with its revision, or a list.
type answer struct {
	Status       int
	CacheControl string `header:"Cache-Control" doc:"How long the answer may be kept; no-store where it may change." example:"private, max-age=86400, immutable"`
	Body         any
}

// written is the answer to a read or write of one thing.
type written struct {
	Status            int
	ETag              string `header:"ETag" doc:"The revision of the definition, for If-Match. It does not move with the status." example:"\"3\""`
	Location          string `header:"Location" doc:"Where what was made, or the outcome of an asynchronous write, is." example:"/api/v1/checks/home"`
	CacheControl      string `header:"Cache-Control" doc:"How long the answer may be kept; no-store where it may change." example:"private, max-age=86400, immutable"`
	PreferenceApplied string `header:"Preference-Applied" doc:"respond-async, when the write is answered before it is decided." example:"respond-async"`
	Body              any
}

// register adds a route and its description.
func register[I any, O any](d *document, o operation, handle func(context.Context, *I) (*O, error)) {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	op := huma.Operation{
		OperationID: o.id, Method: o.method, Path: base + o.path, Tags: []string{o.tag}, Summary: o.summary,
		Description: o.description, DefaultStatus: o.status, Responses: d.responses(o),
	}
	huma.Register(d.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, d.failed(o.summary, err)
		}
		return out, nil
	})
	d.finish(o)
}

// commonErrors are those that every route has.
func commonErrors() []int {
	return []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusInternalServerError, http.StatusServiceUnavailable}
}

// responses documents the answer and the errors.
func (d *document) responses(o operation) map[string]*huma.Response {
	good := &huma.Response{Description: http.StatusText(o.status)}
	if o.answer != nil {
		good.Content = map[string]*huma.MediaType{typeJSON: d.media(o.answer)}
	}
	all := map[string]*huma.Response{strconv.Itoa(o.status): good}
	for _, status := range append(commonErrors(), o.errors...) {
		all[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + errorName(status)}
	}
	return all
}

func (d *document) media(example any) *huma.MediaType {
	return &huma.MediaType{Schema: d.schemas.Schema(reflect.TypeOf(example), true, ""), Example: plain(example)}
}

// finish completes what huma has made of an operation.
func (d *document) finish(o operation) {
	op := operationAt(d.api.OpenAPI().Paths[base+o.path], o.method)
	for _, p := range op.Parameters {
		p.Schema.PatternDescription = "" // is for messages, and no keyword of JSON Schema
	}
	if o.answer == nil {
		op.Responses[strconv.Itoa(o.status)].Content = nil
	}
	if o.body == nil {
		return
	}
	if len(o.types) == 0 {
		o.types = []string{typeJSON}
	}
	op.RequestBody = &huma.RequestBody{Required: true, Content: make(map[string]*huma.MediaType)}
	for _, t := range o.types {
		op.RequestBody.Content[t] = d.media(o.body)
	}
}

func operationAt(item *huma.PathItem, method string) *huma.Operation {
	switch method {
	case http.MethodGet:
		return item.Get
	case http.MethodPost:
		return item.Post
	case http.MethodPut:
		return item.Put
	case http.MethodPatch:
		return item.Patch
	case http.MethodDelete:
		return item.Delete
	}
	return nil
}

// Resolve implements huma.Resolver: it takes the body as it came.
func (p *payload) Resolve(ctx huma.Context) []error {
	raw, err := readAll(ctx.BodyReader())
	if err != nil {
		return []error{err}
	}
	p.raw = raw
	return nil
}
