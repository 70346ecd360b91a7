package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

type resultList struct {
	CheckID
	Listing
	From    time.Time `query:"from" doc:"Only results due at this time or later." example:"2026-03-14T00:00:00Z"`
	To      time.Time `query:"to" doc:"Only results due before this time." example:"2026-03-15T00:00:00Z"`
	Outcome []string  `query:"outcome,explode" doc:"Only results of these outcomes, separated by commas." example:"[\"failure\"]"`
}

type latencyRead struct {
	CheckID
	Window string `query:"window" default:"24h" doc:"How far back: 24h and 7d in steps of an hour, 30d and 90d in steps of a day." example:"24h"`
}

// UptimeReport is the uptime of a check by window.
type UptimeReport struct {
	CheckID string                      `json:"check_id"`
	Windows map[string]readmodel.Uptime `json:"windows"`
	readmodel.Instant
}

type uptimeRead struct {
	CheckID
	Then
}

// LatencySeries is the latency of a check over a window.
type LatencySeries struct {
	CheckID string                   `json:"check_id"`
	Window  string                   `json:"window"`
	Step    monitor.Duration         `json:"step"`
	Points  []readmodel.LatencyPoint `json:"points"`
}

func (s *server) resultRoutes(d *document) {
	notFound := []int{http.StatusNotFound, http.StatusUnprocessableEntity}
	register(d, operation{
		id: "list-results", method: http.MethodGet, path: "/checks/{id}/results", tag: tagResults, summary: "List the results of a check",
		description: "Newest first.", errors: notFound,
		answer: readmodel.Page[monitor.Result]{Items: []monitor.Result{exampleResult()}, Total: 1},
	}, s.listResults)
	register(d, operation{
		id: "get-uptime", method: http.MethodGet, path: "/checks/{id}/uptime", tag: tagResults, summary: "Read the uptime and coverage of a check",
		description: "Time without data is never counted as up or down: it lowers the coverage. With `at`, the windows end then; those of which not all is kept are left out.", errors: notFound,
		answer: UptimeReport{CheckID: "home", Windows: exampleUptime()},
	}, s.getUptime)
	register(d, operation{
		id: "get-latency", method: http.MethodGet, path: "/checks/{id}/latency", tag: tagResults, summary: "Read the latency of a check over time",
		description: "Quantiles, accurate to one percent.", errors: notFound,
		answer: LatencySeries{CheckID: "home", Window: "24h", Step: monitor.Duration(time.Hour), Points: []readmodel.LatencyPoint{{At: exampleTime(0), Count: 120, P50: 41.2, P95: 63.9, P99: 112.4}}},
	}, s.getLatency)
}

func (s *server) listResults(ctx context.Context, in *resultList) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	var p monitor.Problems
	outcomes := outcomesOf(&p, in.Outcome)
	if !in.From.IsZero() && !in.To.IsZero() && !in.From.Before(in.To) {
		p.Add("to", "%s is not after from: nothing is between them", in.To.Format(time.RFC3339))
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if _, err := s.reads.Check(ctx, in.ID); err != nil {
		return nil, err
	}
	page, err := s.reads.Results(ctx, in.ID, readmodel.ResultQuery{From: in.From, To: in.To, Outcomes: outcomes, Limit: in.Limit, Cursor: in.Cursor})
	return listed(page, err)
}

func outcomesOf(p *monitor.Problems, texts []string) []monitor.Outcome {
	var outcomes []monitor.Outcome
	for _, text := range texts {
		for _, one := range split(text) {
			outcome := monitor.Outcome(one)
			if !slices.Contains(monitor.Outcomes(), outcome) {
				p.Add("outcome", "%.80q is no outcome: use %s", one, joined(monitor.Outcomes()))
			}
			outcomes = append(outcomes, outcome)
		}
	}
	return outcomes
}

func (s *server) getUptime(ctx context.Context, in *uptimeRead) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	if in.isPast() {
		return s.uptimeThen(ctx, in)
	}
	if _, err := s.reads.Check(ctx, in.ID); err != nil {
		return nil, err
	}
	windows, err := s.reads.Uptime(ctx, in.ID, s.now())
	if err != nil {
		return nil, err
	}
	return &answer{Status: http.StatusOK, Body: UptimeReport{CheckID: in.ID, Windows: windows}}, nil
}

func (s *server) uptimeThen(ctx context.Context, in *uptimeRead) (*answer, error) {
	moment, err := s.moment(ctx, in.Then)
	if err != nil {
		return nil, err
	}
	windows, err := moment.Uptime(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	instant := readmodel.Instant{At: moment.At(), ResultsKeptSince: moment.ResultsKeptSince()}
	return &answer{Status: http.StatusOK, Body: UptimeReport{CheckID: in.ID, Windows: windows, Instant: instant}}, nil
}

// steps are the windows of a latency series, with the time between its points.
func steps() map[string]time.Duration {
	return map[string]time.Duration{"24h": time.Hour, "7d": time.Hour, "30d": 24 * time.Hour, "90d": 24 * time.Hour}
}

func (s *server) getLatency(ctx context.Context, in *latencyRead) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	step, ok := steps()[in.Window]
	if !ok {
		return nil, invalidField("window", "%.80q is no window: use 24h, 7d, 30d or 90d", in.Window)
	}
	if _, err := s.reads.Check(ctx, in.ID); err != nil {
		return nil, err
	}
	points, err := s.reads.Latency(ctx, in.ID, in.Window, s.now())
	if err != nil {
		return nil, err
	}
	if points == nil {
		points = []readmodel.LatencyPoint{}
	}
	return &answer{Status: http.StatusOK, Body: LatencySeries{CheckID: in.ID, Window: in.Window, Step: monitor.Duration(step), Points: points}}, nil
}
