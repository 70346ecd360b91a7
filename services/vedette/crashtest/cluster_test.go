package crashtest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

// TestSeparateProcessesSurviveKills runs every part as its own process against a NATS server, four
// runners sharing 1,000 checks, and kills a runner, the active scheduler and the active projector.
func TestSeparateProcessesSurviveKills(t *testing.T) {
	program := build(t, "github.com/vedette/vedette/services/vedette")
	server := build(t, "github.com/nats-io/nats-server/v2")
	natsPort, httpPort := freePort(t), freePort(t)
	nats := fmt.Sprintf("nats://127.0.0.1:%d", natsPort)
	base := fmt.Sprintf("http://127.0.0.1:%d", httpPort)
	start(t, "nats-server", server, "-js", "-a", "127.0.0.1", "-p", fmt.Sprint(natsPort), "-sd", t.TempDir())

	part := func(name string, args ...string) *process {
		return start(t, name, program, append(args, "--nats-url", nats)...)
	}
	api := part("api", "api", "--http", fmt.Sprintf("127.0.0.1:%d", httpPort))
	part("gate", "gate")
	part("decider", "decider")
	part("notifier", "notifier")
	schedulers := []*process{part("scheduler 1", "scheduler")}
	projectors := []*process{part("projector 1", "projector")}
	awaitReady(t, base, api)
	schedulers = append(schedulers, part("scheduler 2", "scheduler"))
	projectors = append(projectors, part("projector 2", "projector"))
	runners := make([]*process, 4)
	for i := range runners {
		runners[i] = part(fmt.Sprint("runner ", i), "runner", "--location", "default")
	}

	watched, _ := target(t)
	const checks, interval = 1000, 4 * time.Second
	registerMany(t, base, watched, checks, interval)
	awaitResults(t, base, checks, time.Now())

	kill := func(what string, victim *process) outage {
		from := time.Now()
		victim.kill()
		awaitResults(t, base, checks, from.Add(interval))
		t.Logf("%s killed: every check has a result due after that, %s later", what, time.Since(from).Round(time.Millisecond))
		// What the takeover may have held up: the lease or the delivery runs out.
		return outage{from, from.Add(5 * time.Second)}
	}
	outages := []outage{
		kill("a runner", runners[0]),
		kill("the first scheduler", schedulers[0]),
		kill("the first projector", projectors[0]),
	}

	events := all[event](t, base+"/api/v1/events?after=0")
	requireStatusesToChain(t, events)
	for i := 0; i < checks; i += 50 {
		results := all[monitor.Result](t, fmt.Sprintf("%s/api/v1/checks/many-%d/results", base, i))
		require.NotEmpty(t, results)
		requireNoGap(t, results, interval, outages)
	}
	overview := struct {
		Checks map[monitor.Status]int `json:"checks"`
	}{}
	raw := must(t, http.MethodGet, base+"/api/v1/overview", "", nil, http.StatusOK)
	require.NoError(t, json.Unmarshal(raw, &overview))
	require.Equal(t, checks, overview.Checks[monitor.StatusUp], string(raw))
}

func registerMany(t *testing.T, base, watched string, checks int, interval time.Duration) {
	t.Helper()
	must(t, http.MethodPost, base+"/api/v1/services", "web", map[string]any{"id": "web"}, http.StatusCreated)
	work := make(chan int)
	failed := make(chan error, checks)
	done := make(chan struct{})
	const clients = 16
	for range clients {
		go func() {
			for i := range work {
				status, answer, err := send(t.Context(), http.MethodPost, base+"/api/v1/checks", fmt.Sprint("many-", i), map[string]any{
					"id": fmt.Sprint("many-", i), "service": "web", "kind": "http", "target": watched, "interval": interval.String(), "timeout": "2s",
				})
				if err != nil || status != http.StatusCreated {
					failed <- fmt.Errorf("check %d: status %d, %w: %s", i, status, err, answer)
				}
			}
			done <- struct{}{}
		}()
	}
	for i := range checks {
		work <- i
	}
	close(work)
	for range clients {
		<-done
	}
	close(failed)
	for err := range failed {
		require.NoError(t, err)
	}
}

// awaitResults waits until every check has a result that was due after the given time.
func awaitResults(t *testing.T, base string, checks int, since time.Time) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		missing := 0
		for _, c := range all[checkView](t, base+"/api/v1/checks?q=many-") {
			if c.LastResult == nil || c.LastResult.DueAt.Before(since) {
				missing++
			} else {
				require.Equal(t, monitor.OutcomeSuccess, c.LastResult.Outcome, "%s: %s", c.ID, c.LastResult.Error)
			}
		}
		if missing == 0 {
			return
		}
		require.True(t, time.Now().Before(deadline), "%d of %d checks have no result since %s", missing, checks, since)
		<-time.After(200 * time.Millisecond)
	}
}

type checkView struct {
	ID         string          `json:"id"`
	LastResult *monitor.Result `json:"last_result"`
}

// TestADamagedOrUnwritableStoreIsSaid starts on a data folder that is a file.
func TestADamagedOrUnwritableStoreIsSaid(t *testing.T) {
	program := build(t, "github.com/vedette/vedette/services/vedette")
	file := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.WriteFile(file, bytes.Repeat([]byte("x"), 10), 0o600))
	p := start(t, "up", program, "up", "--data", file, "--http", fmt.Sprintf("127.0.0.1:%d", freePort(t)))
	select {
	case <-p.done:
		require.Equal(t, 1, p.cmd.ProcessState.ExitCode())
		require.Contains(t, p.log.Tail(), file, "the message names the folder")
	case <-time.After(20 * time.Second):
		t.Fatalf("it started on a file:\n%s", p.log.Tail())
	}
}
