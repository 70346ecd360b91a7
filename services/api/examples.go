package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

func exampleTime(offset time.Duration) time.Time {
	return time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC).Add(offset)
}

func exampleDefinition() monitor.Definition {
	return monitor.Definition{
		ID: "home", Name: "Home page", Service: "web", Kind: "http", Target: "https://example.org/",
		Options:    json.RawMessage(`{"method":"GET"}`),
		Assertions: []string{"status == 200", "latency < duration('800ms')"},
		Interval:   monitor.Duration(30 * time.Second), Timeout: monitor.Duration(10 * time.Second),
		FailureThreshold: 2, SuccessThreshold: 1, DegradedAfter: monitor.Duration(500 * time.Millisecond),
		Locations: []string{"default"}, Quorum: 1, Labels: map[string]string{"team": "web"},
	}
}

func exampleResult() monitor.Result {
	return monitor.Result{
		ID: "home.3.mmpdcq6w.default", CheckID: "home", Service: "web", Revision: 3, Location: "default", Runner: "runner-1",
		DueAt: exampleTime(0), StartedAt: exampleTime(2 * time.Millisecond), NextDueAt: exampleTime(30 * time.Second),
		DurationMS: 41.7, Outcome: monitor.OutcomeSuccess, Attempts: 1, Observed: map[string]any{"status": 200},
		Timings:    &monitor.Timings{DNS: 1.2, Connect: 3.1, TLS: 9.8, FirstByte: 25, Transfer: 2.6},
		Assertions: []monitor.AssertionResult{{Expression: "status == 200", Passed: true}},
		Trigger:    monitor.TriggerSchedule,
	}
}

func exampleTest() monitor.Result {
	result := exampleResult()
	result.Trigger = monitor.TriggerTest
	result.Assertions[0].Actual = "200"
	result.Wire = []monitor.WireEntry{
		{AtMS: 1.2, What: "lookup", Text: "example.org: 192.0.2.10"},
		{AtMS: 4.3, What: "connect", Text: "192.0.2.10:443"},
		{AtMS: 14.2, What: "sent", Text: "GET / HTTP\nHost: example.org\n\n", Bytes: 34},
		{AtMS: 39.2, What: "received", Text: "HTTP/1.1 200 OK\n\n<!doctype html>", Bytes: 34},
	}
	return result
}

func exampleUptime() map[string]readmodel.Uptime {
	ratio := 0.9993
	return map[string]readmodel.Uptime{"24h": {Ratio: &ratio, Coverage: 0.9997, Expected: 2880, Up: 2877, Down: 2}}
}

func exampleCheck() readmodel.CheckView {
	result := exampleResult()
	return readmodel.CheckView{
		Check: monitor.Check{
			Definition: exampleDefinition(), Revision: 3, Status: monitor.StatusUp, StatusSince: exampleTime(-time.Hour),
			CreatedAt: exampleTime(-24 * time.Hour), UpdatedAt: exampleTime(-2 * time.Hour),
		},
		Sequence: 1842, LastResult: &result, Uptime: exampleUptime(), Recent: "UUUUUUUUDDUUUUUU", LatencyMS: 41.7,
	}
}

func examplePageDefinition() monitor.PageDefinition {
	return monitor.PageDefinition{
		ID: "public", Title: "Example", Description: "What our customers use.", Services: []string{"web"},
		Announcements: []monitor.Announcement{{Title: "Maintenance on Saturday", Text: "The shop is closed for an hour.", At: exampleTime(24 * time.Hour), Until: exampleTime(25 * time.Hour)}},
	}
}

func examplePage() readmodel.StatusPageView {
	return readmodel.StatusPageView{Sequence: 1843, Page: monitor.Page{
		PageDefinition: examplePageDefinition(), Revision: 2, CreatedAt: exampleTime(-24 * time.Hour), UpdatedAt: exampleTime(-time.Hour),
	}}
}

func exampleServiceDefinition() monitor.ServiceDefinition {
	return monitor.ServiceDefinition{
		ID: "web", Name: "Web site", Description: "What visitors see.", Rollup: monitor.RollupWorst, Labels: map[string]string{"team": "web"},
	}
}

func exampleService() readmodel.ServiceView {
	return readmodel.ServiceView{
		Service: monitor.Service{
			ServiceDefinition: exampleServiceDefinition(), Revision: 1, Status: monitor.StatusUp, StatusSince: exampleTime(-time.Hour),
			CreatedAt: exampleTime(-24 * time.Hour), UpdatedAt: exampleTime(-24 * time.Hour),
		},
		Sequence: 1840, Checks: []string{"home", "home-dns"},
	}
}

func exampleIncident() readmodel.IncidentView {
	return readmodel.IncidentView{Sequence: 1843, Incident: monitor.Incident{
		ID: "home-1", CheckID: "home", Service: "web", OpenedAt: exampleTime(-2 * time.Hour), ResolvedAt: exampleTime(-time.Hour),
		Cause: "status == 200 · actual 503", Resolution: "recovered", DurationMS: 3_600_000,
	}}
}

func exampleRunner() readmodel.RunnerView {
	return readmodel.RunnerView{Sequence: 12, Runner: monitor.Runner{
		ID: "runner-1", Location: "default", Host: "watch-1", Version: "0.1.0", Concurrency: 512, JoinedAt: exampleTime(-24 * time.Hour),
	}}
}

func exampleEvent() Event {
	return Event{
		SpecVersion: "1.0", ID: "0197c0de-7a2b-7c11-9d51-3f1f2e6f8a10", Type: monitor.CheckStatusChanged{}.Type(),
		Source: "/vedette/decider", Subject: "check/home", Time: exampleTime(0), DataContentType: typeJSON, Sequence: "1842",
		CausationID: "home.3.mmpdcq6w.default", CorrelationID: "home.3.mmpdcq6w.default", Revision: 3,
		Data: map[string]any{"check_id": "home", "service": "web", "from": "up", "to": "down", "at": exampleTime(0), "reason": "status == 200 · actual 503"},
	}
}

const exampleStream = "retry: 1000\n: vedette\n\n" +
	"id: 1842\nevent: vedette.check.status_changed.v1\n" +
	"data: {\"specversion\":\"1.0\",\"id\":\"0197c0de-7a2b-7c11-9d51-3f1f2e6f8a10\",\"type\":\"vedette.check.status_changed.v1\",…}\n\n"

func exampleOutcome() Command {
	return Command{State: stateAccepted, Outcome: bus.Outcome{
		CommandID: "0197c0de-7a2b-7c11-9d51-3f1f2e6f8a10", Aggregate: "check", ID: "home", Revision: 3, Sequence: 1842,
	}}
}

// exampleProblems has one problem for each status that routes have.
func exampleProblems() []*Problem {
	all := []*Problem{
		problem(http.StatusBadRequest, "json", "the body is not valid JSON, at line 3, column 14: invalid character '}' looking for beginning of value"),
		problem(http.StatusUnauthorized, "token", "this needs the admin token: send the header Authorization: Bearer TOKEN"),
		problem(http.StatusForbidden, "origin", "a page of \"https://example.net\" may not change anything here"),
		problem(http.StatusNotFound, "not-found", "check \"home\" not found"),
		problem(http.StatusConflict, "exists", "check \"home\" already exists: choose another id, or update the check"),
		problem(http.StatusPreconditionFailed, "revision", "check \"home\" is at revision 4, not 3: revision does not match: read it again and repeat the change"),
		problem(http.StatusRequestEntityTooLarge, "too-large", "the body is longer than 1048576 bytes: send less"),
		problem(http.StatusUnsupportedMediaType, "content-type", "the body must be application/json in UTF-8: set the header Content-Type"),
		invalid(monitor.Problems{
			{Field: "interval", Message: "500ms is out of bounds: use 1s to 24h"},
			{Field: "tagret", Message: "is not known: did you mean target?"},
		}),
		problem(http.StatusTooManyRequests, "busy", "256 writes are in flight, as many as this server takes: try again"),
		problem(http.StatusInternalServerError, "internal", "something went wrong here; the server's log says what"),
		problem(http.StatusNotImplemented, "integrity", "the event log of this server is kept in memory, and cannot be verified"),
		problem(http.StatusServiceUnavailable, "starting", "the read models are still being read: try again in a moment"),
		problem(http.StatusGatewayTimeout, "undecided", "the write was not decided within 10s: if it was stored it will be"),
	}
	for _, p := range all {
		p.Instance = base + "/checks/home"
	}
	return all
}
