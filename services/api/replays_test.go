package api

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/replay"
)

// withOutage is a service whose check failed twice; nothing decided that.
func withOutage(t *testing.T, w *world) {
	t.Helper()
	w.happen(monitor.ServiceRegistered{Definition: monitor.ServiceDefinition{ID: "web"}.WithDefaults()})
	w.happen(monitor.CheckRegistered{Definition: monitor.Definition{ID: "home", Service: "web", Kind: "http", Target: "https://example.org/", FailureThreshold: 3}.WithDefaults()})
	for i, outcome := range []monitor.Outcome{monitor.OutcomeSuccess, monitor.OutcomeFailure, monitor.OutcomeFailure, monitor.OutcomeSuccess} {
		now := time.Now().UTC()
		w.find(monitor.Result{ID: fmt.Sprint("home-", i), CheckID: "home", Location: "default", DueAt: now, StartedAt: now, Outcome: outcome})
	}
}

const question = `{"service":"web","from":"-1h","set":{"failure_threshold":2}}`

func TestReplaysAreAnswered(t *testing.T) {
	w := newWorld(t)
	withOutage(t, w)
	var report replay.Report
	w.want(200, "POST", "/api/v1/replays", question).into(t, &report)
	require.Equal(t, 1, report.Would.Incidents)
	require.Equal(t, replay.Gained, report.Incidents[0].Kind)
	require.Equal(t, 4, report.Results)
	require.Equal(t, 2, *report.Set.FailureThreshold)
	require.NotNil(t, report.OfService)
	w.want(200, "POST", "/api/v1/replays", `{"service":"web","from":"-1h","set":{"failure_threshold":2,"maintenance":[{"cron":"* * * * *","duration":"2m"}]}}`).into(t, &report)
	require.Empty(t, report.Incidents, "all of it is maintenance")
	events := w.bus
	last, err := events.Last(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, last, "nothing is written")
}

func TestWhatCannotBeReplayedIsRefusedAllAtOnce(t *testing.T) {
	w := newWorld(t)
	withOutage(t, w)
	p := w.want(422, "POST", "/api/v1/replays", `{"service":"web","check":"home","from":"yesterday","color":1,"set":{"interval":"1m","target":"x","quorum":"many","failure_threshold":0}}`).problem(t)
	fields := []string{}
	for _, e := range p.Errors {
		fields = append(fields, e.Field)
	}
	require.ElementsMatch(t, []string{"color", "from", "set.interval", "set.quorum", "set.target", "check"}, fields)
	require.Contains(t, p.Detail, "set.interval: cannot be replayed: what would have been found at other times is not recorded")
	require.Contains(t, w.want(422, "POST", "/api/v1/replays", `{"service":"web","from":"-1h","set":{"depends_on":["router"]}}`).problem(t).Detail, "do not depend on each other")
	require.Contains(t, w.want(422, "POST", "/api/v1/replays", `{"service":"web","from":"-1h","set":{"maintenance":[{"from":"2026-03-14T09:00:00Z"}]}}`).problem(t).Detail, "set.maintenance[0]: needs from, and to after it")
	require.Contains(t, w.want(422, "POST", "/api/v1/replays", `{"service":"web","from":"-1h","set":{"quorum":2}}`).problem(t).Detail, "set.quorum: 2 is out of bounds")
	require.Contains(t, w.want(422, "POST", "/api/v1/replays", `{"service":"web","from":"-1h","set":{"assertions":["status = 200"]}}`).problem(t).Detail, "set.assertions[0]")
	w.want(404, "POST", "/api/v1/replays", `{"check":"none","from":"-1h"}`)
	w.want(422, "POST", "/api/v1/replays", `{"check":"home","from":"-1h","to":"2999-01-01T00:00:00Z"}`)
	w.want(400, "POST", "/api/v1/replays", `[]`)
}

// told reads the events of a stream: kind and data, in turns.
func (w *world) told(t *testing.T, body string) (kinds []string, last string) {
	t.Helper()
	return w.toldBy(t, "/api/v1/replays", body)
}

func (w *world) toldBy(t *testing.T, path, body string) (kinds []string, last string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Content-Type", "application/json")
	response, err := w.client.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	require.Equal(t, 200, response.StatusCode)
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if kind, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			kinds = append(kinds, kind)
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			last = data
		}
	}
	require.NoError(t, lines.Err())
	return kinds, last
}

func TestReplaysTellHowFarTheyHaveCome(t *testing.T) {
	w := newWorld(t)
	withOutage(t, w)
	kinds, last := w.told(t, question)
	require.GreaterOrEqual(t, len(kinds), 3)
	require.Equal(t, "progress", kinds[0])
	require.Equal(t, "report", kinds[len(kinds)-1])
	require.Contains(t, last, `"kind":"gained"`)
	kinds, last = w.told(t, `{"check":"none","from":"-1h"}`)
	require.Equal(t, "problem", kinds[len(kinds)-1])
	require.Contains(t, last, `"status":404`)
	require.Contains(t, last, `"instance":"/api/v1/replays"`)
}

// halting is a bus whose results never end, all of them the same: no replay comes to its end by them.
type halting struct {
	*bus.Memory
	reading chan struct{}
	ended   chan struct{}
}

func (h halting) FollowResults(ctx context.Context, after uint64, handle func([]monitor.EventMessage) error, caughtUp func()) error {
	if caughtUp == nil { // the api's own tail
		return h.Memory.FollowResults(ctx, after, handle, nil)
	}
	h.reading <- struct{}{}
	defer func() { h.ended <- struct{}{} }()
	for ctx.Err() == nil {
		if err := handle([]monitor.EventMessage{{Meta: monitor.Meta{Sequence: 1}, Event: monitor.CheckSucceeded{}}}); err != nil {
			return err
		}
		runtime.Gosched()
	}
	return nil
}

func TestReplaysEndWithTheirClientAndAreFew(t *testing.T) {
	// What judges assertions again needs whole results.
	const question = `{"service":"web","from":"-1h","set":{"assertions":["status == 200"]}}`
	h := halting{reading: make(chan struct{}, 10), ended: make(chan struct{}, 10)}
	w := newWorldOn(t, func(m *bus.Memory) Bus {
		h.Memory = m
		return h
	})
	withOutage(t, w)
	var leave []context.CancelFunc
	for range maxReplays {
		ctx, cancel := context.WithCancel(t.Context())
		leave = append(leave, cancel)
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base+"/api/v1/replays", strings.NewReader(question))
		require.NoError(t, err)
		request.Header.Set("Accept", "text/event-stream")
		request.Header.Set("Content-Type", "application/json")
		response, err := w.client.Do(request)
		require.NoError(t, err)
		t.Cleanup(func() { _ = response.Body.Close() })
		<-h.reading
	}
	p := w.want(429, "POST", "/api/v1/replays", question).problem(t)
	require.Contains(t, p.Detail, "2 replays are at work")
	for _, cancel := range leave {
		cancel()
		<-h.ended
	}
}

func TestAReplayThatNobodyWaitsForEnds(t *testing.T) {
	h := halting{reading: make(chan struct{}, 10), ended: make(chan struct{}, 10)}
	w := newWorldOn(t, func(m *bus.Memory) Bus {
		h.Memory = m
		return h
	})
	withOutage(t, w)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		defer close(left)
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base+"/api/v1/replays", strings.NewReader(`{"service":"web","from":"-1h","set":{"assertions":["status == 200"]}}`))
		if err != nil {
			return
		}
		request.Header.Set("Content-Type", "application/json")
		if response, err := w.client.Do(request); err == nil {
			_ = response.Body.Close()
		}
	}()
	<-h.reading
	leave()
	<-left
	<-h.ended
}
