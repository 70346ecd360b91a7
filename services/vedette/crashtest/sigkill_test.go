package crashtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

// TestKilledAtAnyMoment kills the whole program while commands and results flow, again and again.
// Afterwards every acknowledged command is in EVENTS exactly once, no status changed twice, and no
// check was skipped for longer than its interval and the restarts.
func TestKilledAtAnyMoment(t *testing.T) {
	interrupt(t, rounds(t, 5), func(p *process) { p.kill() })
}

// TestStoppedAtAnyMoment does the same with SIGTERM: stopping in good order loses no more than that.
func TestStoppedAtAnyMoment(t *testing.T) {
	interrupt(t, rounds(t, 3), func(p *process) { p.stop(t) })
}

func interrupt(t *testing.T, times int, end func(*process)) {
	t.Helper()
	program := build(t, "github.com/vedette/vedette/services/vedette")
	data, port := t.TempDir(), freePort(t)
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	up := func() *process {
		p := start(t, "up", program, "up", "--data", data, "--http", fmt.Sprintf("127.0.0.1:%d", port))
		awaitReady(t, base, p)
		return p
	}
	watched, setStatus := target(t)

	p := up()
	must(t, http.MethodPost, base+"/api/v1/services", "web", map[string]any{"id": "web"}, http.StatusCreated)
	const steady = 20
	for i := range steady {
		must(t, http.MethodPost, base+"/api/v1/checks", fmt.Sprint("steady-", i), map[string]any{
			"id": fmt.Sprint("steady-", i), "service": "web", "kind": "http", "target": watched, "interval": "1s",
		}, http.StatusCreated)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	clients := newClients(base, watched)
	var running sync.WaitGroup
	for i := range 4 {
		running.Go(func() { clients.work(ctx, i) })
	}
	var outages []outage
	statuses := []int{http.StatusOK, http.StatusServiceUnavailable}
	for round := range times {
		setStatus(statuses[round%2])
		select {
		case <-p.done:
			t.Fatalf("it ended by itself:\n%s", p.log.Tail())
		case <-time.After(time.Duration(300+rand.IntN(2500)) * time.Millisecond):
		}
		from := time.Now()
		end(p)
		p = up()
		outages = append(outages, outage{from, time.Now()})
	}
	cancel()
	running.Wait()

	events := all[event](t, base+"/api/v1/events?after=0")
	clients.requireOnce(t, events)
	changes := requireStatusesToChain(t, events)
	t.Logf("%d interruptions, %d commands acknowledged, %d events, %d changes of status", len(outages), len(clients.acknowledged), len(events), changes)
	require.NotZero(t, changes)
	for i := range steady {
		results := all[monitor.Result](t, fmt.Sprintf("%s/api/v1/checks/steady-%d/results", base, i))
		require.NotEmpty(t, results)
		requireNoGap(t, results, time.Second, outages)
	}
	p.stop(t)
}

// clients send commands and note which ones were acknowledged.
type clients struct {
	base, target string
	mu           sync.Mutex
	acknowledged map[string]string // what the command did, by its key
}

func newClients(base, target string) *clients {
	return &clients{base: base, target: target, acknowledged: make(map[string]string)}
}

// work registers checks and deletes every other one. A command is sent until it is acknowledged,
// always with the same key, as a careful client does.
func (c *clients) work(ctx context.Context, client int) {
	for n := 0; ctx.Err() == nil; n++ {
		id := fmt.Sprintf("c%d-%d", client, n)
		c.insist(ctx, http.MethodPost, "/api/v1/checks", "register-"+id, map[string]any{
			"id": id, "service": "web", "kind": "http", "target": c.target, "interval": "30s", "paused": true,
		})
		if n%2 == 0 {
			c.insist(ctx, http.MethodDelete, "/api/v1/checks/"+id, "delete-"+id, nil)
		}
	}
}

func (c *clients) insist(ctx context.Context, method, path, key string, body any) {
	for ctx.Err() == nil {
		status, _, err := send(ctx, method, c.base+path, key, body)
		if err == nil && status < http.StatusMultipleChoices {
			c.mu.Lock()
			c.acknowledged[key] = method
			c.mu.Unlock()
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c *clients) requireOnce(t *testing.T, events []event) {
	t.Helper()
	registered, deleted := map[string]int{}, map[string]int{}
	for _, e := range events {
		switch e.Type {
		case monitor.CheckRegistered{}.Type():
			var data monitor.CheckRegistered
			require.NoError(t, json.Unmarshal(e.Data, &data))
			registered["register-"+data.Definition.ID]++
		case monitor.CheckDeleted{}.Type():
			var data monitor.CheckDeleted
			require.NoError(t, json.Unmarshal(e.Data, &data))
			deleted["delete-"+data.CheckID]++
		}
	}
	require.NotEmpty(t, c.acknowledged)
	for key, method := range c.acknowledged {
		counts := registered
		if method == http.MethodDelete {
			counts = deleted
		}
		require.Equal(t, 1, counts[key], "command %s", key)
	}
	for key, n := range registered {
		require.Equal(t, 1, n, "command %s, acknowledged or not", key)
	}
}
