package api

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// executes is scheduler, runner and gate in one: what is ordered comes back as a result.
func (w *world) executes(find func(monitor.Execution) (monitor.Result, bool)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- w.bus.ServeCommands(ctx, []string{"execution"}, func(_ context.Context, commands []monitor.CommandMessage) ([]bus.Outcome, error) {
			var outcomes []bus.Outcome
			for _, m := range commands {
				order := m.Command.(monitor.ExecuteChecks)
				outcome := bus.Outcome{CommandID: m.ID, Aggregate: "execution", ID: order.Location}
				e := order.Executions[0]
				if e.Location == "forbidden" {
					outcome.Refusal = bus.Refuse(monitor.Problems{{Field: "executions[0].check.target", Message: "is not looked at"}})
				} else if result, ok := find(e); ok {
					if e.Trigger == monitor.TriggerTest {
						_ = w.bus.AnnounceTest(result)
					} else {
						_ = w.bus.AnnounceResult(monitor.EventMessage{Event: monitor.Executed(result), Meta: monitor.Meta{ID: "x"}})
					}
				}
				outcomes = append(outcomes, outcome)
			}
			return outcomes, nil
		})
	}()
	return func() {
		cancel()
		require.NoError(w.t, <-done)
	}
}

func resultOf(e monitor.Execution) (monitor.Result, bool) {
	return monitor.Result{
		ID: e.ID(), CheckID: e.Check.ID, Service: e.Check.Service, Revision: e.Revision, Location: e.Location, DueAt: e.DueAt,
		Outcome: monitor.OutcomeFailure, Attempts: 1, Error: "connection refused", Trigger: e.Trigger,
	}, true
}

func TestACheckIsExecutedNow(t *testing.T) {
	w := newWorld(t)
	defer w.executes(resultOf)()
	w.service()
	w.happen(joinedEvent(1), monitor.RunnerJoined{RunnerID: "far", Location: "far", At: time.Now()})
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", changed("locations", []string{"default", "far"}))
	var result monitor.Result
	w.want(http.StatusOK, http.MethodPost, "/api/v1/checks/home/run", nil).into(t, &result)
	require.Equal(t, "home", result.CheckID)
	require.Equal(t, "default", result.Location)
	require.Equal(t, monitor.TriggerManual, result.Trigger)
	require.WithinDuration(t, time.Now(), result.DueAt, time.Minute)
	w.want(http.StatusOK, http.MethodPost, "/api/v1/checks/home/run?location=far", nil).into(t, &result)
	require.Equal(t, "far", result.Location)
	p := w.want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/checks/home/run?location=near", nil).problem(t)
	require.Contains(t, p.Errors[0].Message, "use default, far")
	w.want(http.StatusNotFound, http.MethodPost, "/api/v1/checks/nowhere/run", nil).problem(t)
}

func TestADefinitionIsTriedWithoutBeingRegistered(t *testing.T) {
	w := newWorld(t)
	defer w.executes(resultOf)()
	var result monitor.Result
	w.want(http.StatusOK, http.MethodPost, "/api/v1/checks/test", map[string]any{"kind": "http", "target": "http://127.0.0.1:1/"}).into(t, &result)
	require.Equal(t, monitor.TriggerTest, result.Trigger)
	require.Equal(t, "connection refused", result.Error)
	w.want(http.StatusOK, http.MethodPost, "/api/v1/checks/test", newCheck("home")).into(t, &result)
	require.Equal(t, "home", result.CheckID)
	p := w.want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/checks/test", map[string]any{"kind": "http", "target": "", "intervall": "5s", "assertions": []string{"nonsense"}}).problem(t)
	require.Len(t, p.Errors, 3, p.Detail)
	p = w.want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/checks/test?location=forbidden", newCheck("home")).problem(t)
	require.Equal(t, "target", p.Errors[0].Field)
	last, err := w.bus.Last(t.Context())
	require.NoError(t, err)
	require.Zero(t, last)
}

func TestWithoutARunnerTheCureIsSaid(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.dispatchWait, o.lonelyWait = 300*time.Millisecond, 200*time.Millisecond })
	stop := w.executes(func(monitor.Execution) (monitor.Result, bool) { return monitor.Result{}, false })
	r := w.want(http.StatusServiceUnavailable, http.MethodPost, "/api/v1/checks/test", newCheck("home"))
	require.Contains(t, r.problem(t).Detail, "start one with vedette runner --location default")
	require.NotEmpty(t, r.header.Get("Retry-After"))
	w.happen(joinedEvent(1))
	require.Eventually(t, func() bool {
		return w.call(http.MethodPost, "/api/v1/checks/test", changed("timeout", "10ms")).status == http.StatusGatewayTimeout
	}, 3*testWait, testTick)
	stop()
	p := w.want(http.StatusServiceUnavailable, http.MethodPost, "/api/v1/checks/test", changed("timeout", "10ms")).problem(t)
	require.Equal(t, "/docs#problem-no-scheduler", p.Type)
}

func TestTooManyExecutionsAreTurnedAway(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxRuns = 1 })
	started, release := make(chan struct{}), make(chan struct{})
	defer w.executes(func(e monitor.Execution) (monitor.Result, bool) {
		close(started)
		<-release
		return resultOf(e)
	})()
	answered := make(chan reply, 1)
	go func() { answered <- w.call(http.MethodPost, "/api/v1/checks/test", newCheck("home")) }()
	<-started
	w.want(http.StatusTooManyRequests, http.MethodPost, "/api/v1/checks/test", newCheck("home")).problem(t)
	close(release)
	require.Equal(t, http.StatusOK, (<-answered).status)
}
