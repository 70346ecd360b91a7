package crashtest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAReconnectingClientSeesEveryEventOnce follows the event stream, results included, while
// commands and results flow, hanging up a hundred times at no particular place.
func TestAReconnectingClientSeesEveryEventOnce(t *testing.T) {
	program := build(t, "github.com/vedette/vedette/services/vedette")
	port := freePort(t)
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	p := start(t, "up", program, "up", "--data", t.TempDir(), "--http", fmt.Sprintf("127.0.0.1:%d", port))
	awaitReady(t, base, p)
	watched, setStatus := target(t)
	must(t, http.MethodPost, base+"/api/v1/services", "web", map[string]any{"id": "web"}, http.StatusCreated)
	for i := range 50 {
		must(t, http.MethodPost, base+"/api/v1/checks", fmt.Sprint("s-", i), map[string]any{
			"id": fmt.Sprint("s-", i), "service": "web", "kind": "http", "target": watched, "interval": "1s",
		}, http.StatusCreated)
	}
	ctx, cancel := context.WithCancel(t.Context())
	load := newClients(base, watched)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		load.work(ctx, 0)
	}()

	reader := &streamReader{url: base + "/api/v1/events/stream?after=0&results=true"}
	statuses := []int{http.StatusOK, http.StatusServiceUnavailable}
	for connection := range 100 {
		setStatus(statuses[connection/10%2])
		// Between 1 and 40 events each, so that it hangs up at every kind of place.
		reader.read(t, 1+connection*7%40)
	}
	cancel()
	<-stopped

	want := all[event](t, base+"/api/v1/events?after=0")
	last := want[len(want)-1].ID
	reader.readUntil(t, last)
	seen := map[string]int{}
	for _, e := range reader.events {
		seen[e.ID]++
		require.Equal(t, 1, seen[e.ID], "%s %s came twice", e.Type, e.ID)
	}
	for i, e := range want {
		require.Equal(t, 1, seen[e.ID], "event %d of %d, %s, is missing", i, len(want), e.Type)
	}
	require.Greater(t, len(reader.events), len(want), "results came too")
	p.stop(t)
}

// streamReader reads the stream in pieces, each on a connection of its own.
type streamReader struct {
	url    string
	lastID string
	events []event
}

func (r *streamReader) read(t *testing.T, n int) {
	t.Helper()
	end := len(r.events) + n
	r.connect(t, func(event) bool { return len(r.events) >= end })
}

func (r *streamReader) readUntil(t *testing.T, id string) {
	t.Helper()
	for _, e := range r.events {
		if e.ID == id {
			return
		}
	}
	r.connect(t, func(e event) bool { return e.ID == id })
}

func (r *streamReader) connect(t *testing.T, enough func(event) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	require.NoError(t, err)
	if r.lastID != "" {
		request.Header.Set("Last-Event-ID", r.lastID)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	require.Equal(t, http.StatusOK, response.StatusCode)
	lines := bufio.NewReader(response.Body)
	id := ""
	for {
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		if text, ok := strings.CutPrefix(line, "id:"); ok {
			id = strings.TrimSpace(text)
		}
		if text, ok := strings.CutPrefix(line, "data:"); ok {
			var e event
			require.NoError(t, json.Unmarshal([]byte(text), &e))
			r.events = append(r.events, e)
			// A client has an event when its data and id have come; the blank line is formality.
			r.lastID = id
			if enough(e) {
				return
			}
		}
	}
}
