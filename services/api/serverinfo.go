package api

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// ServerInfo says what a client talks to.
type ServerInfo struct {
	Version   string    `json:"version"`
	StartedAt time.Time `json:"started_at"`
	// TokenWanted tells whether the API wants a token.
	TokenWanted bool `json:"token_wanted"`
	// Events and Results are the ends of the two logs: read models that are behind them lag.
	Events  uint64       `json:"events"`
	Results uint64       `json:"results"`
	Limits  ServerLimits `json:"limits"`
}

// ServerLimits bound what a client may ask for at once.
type ServerLimits struct {
	Streams    int `json:"streams"`
	Writes     int `json:"writes"`
	Executions int `json:"executions"`
	Replays    int `json:"replays"`
	BodyBytes  int `json:"body_bytes"`
	PageItems  int `json:"page_items"`
}

// maxPage is the most items of a page.
const maxPage = 1000

func (s *server) serverRoutes(d *document) {
	register(d, operation{
		id: "get-server", method: http.MethodGet, path: "/server", tag: tagSystem, summary: "Ask what the server is",
		description: "Its version, how far its logs have come, and what it allows at once. `/api/v1/projections` says how far the read models have come.",
		answer: ServerInfo{
			Version: "0.1.0", StartedAt: exampleTime(-time.Hour), Events: 1842, Results: 90210,
			Limits: ServerLimits{Streams: DefaultStreams, Writes: DefaultWrites, Executions: DefaultRuns, Replays: maxReplays, BodyBytes: MaxBody, PageItems: maxPage},
		},
	}, s.getServer)
}

func (s *server) getServer(ctx context.Context, _ *struct{}) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	events, err := s.bus.Last(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the end of the events: %w", err)
	}
	results, err := s.bus.LastResult(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the end of the results: %w", err)
	}
	return &answer{Status: http.StatusOK, Body: ServerInfo{
		Version: s.opt.Version, StartedAt: s.started, TokenWanted: s.opt.AdminToken != "", Events: events, Results: results,
		Limits: ServerLimits{
			Streams: s.opt.MaxStreams, Writes: s.opt.MaxWrites, Executions: s.opt.MaxRuns, Replays: maxReplays, BodyBytes: MaxBody, PageItems: maxPage,
		},
	}}, nil
}

func serverFields() map[string]string {
	return map[string]string{
		"ServerInfo.version": "Of the program.", "started_at": "When the process began to serve.", "token_wanted": "Whether the API wants a token.",
		"ServerInfo.events": "End of the log of events.", "ServerInfo.results": "End of the log of results.", "limits": "What is allowed at once.",
		"streams": "Clients of event streams.", "writes": "Writes in flight.", "executions": "Executions by hand that are waited for.", "replays": "Replays.",
		"body_bytes": "Bytes of a request's body.", "page_items": "Items of a page.", "Result.started_at": "When it began.",
	}
}
