package readmodel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// press writes read models as a projector does, without one.
type press struct {
	t         testing.TB
	memory    *bus.Memory
	folds     []Projection
	states    map[string]ProjectionState
	revisions map[string]uint64
	events    uint64
	results   uint64
}

func newPress(t testing.TB, memory *bus.Memory) *press {
	return &press{t: t, memory: memory, folds: Projections(), states: make(map[string]ProjectionState), revisions: make(map[string]uint64)}
}

// event folds events and writes what they change.
func (p *press) event(events ...monitor.Event) {
	for _, e := range events {
		p.events++
		m := monitor.EventMessage{Event: e, Meta: monitor.Meta{Sequence: p.events, Time: time.Now().UTC(), StoredAt: time.Now().UTC()}}
		for _, fold := range p.folds {
			if !fold.OfResults() {
				fold.Apply(m)
			}
		}
	}
	p.flush(false)
}

func (p *press) result(results ...monitor.Result) {
	for _, r := range results {
		p.results++
		for _, fold := range p.folds {
			if fold.OfResults() {
				fold.Apply(monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{Sequence: p.results, Time: time.Now().UTC(), StoredAt: time.Now().UTC()}})
			}
		}
	}
	p.flush(true)
}

func (p *press) flush(ofResults bool) {
	for _, fold := range p.folds {
		if fold.OfResults() != ofResults {
			continue
		}
		changes := fold.Dirty()
		state := p.states[fold.Name()]
		state.Name, state.Version, state.FlushedAt = fold.Name(), fold.Version(), time.Now().UTC()
		if ofResults {
			state.Results = p.results
		} else {
			state.Events = p.events
		}
		p.states[fold.Name()] = state
		for first := true; first || len(changes) > 0; first = false {
			n := min(len(changes), bus.MaxFlush)
			puts := make(map[string][]byte)
			for _, c := range changes[:n] {
				puts[c.Key] = c.Value
			}
			changes = changes[n:]
			p.write(fold.Name(), puts, state)
		}
	}
}

func (p *press) write(name string, puts map[string][]byte, state ProjectionState) {
	bucket, err := p.memory.Bucket(context.Background(), name)
	require.NoError(p.t, err)
	text, err := json.Marshal(state)
	require.NoError(p.t, err)
	p.revisions[name], err = bucket.Flush(context.Background(), puts, text, p.revisions[name])
	require.NoError(p.t, err)
}

// read runs a reader over what is pressed until the test ends.
func (p *press) read() *Reader {
	r := NewReader(p.memory, slog.New(slog.NewTextHandler(p.t.Output(), nil)), time.Now)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	p.t.Cleanup(func() {
		cancel()
		require.NoError(p.t, <-done)
	})
	<-r.Ready()
	return r
}

func inBubble(t *testing.T, test func(t *testing.T, p *press)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newPress(t, bus.NewMemory())) })
}

func registered(id string, changes ...func(*monitor.Definition)) monitor.Event {
	d := monitor.Definition{ID: id, Service: "web", Kind: "http", Target: "https://" + id + ".example.org", Interval: monitor.Duration(every)}
	for _, change := range changes {
		change(&d)
	}
	return monitor.CheckRegistered{Definition: d.WithDefaults()}
}

func service(id string) monitor.Event {
	return monitor.ServiceRegistered{Definition: monitor.ServiceDefinition{ID: id}.WithDefaults()}
}

func turned(id string, from, to monitor.Status) monitor.Event {
	return monitor.CheckStatusChanged{CheckID: id, Service: "web", From: from, To: to, At: time.Now().UTC(), ResultID: "x"}
}

func executed(id string, n int, outcome monitor.Outcome, ms float64) monitor.Result {
	due := time.Now().UTC()
	return monitor.Result{
		ID: fmt.Sprint(id, ".", n), CheckID: id, Service: "web", Revision: 1, Location: "default", DueAt: due, StartedAt: due, NextDueAt: due.Add(every),
		DurationMS: ms, Outcome: outcome, Attempts: 1, Trigger: monitor.TriggerSchedule,
	}
}

func ids(checks []CheckView) []string {
	all := make([]string, len(checks))
	for i, c := range checks {
		all[i] = c.ID
	}
	return all
}

func TestACheckIsReadWithAllThatIsKnownOfIt(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(service("web"), registered("home"))
		started := time.Now()
		for i := range 40 * 24 * 4 { // forty days, every quarter of an hour
			outcome := success
			if i%4 == 0 {
				outcome = failure
			}
			result := executed("home", i, outcome, 10)
			result.NextDueAt = result.DueAt.Add(15 * time.Minute)
			p.result(result)
			time.Sleep(15 * time.Minute)
		}
		p.event(turned("home", monitor.StatusUnknown, monitor.StatusUp))
		r := p.read()
		view, err := r.Check(t.Context(), "home")
		require.NoError(t, err)
		require.Equal(t, monitor.StatusUp, view.Status)
		require.EqualValues(t, 1, view.Revision)
		require.Len(t, view.Recent, RecentLength)
		require.Equal(t, "home.3839", view.LastResult.ID)
		require.Len(t, view.Uptime, 4)
		for window, days := range map[string]float64{"24h": 1, "7d": 7, "30d": 30, "90d": 40} {
			u := view.Uptime[window]
			require.InDelta(t, 0.75, *u.Ratio, 0.01, window)
			require.InDelta(t, 1.0, u.Coverage, 0.01, window)
			require.InDelta(t, days*96, u.Up+u.Down, 97, window)
		}
		for window, points := range map[string]int{"24h": 25, "7d": 169, "30d": 31, "90d": 41} {
			series, err := r.Latency(t.Context(), "home", window, time.Now())
			require.NoError(t, err)
			require.InDelta(t, points, len(series), 1, window)
			require.True(t, slices.IsSortedFunc(series, func(x, y LatencyPoint) int { return x.At.Compare(y.At) }))
			require.False(t, series[0].At.Before(started.Add(-24*time.Hour)))
			require.InEpsilon(t, 10, series[1].P95, sketchAccuracy)
			total := 0
			for _, point := range series {
				total += point.Count
			}
			require.InDelta(t, view.Uptime[window].Up, total, 4, window)
		}
		_, err = r.Latency(t.Context(), "home", "1y", time.Now())
		require.ErrorIs(t, err, ErrQuery)
		text, err := json.Marshal(view)
		require.NoError(t, err)
		var fields map[string]any
		require.NoError(t, json.Unmarshal(text, &fields))
		for _, name := range []string{"id", "name", "service", "kind", "status", "status_since", "revision", "last_result", "uptime", "created_at", "updated_at", "recent"} {
			require.Contains(t, fields, name)
		}
		for _, call := range []func() error{
			func() error { _, err := r.Check(t.Context(), "none"); return err },
			func() error { _, err := r.Service(t.Context(), "none"); return err },
			func() error { _, err := r.Incident(t.Context(), "none"); return err },
			func() error { _, err := r.Uptime(t.Context(), "none", time.Now()); return err },
			func() error { _, err := r.Latency(t.Context(), "none", "24h", time.Now()); return err },
			func() error { _, err := r.Results(t.Context(), "none", ResultQuery{}); return err },
		} {
			require.ErrorIs(t, call(), monitor.ErrNotFound)
		}
	})
}

func TestSilenceMakesACheckUnknownAtReadTime(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(service("web"), service("api"), registered("home"), registered("shop"),
			registered("nightly", func(d *monitor.Definition) { d.Interval, d.Cron, d.Service = 0, "0 3 * * *", "api" }))
		p.result(executed("home", 1, success, 5), executed("nightly", 1, success, 5), executed("shop", 1, failure, 5))
		p.event(turned("home", monitor.StatusUnknown, monitor.StatusUp), turned("nightly", monitor.StatusUnknown, monitor.StatusUp), turned("shop", monitor.StatusUnknown, monitor.StatusDown),
			monitor.ServiceStatusChanged{ServiceID: "web", From: monitor.StatusUnknown, To: monitor.StatusDown, At: time.Now().UTC()},
			monitor.ServiceStatusChanged{ServiceID: "api", From: monitor.StatusUnknown, To: monitor.StatusUp, At: time.Now().UTC()})
		r := p.read()
		status := func(id string) monitor.Status {
			view, err := r.Check(t.Context(), id)
			require.NoError(t, err)
			return view.Status
		}
		stale := time.Now().Add(2*every + 10*time.Second)
		time.Sleep(2*every + 10*time.Second)
		require.Equal(t, monitor.StatusUp, status("home"))
		time.Sleep(time.Millisecond)
		view, err := r.Check(t.Context(), "home")
		require.NoError(t, err)
		require.Equal(t, monitor.StatusUnknown, view.Status)
		require.True(t, stale.Equal(view.StatusSince))
		require.Contains(t, view.Reason, "no result since")
		require.Equal(t, monitor.StatusUp, status("nightly"))
		web, err := r.Service(t.Context(), "web")
		require.NoError(t, err)
		require.Equal(t, monitor.StatusUnknown, web.Status)
		require.Equal(t, []string{"home", "shop"}, web.Checks)
		o, err := r.Overview(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[monitor.Status]int{monitor.StatusUnknown: 2, monitor.StatusUp: 1}, o.Checks)
		require.Equal(t, map[monitor.Status]int{monitor.StatusUnknown: 1, monitor.StatusUp: 1}, o.Services)

		// A conclusive result ends it, one that could not run does not.
		p.result(executed("home", 2, broken, 0))
		synctest.Wait()
		require.Equal(t, monitor.StatusUnknown, status("home"))
		time.Sleep(time.Second)
		p.result(executed("home", 3, success, 5))
		synctest.Wait()
		require.Equal(t, monitor.StatusUp, status("home"))

		// While its results are folded anew, nothing is known of silence.
		time.Sleep(time.Hour)
		require.Equal(t, monitor.StatusUnknown, status("home"))
		state := p.states[activityBucket]
		state.Rebuilding = true
		p.write(activityBucket, nil, state)
		synctest.Wait()
		require.Equal(t, monitor.StatusUp, status("home"))
		state.Rebuilding = false
		p.write(activityBucket, nil, state)
		time.Sleep(48 * time.Hour)
		require.Equal(t, monitor.StatusUnknown, status("nightly"))
	})
}

func TestListsAreFilteredAndSorted(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(service("web"), service("api"),
			registered("a", func(d *monitor.Definition) { d.Name, d.Labels = "Zebra", map[string]string{"team": "red", "tier": "1"} }),
			registered("b", func(d *monitor.Definition) {
				d.Name, d.Kind, d.Labels = "apple", "dns", map[string]string{"team": "blue"}
			}),
			registered("c", func(d *monitor.Definition) { d.Service = "api" }), registered("d", func(d *monitor.Definition) { d.Paused = true }))
		p.result(executed("a", 1, success, 30), executed("b", 1, failure, 10))
		p.event(turned("a", monitor.StatusUnknown, monitor.StatusUp), turned("b", monitor.StatusUnknown, monitor.StatusDown))
		r := p.read()
		for _, c := range []struct {
			query Query
			want  []string
		}{
			{Query{}, []string{"a", "b", "c", "d"}},
			{Query{Sort: "-id"}, []string{"d", "c", "b", "a"}},
			{Query{Sort: "name"}, []string{"b", "c", "d", "a"}},
			{Query{Sort: "status"}, []string{"b", "a", "c", "d"}},
			{Query{Sort: "-status"}, []string{"d", "c", "a", "b"}},
			{Query{Sort: "latency"}, []string{"b", "a", "c", "d"}},
			{Query{Sort: "-latency"}, []string{"a", "b", "c", "d"}},
			{Query{Sort: "uptime"}, []string{"b", "a", "c", "d"}},
			{Query{Text: "ZEB"}, []string{"a"}},
			{Query{Text: "b.example"}, []string{"b"}},
			{Query{Text: "team=blue"}, []string{"b"}},
			{Query{Statuses: []monitor.Status{"down", "paused"}}, []string{"b", "d"}},
			{Query{Service: "api"}, []string{"c"}},
			{Query{Kind: "dns"}, []string{"b"}},
			{Query{Labels: []string{"team"}}, []string{"a", "b"}},
			{Query{Labels: []string{"team=red", "tier=1"}}, []string{"a"}},
			{Query{Labels: []string{"team=red", "tier=2"}}, []string{}},
		} {
			page, err := r.Checks(t.Context(), c.query)
			require.NoError(t, err)
			require.Equal(t, c.want, ids(page.Items), "%+v", c.query)
			require.Equal(t, len(c.want), page.Total)
			require.Empty(t, page.NextCursor)
		}
		for _, bad := range []Query{{Sort: "colour"}, {Sort: "-"}, {Limit: -1}, {Limit: 1001}, {Statuses: []monitor.Status{"odd"}}, {Labels: []string{"=x"}}} {
			_, err := r.Checks(t.Context(), bad)
			require.ErrorIs(t, err, ErrQuery, "%+v", bad)
		}
		services, err := r.Services(t.Context(), Query{Sort: "-name"})
		require.NoError(t, err)
		require.Equal(t, "web", services.Items[0].ID)
		require.Equal(t, []string{"a", "b", "d"}, services.Items[0].Checks)
		_, err = r.Services(t.Context(), Query{Sort: "latency"})
		require.ErrorIs(t, err, ErrQuery)
		_, err = r.Services(t.Context(), Query{Kind: "dns"})
		require.ErrorIs(t, err, ErrQuery)
	})
}

func TestCursorsHoldWhileTheListChanges(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		for i := range 50 {
			p.event(registered(fmt.Sprintf("c%02d", 2*i)))
		}
		r := p.read()
		for _, sort := range []string{"id", "-id", "name", "-status", "updated_at", "latency"} {
			var got []string
			query := Query{Sort: sort, Limit: 7}
			for n := 0; ; n++ {
				page, err := r.Checks(t.Context(), query)
				require.NoError(t, err)
				got = append(got, ids(page.Items)...)
				if page.NextCursor == "" {
					break
				}
				query.Cursor = page.NextCursor
				// Others come and go: also the one at which the page ended.
				p.event(monitor.CheckDeleted{CheckID: got[len(got)-1]}, registered(fmt.Sprintf("new-%s-%d", sort, n)))
				synctest.Wait()
			}
			slices.Sort(got)
			require.Len(t, slices.Compact(slices.Clone(got)), len(got), "none twice")
			for i := range 50 { // put back what was deleted
				id := fmt.Sprintf("c%02d", 2*i)
				require.Contains(t, got, id, sort)
				if _, err := r.Check(t.Context(), id); errors.Is(err, monitor.ErrNotFound) {
					p.event(registered(id))
				}
			}
			synctest.Wait()
		}
		page, err := r.Checks(t.Context(), Query{Limit: 5})
		require.NoError(t, err)
		for _, query := range []Query{{Cursor: "§"}, {Cursor: "bm9wZQ"}, {Cursor: page.NextCursor, Sort: "name"}, {Cursor: page.NextCursor, Text: "x"}} {
			_, err = r.Checks(t.Context(), query)
			require.ErrorIs(t, err, ErrCursor, "%+v", query)
		}
		_, err = r.Services(t.Context(), Query{Cursor: page.NextCursor})
		require.ErrorIs(t, err, ErrCursor)
	})
}

func TestHistoryNewestFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(registered("home"), registered("quiet"))
		r := p.read()
		const kept, given = keptChunks * chunkSize, keptChunks*chunkSize + 200
		started := time.Now()
		for some := range 10 {
			var results []monitor.Result
			for i := range given / 10 {
				outcome := success
				if i%100 == 0 {
					outcome = failure
				}
				results = append(results, executed("home", some*given/10+i, outcome, 5))
				time.Sleep(every)
			}
			p.result(results...)
		}
		synctest.Wait()
		first, err := r.Results(t.Context(), "home", ResultQuery{})
		require.NoError(t, err)
		require.Len(t, first.Items, defaultLimit)
		require.Equal(t, fmt.Sprint("home.", given-1), first.Items[0].ID)
		require.InDelta(t, kept, first.Total, chunkSize)

		n, query := given, ResultQuery{Limit: 1000}
		for {
			page, err := r.Results(t.Context(), "home", query)
			require.NoError(t, err)
			for _, item := range page.Items {
				n--
				require.Equal(t, fmt.Sprint("home.", n), item.ID)
			}
			if page.NextCursor == "" {
				require.Equal(t, given-n, page.Total)
				break
			}
			query.Cursor = page.NextCursor
		}

		failures, err := r.Results(t.Context(), "home", ResultQuery{Outcomes: []monitor.Outcome{failure}, Limit: 3})
		require.NoError(t, err)
		require.Len(t, failures.Items, 3)
		require.InDelta(t, kept/100, failures.Total, 10)
		next, err := r.Results(t.Context(), "home", ResultQuery{Outcomes: []monitor.Outcome{failure}, Limit: 3, Cursor: failures.NextCursor})
		require.NoError(t, err)
		require.True(t, next.Items[0].DueAt.Before(failures.Items[2].DueAt))
		require.Equal(t, failures.Total, next.Total)
		_, err = r.Results(t.Context(), "home", ResultQuery{Cursor: failures.NextCursor})
		require.ErrorIs(t, err, ErrCursor)

		from, to := started.Add(5000*every), started.Add(5010*every)
		window, err := r.Results(t.Context(), "home", ResultQuery{From: from, To: to})
		require.NoError(t, err)
		require.Equal(t, 10, window.Total)
		require.Equal(t, "home.5009", window.Items[0].ID)
		require.Equal(t, "home.5000", window.Items[9].ID)

		none, err := r.Results(t.Context(), "quiet", ResultQuery{})
		require.NoError(t, err)
		require.Empty(t, none.Items)
		require.NotNil(t, none.Items)
		for _, bad := range []ResultQuery{{Limit: 5000}, {Outcomes: []monitor.Outcome{"odd"}}, {From: to, To: from}} {
			_, err = r.Results(t.Context(), "home", bad)
			require.ErrorIs(t, err, ErrQuery)
		}
	})
}

func TestIncidentsRunnersAndCounts(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(registered("a"), registered("b"))
		for i := range 5 {
			id := fmt.Sprint("a-", i+1)
			p.event(monitor.IncidentOpened{IncidentID: id, CheckID: "a", Service: "web", OpenedAt: time.Now().UTC(), Cause: "down"})
			if i < 4 {
				p.event(monitor.IncidentResolved{IncidentID: id, CheckID: "a", ResolvedAt: time.Now().UTC(), Resolution: "recovered", DurationMS: 5})
			}
			time.Sleep(time.Minute)
		}
		p.event(monitor.RunnerJoined{RunnerID: "r1", Location: "default", At: time.Now().UTC()}, monitor.RunnerJoined{RunnerID: "r2", At: time.Now().UTC()},
			monitor.RunnerLeft{RunnerID: "r1", Reason: "silent", At: time.Now().UTC()})
		r := p.read()
		page, err := r.Incidents(t.Context(), IncidentQuery{Limit: 2})
		require.NoError(t, err)
		require.Equal(t, 5, page.Total)
		require.Equal(t, "a-5", page.Items[0].ID)
		page, err = r.Incidents(t.Context(), IncidentQuery{Limit: 2, Cursor: page.NextCursor})
		require.NoError(t, err)
		require.Equal(t, "a-3", page.Items[0].ID)
		yes, no := true, false
		for _, c := range []struct {
			query IncidentQuery
			want  int
		}{{IncidentQuery{Open: &yes}, 1}, {IncidentQuery{Open: &no}, 4}, {IncidentQuery{Check: "b"}, 0}, {IncidentQuery{Service: "web"}, 5}} {
			page, err := r.Incidents(t.Context(), c.query)
			require.NoError(t, err)
			require.Equal(t, c.want, page.Total)
		}
		one, err := r.Incident(t.Context(), "a-2")
		require.NoError(t, err)
		require.Equal(t, "recovered", one.Resolution)
		runners, err := r.Runners(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"r2", "r1"}, []string{runners[0].ID, runners[1].ID})
		o, err := r.Overview(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, o.Incidents)
		require.Equal(t, 1, o.Runners)
		require.Equal(t, 2, o.Checks[monitor.StatusUnknown])
		require.Equal(t, p.events, o.Sequence)
	})
}

func TestWaitForOnesOwnWrite(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(registered("a"))
		r := p.read()
		require.NoError(t, r.WaitFor(t.Context(), 1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, r.WaitFor(ctx, 2), context.DeadlineExceeded)
		done := make(chan error, 1)
		go func() { done <- r.WaitFor(t.Context(), 3) }()
		p.event(registered("b"))
		synctest.Wait()
		require.Empty(t, done)
		p.event(registered("c"))
		require.NoError(t, <-done)
		states := r.Projections()
		require.Len(t, states, len(Projections()))
		for _, s := range states {
			require.NotEmpty(t, s.Name)
		}
		require.EqualValues(t, 3, states[0].Events)
	})
}

func TestABucketThatIsDroppedAndComesBack(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(service("web"), registered("a"), registered("b"))
		p.result(executed("a", 1, success, 5))
		r := p.read()
		total := func() int {
			page, err := r.Checks(t.Context(), Query{})
			require.NoError(t, err)
			return page.Total
		}
		require.NoError(t, p.memory.DropBucket(t.Context(), "checks"))
		require.NoError(t, p.memory.DropBucket(t.Context(), activityBucket))
		synctest.Wait()
		require.Zero(t, total())
		require.Error(t, r.WaitFor(ended(t.Context()), 1))
		web, err := r.Service(t.Context(), "web")
		require.NoError(t, err)
		require.Empty(t, web.Checks)
		p.folds[0], p.revisions["checks"] = newChecks(), 0
		p.event(registered("c"))
		synctest.Wait()
		require.Equal(t, 1, total())
	})
}

func ended(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

func TestACheckThatMovesToAnotherPageIsKnownStill(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		var results []monitor.Result
		for i := range pageSize + 1 {
			p.event(registered(fmt.Sprint("c", i)))
			results = append(results, executed(fmt.Sprint("c", i), i, success, 5))
		}
		p.result(results...)
		r := p.read()
		again := executed("c7", 1000, success, 7)
		again.DueAt = again.DueAt.Add(forgottenAfter + 2*time.Hour)
		p.result(again)
		synctest.Wait()
		view, err := r.Check(t.Context(), "c7")
		require.NoError(t, err)
		require.Equal(t, again.ID, view.LastResult.ID)
		require.Equal(t, "U", view.Recent)
		view, err = r.Check(t.Context(), "c8")
		require.NoError(t, err)
		require.Nil(t, view.LastResult, "forgotten")
	})
}

// deaf is a store whose bucket "checks" tells its watches nothing any more once it is another one.
type deaf struct {
	*bus.Memory
	now   atomic.Pointer[bus.Memory]
	opens atomic.Int32
}

func (d *deaf) Bucket(ctx context.Context, name string) (bus.Bucket, error) {
	if name != "checks" {
		return d.Memory.Bucket(ctx, name)
	}
	d.opens.Add(1)
	b, err := d.now.Load().Bucket(ctx, name)
	return &deafBucket{b, d}, err
}

type deafBucket struct {
	bus.Bucket
	of *deaf
}

// Get asks what is there now, as a server does.
func (b *deafBucket) Get(ctx context.Context, key string) (bus.Entry, error) {
	now, err := b.of.now.Load().Bucket(ctx, "checks")
	if err != nil {
		return bus.Entry{}, err
	}
	return now.Get(ctx, key)
}

func TestAWatchThatFallsSilentIsBegunAnew(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(registered("a"), registered("b"))
		p.event(registered("c"))
		store := &deaf{Memory: p.memory}
		store.now.Store(p.memory)
		r := NewReader(store, slog.New(slog.DiscardHandler), time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		<-r.Ready()
		time.Sleep(10 * lookEvery)
		require.EqualValues(t, 1, store.opens.Load(), "all is well")
		require.Equal(t, []string{"a", "b", "c"}, checkIDs(t, r))
		// Deleted and made again behind its back: the new one's revisions are lower, then higher.
		for n, more := range []int{1, 10} {
			other := newPress(t, bus.NewMemory())
			for i := range more {
				other.event(registered(fmt.Sprint("d", i)))
			}
			store.now.Store(other.memory)
			time.Sleep(4 * lookEvery)
			require.Len(t, checkIDs(t, r), more)
			require.EqualValues(t, n+2, store.opens.Load())
		}
		cancel()
		require.NoError(t, <-done)
	})
}

func checkIDs(t *testing.T, r *Reader) []string {
	page, err := r.Checks(t.Context(), Query{})
	require.NoError(t, err)
	return ids(page.Items)
}

func TestAnEntryThatCannotBeReadStopsNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T, p *press) {
		p.event(registered("a"), registered("b"))
		p.result(executed("a", 1, success, 5))
		for name, key := range map[string]string{"checks": "check.a", activityBucket: "page.1", "services": "service.x"} {
			bucket, err := p.memory.Bucket(t.Context(), name)
			require.NoError(t, err)
			require.NoError(t, bucket.Put(t.Context(), key, []byte("torn")))
		}
		r := p.read()
		require.Equal(t, []string{"b"}, checkIDs(t, r))
	})
}
