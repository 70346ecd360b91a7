package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// feed reads an event stream.
type feed struct {
	t     *testing.T
	body  io.ReadCloser
	lines *bufio.Reader
	// id is the last that came, beats counts comments.
	id    string
	beats int
}

func (w *world) follow(query string, headers ...string) *feed {
	w.t.Helper()
	return w.followAt("/api/v1/events/stream?"+query, headers...)
}

func (w *world) followAt(path string, headers ...string) *feed {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	w.t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+path, nil)
	require.NoError(w.t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := w.client.Do(request)
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusOK, response.StatusCode)
	require.Equal(w.t, "text/event-stream; charset=utf-8", response.Header.Get("Content-Type"))
	f := &feed{t: w.t, body: response.Body, lines: bufio.NewReader(response.Body)}
	w.t.Cleanup(f.close)
	return f
}

func (f *feed) close() { _ = f.body.Close() }

// next returns the next event, or the error with which the stream ends.
func (f *feed) next() (e Event, kind string, err error) {
	var data string
	for {
		line, err := f.lines.ReadString('\n')
		if err != nil {
			return e, kind, err
		}
		line = strings.TrimSuffix(line, "\n")
		switch name, value, _ := strings.Cut(line, ": "); {
		case strings.HasPrefix(line, ":"):
			f.beats++
		case name == "id":
			f.id = value
		case name == "event":
			kind = value
		case name == "data":
			data = value
		case line == "" && data != "":
			require.NoError(f.t, json.Unmarshal([]byte(data), &e))
			require.Equal(f.t, e.Type, kind)
			return e, kind, nil
		case line == "":
			kind = ""
		}
	}
}

// untilLive reads up to the first sign of life: from then on the tail is followed.
func (f *feed) untilLive() {
	f.t.Helper()
	for f.beats < 2 {
		line, err := f.lines.ReadString('\n')
		require.NoError(f.t, err)
		if strings.HasPrefix(line, ":") {
			f.beats++
		}
	}
}

func (f *feed) must() Event {
	f.t.Helper()
	e, _, err := f.next()
	require.NoError(f.t, err)
	return e
}

func joinedEvent(n int) monitor.Event {
	return monitor.RunnerJoined{RunnerID: fmt.Sprintf("runner-%d", n), Location: "default", At: time.Now()}
}

func found(n int) monitor.Result {
	return monitor.Result{ID: fmt.Sprintf("home.1.%d.default", n), CheckID: "home", Service: "web", Outcome: monitor.OutcomeSuccess, Location: "default", DueAt: time.Now()}
}

func TestAStreamTellsWhatHappensFromNowOn(t *testing.T) {
	w := newWorld(t)
	w.happen(joinedEvent(1))
	f := w.follow("")
	f.untilLive()
	w.happen(joinedEvent(2))
	e := f.must()
	require.Equal(t, "runner/runner-2", e.Subject)
	require.Equal(t, "2", e.Sequence)
	require.Equal(t, "2", f.id)
}

func TestAStreamBeginsWhereItIsTold(t *testing.T) {
	w := newWorld(t)
	for n := range 5 {
		w.happen(joinedEvent(n))
	}
	require.Equal(t, "3", w.follow("after=2").must().Sequence)
	require.Equal(t, "1", w.follow("after=0").must().Sequence)
	require.Equal(t, "5", w.follow("after=1", "Last-Event-ID", "4").must().Sequence, "what a browser has seen comes before what the page asked for")
	w.find(found(1), found(2))
	w.find(found(3))
	f := w.follow("after=0&results=true&type=vedette.check.succeeded.v1")
	require.Equal(t, "1", f.must().Sequence)
	require.Equal(t, "5-1.0", f.id)
	f.must()
	require.Equal(t, "5-1.1", f.id)
	f = w.follow("results=true&after=5-1.0")
	f.must()
	require.Equal(t, "5-1.1", f.id)
	require.Equal(t, "2", f.must().Sequence)
	f = w.follow("results=true&after=5-1")
	require.Equal(t, "2", f.must().Sequence)
}

func TestABareNumberTakesTheResultsFromThatTimeOn(t *testing.T) {
	w := newWorld(t)
	w.find(found(1))
	w.happen(joinedEvent(1))
	<-time.After(2 * time.Millisecond) // the clock of storing moves on
	w.find(found(2))
	w.happen(joinedEvent(2))
	f := w.follow("results=true&after=1")
	require.Equal(t, "2", f.must().Sequence)
	require.Equal(t, "1-2.0", f.id)
}

func TestAStreamIsFiltered(t *testing.T) {
	w := newWorld(t)
	w.service()
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("away"))
	w.happen(joinedEvent(1))
	for query, want := range map[string]string{
		"check=away":                    "check/away",
		"service=web&aggregate=check":   "check/home",
		"aggregate=runner":              "runner/runner-1",
		"aggregate=check/away":          "check/away",
		"type=vedette.runner.joined.v1": "runner/runner-1",
		"type=vedette.runner.joined.v1,vedette.service.registered.v1": "service/web",
	} {
		require.Equal(t, want, w.follow("after=0&"+query).must().Subject, query)
	}
}

func TestAnIdleStreamShowsThatItLivesAndHowFarItIs(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Heartbeat = 10 * time.Millisecond })
	f := w.follow("type=vedette.check.paused.v1")
	f.untilLive()
	w.happen(joinedEvent(1)) // is not wanted, and moves the place
	for f.id != "1" {
		line, err := f.lines.ReadString('\n')
		require.NoError(t, err)
		if text, ok := strings.CutPrefix(line, "id: "); ok {
			f.id = strings.TrimSpace(text)
		}
	}
}

// TestAClientThatReconnectsSeesEverythingOnce hangs up a hundred times while events and results are
// written as fast as they can be.
func TestAClientThatReconnectsSeesEverythingOnce(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	writing.Go(func() {
		pace := time.NewTicker(time.Millisecond)
		defer pace.Stop()
		for n := 0; ctx.Err() == nil; n++ {
			w.happen(joinedEvent(2*n), joinedEvent(2*n+1))
			w.find(found(3*n), found(3*n+1), found(3*n+2))
			<-pace.C
		}
	})
	seen := map[string]int{}
	cursor := "0-0"
	read := func(n int, last string) {
		f := w.follow("results=true&after=0", "Last-Event-ID", cursor)
		defer f.close()
		for ; n != 0; n-- {
			e := f.must()
			seen[e.ID]++
			require.Equal(t, 1, seen[e.ID], "%s %s came twice", e.Type, e.ID)
			cursor = f.id
			if e.ID == last {
				return
			}
		}
	}
	for connection := range 100 {
		read(1+connection*37%60, "")
	}
	cancel()
	writing.Wait()
	w.happen(joinedEvent(-1))
	events, err := w.bus.Read(t.Context(), 0, 1_000_000, bus.Filter{})
	require.NoError(t, err)
	results, err := w.bus.ReadResults(t.Context(), 0, 1_000_000)
	require.NoError(t, err)
	read(-1, events[len(events)-1].ID)
	for len(seen) < len(events)+len(results) {
		read(1, "")
	}
	for _, m := range append(events, results...) {
		require.Equal(t, 1, seen[m.ID], "%s %d.%d", m.Event.Type(), m.Sequence, m.Index)
	}
	t.Logf("%d events, %d results", len(events), len(results))
}

func TestAClientThatTakesTooLittleIsDropped(t *testing.T) {
	w := newWorld(t)
	c, err := net.Dial("tcp", strings.TrimPrefix(w.base, "http://"))
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	_, err = fmt.Fprintf(c, "GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.NoError(t, err)
	answer := make([]byte, 2000)
	for at := 0; !strings.Contains(string(answer[:at]), ": alive"); {
		n, err := c.Read(answer[at:])
		require.NoError(t, err)
		at += n
	}
	for n := range 60 {
		events := make([]monitor.Event, 500)
		for i := range events {
			events[i] = monitor.RunnerLeft{RunnerID: fmt.Sprintf("r%d", n*500+i), Location: strings.Repeat("x", 500), Reason: "silent"}
		}
		w.happen(events...)
	}
	require.Eventually(t, func() bool {
		return w.metric("vedette_api_stream_dropped_total") == 1 && w.metric("vedette_api_stream_clients") == 0
	},
		20*time.Second, 10*time.Millisecond)
	_, err = io.Copy(io.Discard, c)
	if err != nil {
		require.ErrorContains(t, err, "reset")
	}
}

// metric is the sum of a metric over its labels.
func (w *world) metric(name string) float64 {
	families, err := w.registry.Gather()
	require.NoError(w.t, err)
	sum := 0.0
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func TestStreamsEndAtOnceWhenTheServerStops(t *testing.T) {
	w := newWorld(t)
	var feeds []*feed
	for range 5 {
		f := w.follow("results=true")
		f.untilLive()
		feeds = append(feeds, f)
	}
	began := time.Now()
	w.stop()
	for _, f := range feeds {
		_, _, err := f.next()
		require.Error(t, err)
	}
	require.Less(t, time.Since(began), 2*time.Second)
}

func TestMoreClientsThanTheServerTakesAreTurnedAway(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxStreams = 1 })
	f := w.follow("")
	f.untilLive()
	r := w.want(http.StatusTooManyRequests, http.MethodGet, "/api/v1/events/stream", nil)
	r.problem(t)
	require.NotEmpty(t, r.header.Get("Retry-After"))
	f.close()
	w.happen(joinedEvent(1)) // writing to the client that is gone ends its stream
	require.Eventually(t, func() bool {
		w.happen(joinedEvent(2))
		return w.metric("vedette_api_stream_clients") == 0
	}, 5*time.Second, 5*time.Millisecond)
	w.follow("after=0").must()
}

func TestAStreamRefusesWhatItCannotFollow(t *testing.T) {
	w := newWorld(t)
	for query, field := range map[string]string{
		"after=1": "after", "after=x": "after", "after=01": "after", "after=0-5": "", "after=0-5&results=true": "after",
		"type=vedette.nothing.v1": "type", "service=WEB": "service", "aggregate=nothing": "aggregate", "results=maybe": "results", "afer=1": "afer",
	} {
		if field == "" {
			continue
		}
		p := w.want(http.StatusUnprocessableEntity, http.MethodGet, "/api/v1/events/stream?"+query, nil).problem(t)
		require.Equal(t, field, p.Errors[0].Field, query)
	}
}

// A tail that fails goes on without gap for those who are there.
func TestATailGoesOnAfterAFailure(t *testing.T) {
	w := newWorldOn(t, func(m *bus.Memory) Bus { return &failing{Memory: m} })
	f := w.follow("")
	f.untilLive()
	const failures = 2
	for n := range failures*4 + 1 {
		w.happen(joinedEvent(n))
		require.Equal(t, fmt.Sprint(n+1), f.must().Sequence)
	}
}

// failing has Follow fail after every few events.
type failing struct{ *bus.Memory }

func (b *failing) Follow(ctx context.Context, after uint64, filter bus.Filter, handle func([]monitor.EventMessage) error, caughtUp func()) error {
	n := 0
	return b.Memory.Follow(ctx, after, filter, func(messages []monitor.EventMessage) error {
		if n++; n > 3 {
			return fmt.Errorf("lost")
		}
		return handle(messages)
	}, caughtUp)
}

func TestMetricsAreSound(t *testing.T) {
	w := newWorld(t)
	w.want(http.StatusOK, http.MethodGet, "/api/v1/checks", nil)
	problems, err := testutil.GatherAndLint(w.registry)
	require.NoError(t, err)
	require.Empty(t, problems)
	body := string(w.want(http.StatusOK, http.MethodGet, "/metrics", nil).body)
	require.Contains(t, body, `vedette_api_requests_total{code="200",method="GET",route="/api/v1/checks"} 1`)
}
