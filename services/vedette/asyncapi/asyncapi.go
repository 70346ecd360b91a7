// Package asyncapi describes every subject that Vedette speaks on NATS as an AsyncAPI 3.1 document,
// built from the message types themselves so that it cannot fall behind them.
package asyncapi

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// object is a JSON object of the document.
type object = map[string]any

// Document returns the AsyncAPI document. version is the program's.
func Document(version string) map[string]any {
	d := &document{
		schemas:    huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
		channels:   object{},
		operations: object{},
		messages:   object{},
	}
	d.commands()
	d.events()
	d.results()
	d.executions()
	d.live()
	return object{
		"asyncapi":           "3.1.0",
		"info":               info(version),
		"defaultContentType": "application/json",
		"servers": object{"nats": object{
			"host": "127.0.0.1:4222", "protocol": "nats",
			"description": "The NATS server with JetStream: the embedded one with --nats-listen, or your own.",
		}},
		"channels":   d.channels,
		"operations": d.operations,
		"components": object{
			"messages":      d.messages,
			"schemas":       d.schemas.Map(),
			"messageTraits": object{"cloudevent": cloudEvent()},
			"parameters": object{
				"id":       object{"description": "Id of the aggregate: [a-z0-9][a-z0-9_-]{0,63}; an incident's is its check's with a number."},
				"location": object{"description": "Name of the location, of the same form as an id."},
				"service":  object{"description": "Id of the service."},
				"check":    object{"description": "Id of the check."},
				"runner":   object{"description": "Id of the runner."},
				"stream":   object{"description": "Stream from which the message was taken."},
				"token":    object{"description": "One subject token."},
			},
		},
	}
}

func info(version string) object {
	return object{
		"title":   "Vedette",
		"version": version,
		"description": "Commands ask for change, events record it. Both are CloudEvents 1.0 in NATS binary mode: " +
			"attributes in ce-* headers, the data as JSON body. Results travel as CloudEvents batches. " +
			"An event type once written stays readable for ever; a new meaning is a new version.",
		"license": object{"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
	}
}

type document struct {
	schemas    huma.Registry
	channels   object
	operations object
	messages   object
}

// add describes one subject and the operation of receiving from it.
func (d *document) add(name, address, description string, messages ...string) {
	refs := object{}
	for _, m := range messages {
		refs[m] = object{"$ref": "#/components/messages/" + m}
	}
	channel := object{"address": address, "description": description, "messages": refs}
	if parameters := parametersOf(address); len(parameters) > 0 {
		channel["parameters"] = parameters
	}
	d.channels[name] = channel
	d.operations["receive"+strings.ToUpper(name[:1])+name[1:]] = object{
		"action": "receive", "channel": object{"$ref": "#/channels/" + name}, "summary": description,
	}
}

func parametersOf(address string) object {
	parameters := object{}
	for token := range strings.SplitSeq(address, ".") {
		if strings.HasPrefix(token, "{") {
			name := strings.Trim(token, "{}")
			parameters[name] = object{"$ref": "#/components/parameters/" + name}
		}
	}
	return parameters
}

// message describes a payload by its Go type and returns the message's name.
func (d *document) message(name, title, contentType string, payload any) string {
	schema := d.schemas.Schema(reflect.TypeOf(payload), true, name)
	m := object{"name": name, "title": title, "payload": schema, "contentType": contentType}
	if contentType == "application/json" {
		m["traits"] = []any{object{"$ref": "#/components/messageTraits/cloudevent"}}
	}
	d.messages[name] = m
	return name
}

func (d *document) commands() {
	for _, c := range monitor.Commands() {
		name := reflect.TypeOf(c).Name()
		kind, _ := c.Aggregate()
		address := fmt.Sprintf("vedette.command.%s.{id}.%s", kind, c.Verb())
		d.add("command"+name, address, fmt.Sprintf("Command %s, in the work queue COMMANDS.", c.Type()), d.message(name, c.Type(), "application/json", c))
	}
}

func (d *document) events() {
	for _, e := range monitor.Events() {
		if _, isResult := monitor.ResultOf(e); isResult {
			continue
		}
		name := reflect.TypeOf(e).Name()
		kind, _ := e.Aggregate()
		message := d.message(name, e.Type(), "application/json", e)
		d.add("event"+name, fmt.Sprintf("vedette.event.%s.{id}.%s", kind, e.Verb()),
			fmt.Sprintf("Event %s, kept for ever in EVENTS. Read it with a consumer of the stream.", e.Type()), message)
		d.add("live"+name, fmt.Sprintf("vedette.live.event.%s.{id}.%s", kind, e.Verb()),
			"The same event as it is committed, best effort; header Nats-Sequence holds its place in EVENTS.", message)
	}
}

func (d *document) results() {
	events := []string{}
	for _, e := range monitor.Events() {
		if _, isResult := monitor.ResultOf(e); isResult {
			events = append(events, d.message(reflect.TypeOf(e).Name(), e.Type(), "application/json", e))
		}
	}
	d.messages["ResultBatch"] = object{
		"name": "ResultBatch", "title": "A CloudEvents batch of results", "contentType": "application/cloudevents-batch+json",
		"payload": object{
			"type":        "array",
			"description": "Structured CloudEvents; a result's position is (stream sequence, index in the array).",
			"items": object{
				"type":     "object",
				"required": []any{"specversion", "id", "type", "source", "data"},
				"properties": object{
					"specversion": object{"type": "string", "const": "1.0"},
					"id":          object{"type": "string", "format": "uuid"},
					"type":        object{"type": "string", "enum": []any{monitor.CheckSucceeded{}.Type(), monitor.CheckFailed{}.Type()}},
					"source":      object{"type": "string"},
					"time":        object{"type": "string", "format": "date-time"},
					"data":        object{"oneOf": []any{object{"$ref": "#/components/schemas/CheckSucceeded"}, object{"$ref": "#/components/schemas/CheckFailed"}}},
				},
			},
		},
	}
	d.add("results", "vedette.result.{location}", "Results of one location, kept for days in RESULTS.", "ResultBatch")
	for i, verb := range []string{monitor.CheckSucceeded{}.Verb(), monitor.CheckFailed{}.Verb()} {
		d.add("live"+events[i], "vedette.live.result.{service}.{check}."+verb, "One stored result, announced best effort.", events[i])
	}
}

func (d *document) executions() {
	d.add("executions", "vedette.execute.{location}", "Due checks for the runners of one location, at most 100 in a message, in the work queue EXECUTIONS.", "ExecuteChecks")
	d.add("ingest", "vedette.ingest.{location}", "A runner's report to the gate, a request that is answered when its results are durable.",
		d.message("Report", "A runner's report", "application/vnd.vedette.report+json", bus.Report{}))
}

func (d *document) live() {
	d.add("liveRunner", "vedette.live.runner.{location}.{runner}", "A runner's sign of life, best effort.", "Report")
	d.add("liveTest", "vedette.live.test.{token}", "The result of an unsaved definition; the token is the execution id, encoded. It is never stored.",
		d.message("Result", "The result of a test", "application/vnd.vedette.result+json", monitor.Result{}))
}

// cloudEvent is the trait of messages in binary mode.
func cloudEvent() object {
	header := func(description string) object { return object{"type": "string", "description": description} }
	return object{
		"name": "cloudevent",
		"headers": object{
			"type":     "object",
			"required": []any{"ce-specversion", "ce-id", "ce-type", "ce-source", "ce-time"},
			"properties": object{
				"ce-specversion":   object{"type": "string", "const": "1.0"},
				"ce-id":            header("UUIDv7 of the message; a command's is its command id."),
				"ce-type":          header("Literal type with its version, such as vedette.check.registered.v1."),
				"ce-source":        header("The part that wrote it, such as /vedette/decider."),
				"ce-subject":       header("<aggregate>/<id>."),
				"ce-time":          header("RFC 3339, UTC."),
				"ce-commandid":     header("The command that caused it."),
				"ce-causationid":   header("The message that directly caused it."),
				"ce-correlationid": header("What the whole chain of causes shares."),
				"ce-actor":         header("Who asked."),
				"ce-revision":      header("The aggregate's revision after it."),
			},
		},
	}
}
