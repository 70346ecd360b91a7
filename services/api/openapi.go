package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
)

// OpenAPI returns the OpenAPI 3.1 document of the API as indented JSON, always the same for the same
// version of the program.
func OpenAPI(version string) ([]byte, error) {
	metrics, err := newMetrics(nil)
	if err != nil {
		return nil, err
	}
	opt := Options{Version: version, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	return newServer(opt.withDefaults(), metrics).routes(fiber.New(fiber.Config{DisableStartupMessage: true}))
}

// document gathers the routes and what describes them.
type document struct {
	server  *server
	api     huma.API
	schemas huma.Registry
}

// routes registers every route of the API with app and returns the document that describes them.
func (s *server) routes(app *fiber.App) ([]byte, error) {
	schemas := huma.NewMapRegistry("#/components/schemas/", schemaName)
	schemas.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[Problem]())
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0", Info: info(s.opt.Version), Tags: tags(),
			Servers:    []*huma.Server{{URL: "http://" + DefaultAddress, Description: "Vedette on this machine, as `vedette up` starts it."}},
			Components: &huma.Components{Schemas: schemas},
			Security:   []map[string][]string{{}, {"token": {}}},
		},
		Formats: huma.DefaultFormats, DefaultFormat: typeJSON, NoFormatFallback: false,
		RejectUnknownQueryParameters: true, Transformers: []huma.Transformer{tellInstance},
	}
	d := &document{server: s, api: humafiber.New(app, config), schemas: schemas}
	d.components()
	s.checkRoutes(d)
	s.runRoutes(d)
	s.resultRoutes(d)
	s.serviceRoutes(d)
	s.pageRoutes(d)
	s.correctionRoutes(d)
	s.changeRoutes(d)
	s.boardRoutes(d)
	s.wholeBoardRoutes(d)
	s.pastRoutes(d)
	s.eventRoutes(d)
	s.replayRoutes(d)
	s.integrityRoutes(d)
	d.heartbeatRoutes()
	s.systemRoutes(d)
	s.projectionRoutes(d)
	s.serverRoutes(d)
	d.streamRoute()
	d.backupRoute()
	d.boardStreamRoute()
	d.rootRoutes()
	describe(schemas.Map())
	raw, err := json.Marshal(d.api.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func info(version string) *huma.Info {
	return &huma.Info{
		Title: "Vedette", Version: version,
		Description: "Vedette watches services and keeps every fact. Writes become commands, commands lead to events, and every " +
			"answer here is a fold of those.\n\n" +
			"- **Errors** are `application/problem+json` (RFC 9457); `errors` names every field that is wrong, with the cure.\n" +
			"- **Lists** are `{items, next_cursor, total}`: pass `next_cursor` as `cursor` for the next page.\n" +
			"- **Times** are RFC 3339 in UTC, **durations** Go strings such as `30s` and `1m30s`.\n" +
			"- **Writes** are answered when reads show them. With `Idempotency-Key` a repeat takes effect once; with " +
			"`If-Match` a write is refused when somebody else was faster; with `Prefer: respond-async` it is answered as soon as it is stored.\n" +
			"- **Events**: `/api/v1/events/stream` tells what happens as it happens, and resumes without gap or repeat. " +
			"The same events on NATS are described at `/asyncapi.json`.",
		Contact: &huma.Contact{Name: "Vedette", URL: "https://github.com/vedette/vedette"},
		License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
	}
}

// The tags, by which the routes are grouped.
const (
	tagChecks      = "Checks"
	tagResults     = "Results"
	tagServices    = "Services"
	tagPages       = "Status pages"
	tagCorrections = "Corrections"
	tagBoard       = "Board"
	tagEvents      = "Events"
	tagReplays     = "Replays"
	tagHeartbeats  = "Heartbeats"
	tagSystem      = "System"
)

func tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: tagChecks, Description: "A check is one way to look at a service: what is asked, how often, and what a good answer is."},
		{Name: tagResults, Description: "What the executions of a check found, and the uptime, coverage and latency that follow from it."},
		{Name: tagServices, Description: "A service is a monitored thing. Its status is rolled up from its checks."},
		{Name: tagBoard, Description: "The board: counts by status, incidents, and the runners at work."},
		{Name: tagEvents, Description: "Everything that was decided, for ever, and every result for as long as it is kept."},
		{Name: tagHeartbeats, Description: "What jobs send to say that they did their work."},
		{Name: tagCorrections, Description: "What a past span was in truth: maintenance, or a false positive. Uptime counts by it."},
		{Name: tagPages, Description: "What anybody may see, at `/status/ID`."},
		{Name: tagReplays, Description: "The past again, under another policy: what if?"},
		{Name: tagSystem, Description: "Kinds of checks, outcomes of commands, read models, health and the documents of the API."},
	}
}

// errorName is the name of the documented response of a status.
func errorName(status int) string { return strings.ReplaceAll(http.StatusText(status), " ", "") }

// components documents the errors, once for all routes.
func (d *document) components() {
	components := d.api.OpenAPI().Components
	components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "The admin token, where one is set. Without one the API is on loopback only."},
	}
	components.Responses = make(map[string]*huma.Response)
	for _, example := range exampleProblems() {
		components.Responses[errorName(example.Status)] = &huma.Response{
			Description: example.Title,
			Content:     map[string]*huma.MediaType{example.ContentType(""): d.media(*example)},
		}
	}
}

// failed turns a handler's error into what the client is told.
func (d *document) failed(doing string, err error) error {
	p := problemOf(err)
	if p.Type == problemTypes+"internal" {
		d.server.log.Error("a request failed", "doing", doing, "error", err)
	}
	return p
}

// plain is a value as JSON reads it back, so that examples are written in one way only.
func plain(value any) any {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("api: an example cannot be written as JSON: %v", err))
	}
	var back any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&back); err != nil {
		panic(fmt.Sprintf("api: an example cannot be read back: %v", err))
	}
	return back
}

func readAll(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxBody+1))
	if err != nil {
		return nil, problem(http.StatusBadRequest, "body", "the body could not be read: %v", err)
	}
	return raw, nil
}

// streamRoute describes the event stream, which huma cannot serve on Fiber.
func (d *document) streamRoute() {
	parameters := []*huma.Param{
		queryParam("after", "Begin after this place: the `id` of an event of the stream, or the sequence of an event; 0 is the beginning. Without it, and without Last-Event-ID, the stream begins now.", &huma.Schema{Type: "string"}, "1842"),
		{Name: "Last-Event-ID", In: "header", Description: "As `after`, and comes before it: browsers send it when they connect again.", Schema: &huma.Schema{Type: "string"}, Example: "1842"},
	}
	d.api.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "stream-events", Method: http.MethodGet, Path: base + "/events/stream", Tags: []string{tagEvents},
		Summary: "Follow the events as they happen",
		Description: "Server-sent events. `event` is the event's type, `data` the CloudEvent as structured JSON, `id` a cursor. " +
			"A client that connects again with the last `id` it saw, as `Last-Event-ID` or `after`, gets every event after that once. " +
			"An idle stream carries a comment every 15 s, with an `id` alone where the place has moved. A client that takes too little is dropped, and can resume.",
		Parameters: append(parameters, filterParams()...),
		Responses: d.responsesOf("The stream.", map[string]*huma.MediaType{"text/event-stream": {
			Schema: &huma.Schema{Type: "string"}, Example: exampleStream,
		}}, http.StatusUnprocessableEntity, http.StatusTooManyRequests),
	})
}

func (d *document) responsesOf(description string, content map[string]*huma.MediaType, errors ...int) map[string]*huma.Response {
	all := d.responses(operation{status: http.StatusOK, errors: errors})
	all[strconv.Itoa(http.StatusOK)] = &huma.Response{Description: description, Content: content}
	return all
}

func queryParam(name, description string, schema *huma.Schema, example any) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: description, Schema: schema, Example: example}
}

func filterParams() []*huma.Param {
	list := queryParam("type", "Only events of these types.", &huma.Schema{Type: "array", Items: &huma.Schema{Type: "string"}}, []string{"vedette.check.status_changed.v1"})
	return []*huma.Param{
		list,
		queryParam("service", "Only events about this service, its checks and their incidents.", &huma.Schema{Type: "string"}, "web"),
		queryParam("check", "Only events about this check and its incidents.", &huma.Schema{Type: "string"}, "home"),
		queryParam("aggregate", "Only events of this kind of aggregate, KIND or KIND/ID; KIND is check, service, correction, incident, runner or result.", &huma.Schema{Type: "string"}, "check/home"),
		queryParam("results", "Merge the results of executions in.", &huma.Schema{Type: "boolean", Default: false}, true),
	}
}

// rootRoutes describes what is served beside the API.
func (d *document) rootRoutes() {
	text := func(kind string, schema *huma.Schema, example any) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{kind: {Schema: schema, Example: example}}
	}
	add := func(path, id, summary, description string, content map[string]*huma.MediaType, errors ...int) {
		responses := map[string]*huma.Response{"200": {Description: "OK", Content: content}}
		for _, status := range append(errors, http.StatusForbidden) {
			responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + errorName(status)}
		}
		d.api.OpenAPI().AddOperation(&huma.Operation{
			OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{tagSystem}, Summary: summary,
			Description: description, Responses: responses,
		})
	}
	object := &huma.Schema{Type: "object"}
	add("/healthz", "get-health", "Ask whether the process is alive", "Answers as long as the process does.", map[string]*huma.MediaType{typeJSON: d.media(Health{Status: "ok"})})
	add("/readyz", "get-readiness", "Ask whether requests can be served", "Proves that every stream still takes writes, that the read models have been read and that the events are followed. Otherwise the problem says what is amiss.",
		map[string]*huma.MediaType{typeJSON: d.media(Health{Status: "ready"})}, http.StatusServiceUnavailable)
	add("/metrics", "get-metrics", "Read the metrics", "Prometheus text format.", text("text/plain", &huma.Schema{Type: "string"}, "vedette_api_stream_clients 1\n"), http.StatusUnauthorized)
	add("/openapi.json", "get-openapi", "Read this document", "OpenAPI 3.1.", text(typeJSON, object, map[string]any{"openapi": "3.1.0"}))
	add("/asyncapi.json", "get-asyncapi", "Read the description of the events on NATS", "AsyncAPI 3.1.", text(typeJSON, object, map[string]any{"asyncapi": "3.1.0"}), http.StatusNotFound)
}
