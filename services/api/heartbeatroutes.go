package api

import (
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/pkg/monitor"
)

func exampleRegistered() RegisteredCheck { return RegisteredCheck{CheckView: exampleCheck()} }

func exampleHeartbeatCheck() RegisteredCheck {
	check := exampleCheck()
	check.ID, check.Name, check.Kind, check.Target = "backup", "Nightly backup", monitor.KindHeartbeat, "backup of db1"
	check.Options = json.RawMessage(`{"token_sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}`)
	check.Assertions, check.Interval, check.Cron, check.TimeZone, check.Grace = nil, 0, "0 2 * * *", "Europe/Vienna", monitor.DefaultGrace
	check.DegradedAfter, check.LastResult, check.LatencyMS = 0, nil, 0
	return RegisteredCheck{CheckView: check, Heartbeat: addressOf("backup.k3wq5nfd7a2mzt4ce6xvbh2ryu")}
}

// heartbeatRoutes describes where heartbeats come in, which takes bodies of any kind.
func (d *document) heartbeatRoutes() {
	token := &huma.Param{
		Name: "token", In: "path", Required: true, Description: "Token of the check.",
		Schema: &huma.Schema{Type: huma.TypeString}, Example: "backup.k3wq5nfd7a2mzt4ce6xvbh2ryu",
	}
	signal := &huma.Param{
		Name: "signal", In: "path", Required: true, Description: "start, success, fail, or an exit code from 0 to 255.",
		Schema: &huma.Schema{Type: huma.TypeString}, Example: "start",
	}
	text := &huma.Schema{Type: huma.TypeString}
	query := []*huma.Param{
		queryParam("message", "What to say with it; 1,000 bytes are kept.", text, "812 files"),
		queryParam("duration", "How long the work took, in seconds or as `3m20s`; without it, the time since `start`.", text, "200"),
		queryParam("exit_code", "Exit code of the work; other than 0 it is a failure, unless the check's assertions judge it.", text, "0"),
	}
	description := "The token is all that is needed: no header, no body. A body in JSON may hold `message`, `duration` and `exit_code`; " +
		"any other is the message. Answered when it is stored. `start` makes no result: it says from when on the work takes its time. " +
		"The check is down when no heartbeat has come a grace after it was expected."
	for _, route := range []struct {
		path, id, summary string
		params            []*huma.Param
	}{
		{"{token}", "heartbeat", "Report that work was done", append([]*huma.Param{token}, query...)},
		{"{token}/{signal}", "heartbeat-signal", "Report that work began, was done or failed", append([]*huma.Param{token, signal}, query...)},
	} {
		for method, suffix := range map[string]string{http.MethodGet: "", http.MethodPost: "-post"} {
			op := &huma.Operation{
				OperationID: route.id + suffix, Method: method, Path: heartbeatPath + route.path, Tags: []string{tagHeartbeats},
				Summary: route.summary, Description: description, Parameters: route.params, Security: []map[string][]string{{}},
				Responses: d.responsesOf("It is stored.", map[string]*huma.MediaType{
					typeJSON: d.media(HeartbeatTaken{Check: "backup", Signal: signalSuccess, Counted: true, Outcome: monitor.OutcomeSuccess}),
				}, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests),
			}
			if method == http.MethodPost {
				op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{
					"text/plain": {Schema: text, Example: "812 files"},
					typeJSON:     {Schema: d.schemas.Schema(reflect.TypeFor[HeartbeatReport](), true, ""), Example: plain(HeartbeatReport{Message: "812 files", Duration: "3m20s"})},
				}}
			}
			d.api.OpenAPI().AddOperation(op)
		}
	}
}
