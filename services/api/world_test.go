package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp keeps the date of the header Date, for as long as the process lives.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// Its pool of workers looks every ten seconds whether it was stopped.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

// world is an api on a loopback port with what it needs around it: somebody who decides commands,
// and somebody who projects.
type world struct {
	t    *testing.T
	bus  *bus.Memory
	base string
	stop func()
	// registry has the api's metrics.
	registry *prometheus.Registry
	client   *http.Client
	board    *monitor.Board
	mu       sync.Mutex
	commands []monitor.CommandMessage
}

func newWorld(t *testing.T, change ...func(*Options)) *world {
	return newWorldOn(t, nil, change...)
}

// newWorldOn lets a test stand between the api and the bus.
func newWorldOn(t *testing.T, between func(*bus.Memory) Bus, change ...func(*Options)) *world {
	t.Helper()
	table, err := kinds.Table()
	require.NoError(t, err)
	w := &world{
		t: t, bus: bus.NewMemory(), registry: prometheus.NewRegistry(), board: monitor.NewBoard(),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: 20 * time.Second},
	}
	listening := make(chan net.Addr, 1)
	opt := Options{
		Address: "127.0.0.1:0", Table: table, Version: "0.0.0", Registerer: w.registry, Gatherer: w.registry,
		Listening: func(a net.Addr) { listening <- a }, Log: slog.New(slog.NewTextHandler(testLog{t}, nil)),
		AsyncAPI: []byte("asyncapi: 3.1.0\ninfo:\n  title: Vedette\n"),
		Assets: fstest.MapFS{
			"index.html":             {Data: []byte("<!doctype html><title>Vedette</title>")},
			"assets/app-B3xk9aQ1.js": {Data: []byte("export {}")},
			"icon.svg":               {Data: []byte("<svg/>")},
		},
	}
	for _, c := range change {
		c(&opt)
	}
	var b Bus = w.bus
	if between != nil {
		b = between(w.bus)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	failed := make(chan error, 3)
	running.Go(func() { failed <- w.decide(ctx) })
	running.Go(func() { failed <- w.project(ctx) })
	served := make(chan error, 1)
	serving, stopServing := context.WithCancel(ctx)
	running.Go(func() { served <- Run(serving, b, opt) })
	w.stop = sync.OnceFunc(func() {
		w.client.CloseIdleConnections()
		stopServing()
		require.NoError(t, <-served)
		cancel()
		running.Wait()
		close(failed)
		for err := range failed {
			require.NoError(t, err)
		}
	})
	t.Cleanup(w.stop)
	select {
	case a := <-listening:
		w.base = "http://" + a.String()
	case err := <-served:
		served <- err
		require.NoError(t, err)
	}
	w.awaitReady()
	return w
}

// testLog shows the log of a test that fails.
type testLog struct{ t *testing.T }

func (l testLog) Write(line []byte) (int, error) {
	l.t.Helper()
	l.t.Log(strings.TrimSpace(string(line)))
	return len(line), nil
}

func (w *world) awaitReady() {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		response, err := w.client.Get(w.base + "/readyz")
		if err != nil {
			return false
		}
		defer func() { _ = response.Body.Close() }()
		_, _ = io.Copy(io.Discard, response.Body)
		return response.StatusCode == http.StatusOK
	}, 10*time.Second, 5*time.Millisecond)
}

// decide is the decider: the domain's own decisions, appended with their expectations.
func (w *world) decide(ctx context.Context) error {
	return w.bus.ServeCommands(ctx, []string{"check", "service", "page", "correction"}, func(ctx context.Context, commands []monitor.CommandMessage) ([]bus.Outcome, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		var outcomes []bus.Outcome
		for _, m := range commands {
			w.commands = append(w.commands, m)
			outcome, err := w.decideOne(ctx, m)
			if err != nil {
				return nil, err
			}
			outcomes = append(outcomes, outcome)
		}
		return outcomes, nil
	})
}

func (w *world) decideOne(ctx context.Context, m monitor.CommandMessage) (bus.Outcome, error) {
	kind, id := m.Command.Aggregate()
	outcome := bus.Outcome{CommandID: m.ID, Aggregate: kind, ID: id}
	decision, err := w.board.Decide(m, time.Now())
	if err != nil {
		outcome.Refusal = bus.Refuse(err)
		if outcome.Refusal == nil {
			return outcome, err
		}
		return outcome, nil
	}
	outcome.Revision, outcome.Sequence = decision.Revision, decision.Sequence
	if len(decision.Events) == 0 {
		return outcome, nil
	}
	written, err := w.append(ctx, m.ID, decision.Events...)
	if err != nil {
		return outcome, err
	}
	outcome.Sequence = written[len(written)-1].Sequence
	return outcome, nil
}

// append writes events and folds them. Called with mu held.
func (w *world) append(ctx context.Context, commandID string, events ...monitor.Event) ([]monitor.EventMessage, error) {
	now := time.Now().UTC()
	batch := bus.Batch{Expect: make(map[bus.Aggregate]uint64)}
	for i, revision := range w.board.Revisions(events) {
		of := bus.AggregateOf(events[i])
		batch.Expect[of] = w.board.LastSequence(of.Kind, of.ID)
		batch.Events = append(batch.Events, monitor.EventMessage{Event: events[i], Meta: monitor.Meta{
			ID: cloudevents.NewID(), Source: "/vedette/decider", Time: now, CommandID: commandID, Revision: revision,
		}})
	}
	written, err := w.bus.Append(ctx, batch)
	for _, m := range written {
		w.board.Evolve(m)
	}
	return written, err
}

// happen writes events that nobody asked for.
func (w *world) happen(events ...monitor.Event) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.append(w.t.Context(), "", events...)
	require.NoError(w.t, err)
}

// find writes results of one location.
func (w *world) find(results ...monitor.Result) {
	w.t.Helper()
	messages := make([]monitor.EventMessage, len(results))
	for i, r := range results {
		messages[i] = monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{ID: cloudevents.NewID(), Source: "/vedette/gate", Time: time.Now().UTC()}}
	}
	_, err := w.bus.AppendResults(w.t.Context(), "default", messages)
	require.NoError(w.t, err)
}

// project is the projector: the folds, flushed after each batch.
func (w *world) project(ctx context.Context) error {
	var running sync.WaitGroup
	failed := make(chan error, 16)
	for _, p := range readmodel.Projections() {
		running.Go(func() { failed <- w.projectOne(ctx, p) })
	}
	running.Wait()
	close(failed)
	var all error
	for err := range failed {
		all = errors.Join(all, err)
	}
	return all
}

func (w *world) projectOne(ctx context.Context, p readmodel.Projection) error {
	bucket, err := w.bus.Bucket(ctx, p.Name())
	if err != nil {
		return err
	}
	state := readmodel.Checkpoint{Name: p.Name(), Version: p.Version()}
	var revision uint64
	flush := func() error {
		raw, err := json.Marshal(state)
		if err != nil {
			return err
		}
		puts := make(map[string][]byte)
		for _, change := range p.Dirty() {
			puts[change.Key] = change.Value
		}
		revision, err = bucket.Flush(ctx, puts, raw, revision)
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if err := flush(); err != nil {
		return err
	}
	handle := func(messages []monitor.EventMessage) error {
		for _, m := range messages {
			p.Apply(m)
			if p.OfResults() {
				state.Results = m.Sequence
			} else {
				state.Events = m.Sequence
			}
		}
		state.FlushedAt = time.Now().UTC()
		return flush()
	}
	if p.OfResults() {
		return w.bus.FollowResults(ctx, 0, handle, nil)
	}
	return w.bus.Follow(ctx, 0, bus.Filter{}, handle, nil)
}

// reply is an answer, read.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) into(t *testing.T, v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(r.body, v), string(r.body))
}

func (r reply) problem(t *testing.T) Problem {
	t.Helper()
	require.Equal(t, "application/problem+json", r.header.Get("Content-Type"), string(r.body))
	var p Problem
	r.into(t, &p)
	require.Equal(t, r.status, p.Status)
	require.NotEmpty(t, p.Type)
	require.NotEmpty(t, p.Title)
	require.NotEmpty(t, p.Detail)
	require.NotEmpty(t, p.Instance)
	return p
}

// call sends a request; body may be a string, which is sent as it is, or a value. headers are pairs.
func (w *world) call(method, path string, body any, headers ...string) reply {
	w.t.Helper()
	var raw []byte
	switch body := body.(type) {
	case nil:
	case string:
		raw = []byte(body)
	default:
		var err error
		raw, err = json.Marshal(body)
		require.NoError(w.t, err)
	}
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.base+path, bytes.NewReader(raw))
	require.NoError(w.t, err)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			request.Host = headers[i+1]
		}
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := w.client.Do(request)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, response.Body.Close()) }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	return reply{response.StatusCode, response.Header, answer}
}

// want is call for an answer of a status.
func (w *world) want(status int, method, path string, body any, headers ...string) reply {
	w.t.Helper()
	r := w.call(method, path, body, headers...)
	require.Equal(w.t, status, r.status, "%s %s: %s", method, path, r.body)
	return r
}

// sent returns the commands that were decided.
func (w *world) sent() []monitor.CommandMessage {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]monitor.CommandMessage(nil), w.commands...)
}

func (w *world) service() {
	w.t.Helper()
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/services", map[string]any{"id": "web", "name": "Web"})
}

func newCheck(id string) map[string]any {
	return map[string]any{"id": id, "service": "web", "kind": "http", "target": "http://127.0.0.1:1/", "interval": "30s"}
}

// How long tests wait for what must come, and how often they look.
const (
	testWait = 10 * time.Second
	testTick = 2 * time.Millisecond
)
