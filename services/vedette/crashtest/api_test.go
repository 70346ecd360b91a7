package crashtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

// send makes one request with an idempotency key, and returns the status and the body.
func send(ctx context.Context, method, url, key string, body any) (int, []byte, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(raw))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	answer, err := io.ReadAll(response.Body)
	if closing := response.Body.Close(); err == nil {
		err = closing
	}
	return response.StatusCode, answer, err
}

// must sends until the request is answered with one of the wanted statuses.
func must(t *testing.T, method, url, key string, body any, want ...int) []byte {
	t.Helper()
	status, answer, err := send(t.Context(), method, url, key, body)
	require.NoError(t, err)
	require.Contains(t, want, status, "%s %s: %s", method, url, answer)
	return answer
}

// event is an event as the API gives it.
type event struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	CommandID string          `json:"commandid"`
	Time      time.Time       `json:"time"`
	Data      json.RawMessage `json:"data"`
}

type page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor"`
	Total      int    `json:"total"`
}

// all reads every page of a list. For /events that is oldest first, from the beginning.
func all[T any](t *testing.T, list string) []T {
	t.Helper()
	var items []T
	for cursor := ""; ; {
		at, err := url.Parse(list)
		require.NoError(t, err)
		query := at.Query()
		query.Set("limit", "500")
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		at.RawQuery = query.Encode()
		status, raw, err := send(t.Context(), http.MethodGet, at.String(), "", nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status, string(raw))
		var p page[T]
		require.NoError(t, json.Unmarshal(raw, &p))
		items = append(items, p.Items...)
		if cursor = p.NextCursor; cursor == "" || len(p.Items) == 0 {
			return items
		}
	}
}

// requireStatusesToChain fails when a check or service changed its status twice to the same, or
// from another than it had: when something was decided twice or lost.
func requireStatusesToChain(t *testing.T, events []event) (changes int) {
	t.Helper()
	last := map[string]monitor.Status{}
	for _, e := range events {
		var subject string
		var from, to monitor.Status
		switch e.Type {
		case monitor.CheckStatusChanged{}.Type():
			var data monitor.CheckStatusChanged
			require.NoError(t, json.Unmarshal(e.Data, &data))
			subject, from, to = "check "+data.CheckID, data.From, data.To
		case monitor.ServiceStatusChanged{}.Type():
			var data monitor.ServiceStatusChanged
			require.NoError(t, json.Unmarshal(e.Data, &data))
			subject, from, to = "service "+data.ServiceID, data.From, data.To
		case monitor.CheckRegistered{}.Type():
			var data monitor.CheckRegistered
			require.NoError(t, json.Unmarshal(e.Data, &data))
			delete(last, "check "+data.Definition.ID)
			continue
		default:
			continue
		}
		changes++
		if before, known := last[subject]; known {
			require.Equal(t, before, from, "%s: the change to %s does not follow from the one before", subject, to)
		}
		last[subject] = to
	}
	return changes
}

// requireNoGap fails when two executions of a check in a row were further apart than its interval
// and what the restarts in between took.
func requireNoGap(t *testing.T, results []monitor.Result, interval time.Duration, outages []outage) {
	t.Helper()
	seen := map[string]bool{}
	var last time.Time
	for _, r := range slices.Backward(results) { // newest first
		require.False(t, seen[r.ID], "result %s is there twice", r.ID)
		seen[r.ID] = true
		if !last.IsZero() && r.DueAt.After(last) {
			allowed := interval
			for _, o := range outages {
				if o.from.Before(r.DueAt.Add(interval)) && o.to.After(last) {
					allowed += o.to.Sub(o.from) + interval
				}
			}
			require.LessOrEqual(t, r.DueAt.Sub(last), allowed, "%s was not executed between %s and %s", r.CheckID, last, r.DueAt)
		}
		if r.DueAt.After(last) {
			last = r.DueAt
		}
	}
}

// outage is the time between a kill and being ready again.
type outage struct{ from, to time.Time }
