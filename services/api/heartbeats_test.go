package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// gate stores reports as the gate does.
func (w *world) gate() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- w.bus.ServeIngest(ctx, func(_ context.Context, location string, report bus.Report) error {
			if report.Runner.ID != monitor.HeartbeatRunner || report.Runner.Location != location {
				return errors.New("not as heartbeats report")
			}
			w.find(report.Results...)
			return nil
		})
	}()
	w.t.Cleanup(func() {
		cancel()
		require.NoError(w.t, <-ended)
	})
}

func (w *world) backup(change ...func(map[string]any)) RegisteredCheck {
	w.t.Helper()
	w.service()
	d := map[string]any{"id": "backup", "service": "web", "kind": "heartbeat", "interval": "1h", "grace": "5m"}
	for _, c := range change {
		c(d)
	}
	var check RegisteredCheck
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", d).into(w.t, &check)
	require.NotNil(w.t, check.Heartbeat)
	return check
}

func (w *world) lastResult(n int) monitor.Result {
	w.t.Helper()
	var page readmodel.Page[monitor.Result]
	require.Eventually(w.t, func() bool {
		w.want(http.StatusOK, http.MethodGet, "/api/v1/checks/backup/results", nil).into(w.t, &page)
		return len(page.Items) == n
	}, testWait, testTick)
	return page.Items[0]
}

func TestHeartbeats(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.AdminToken = "" })
	w.gate()
	path := w.backup().Heartbeat.Path
	var taken HeartbeatTaken
	send := func(status int, method, path string, body any, headers ...string) {
		t.Helper()
		taken = HeartbeatTaken{}
		w.want(status, method, path, body, headers...).into(t, &taken)
	}
	send(http.StatusOK, http.MethodGet, path, nil)
	require.Equal(t, HeartbeatTaken{Check: "backup", Signal: "success", Counted: true, Outcome: monitor.OutcomeSuccess}, taken)
	r := w.lastResult(1)
	require.Equal(t, monitor.TriggerHeartbeat, r.Trigger)
	require.Equal(t, monitor.HeartbeatRunner, r.Runner)
	require.Zero(t, r.DurationMS)

	send(http.StatusOK, http.MethodGet, path+"/start", nil)
	require.False(t, taken.Counted)
	send(http.StatusOK, http.MethodPost, path+"/3", "812 files\n", "Content-Type", "application/octet-stream")
	require.Equal(t, monitor.OutcomeFailure, taken.Outcome)
	r = w.lastResult(2)
	require.Equal(t, "the job ended with exit code 3: 812 files", r.Error)
	require.Positive(t, r.DurationMS, "since it began")

	send(http.StatusOK, http.MethodPost, path+"/success", map[string]any{"message": "done", "duration": 90.5})
	r = w.lastResult(3)
	require.Equal(t, 90500.0, r.DurationMS)
	require.Equal(t, "done", r.Observed["message"])

	send(http.StatusOK, http.MethodGet, path+"/fail?message=no+space&duration=1m30s", nil)
	r = w.lastResult(4)
	require.Equal(t, "the job reported a failure: no space", r.Error)
	require.Equal(t, 90000.0, r.DurationMS)

	send(http.StatusOK, http.MethodPost, path, strings.Repeat("é", 2000), "Content-Type", "text/plain")
	message, _ := w.lastResult(5).Observed["message"].(string)
	require.LessOrEqual(t, len(message), 1000)
	require.True(t, strings.HasSuffix(message, "é…"))

	w.want(http.StatusOK, http.MethodPost, "/api/v1/checks/backup/pause", nil)
	send(http.StatusOK, http.MethodGet, path, nil)
	require.Equal(t, HeartbeatTaken{Check: "backup", Signal: "success", Note: "the check is paused"}, taken)
	w.lastResult(5)
}

func TestBadHeartbeats(t *testing.T) {
	w := newWorld(t)
	w.gate()
	path := w.backup().Heartbeat.Path
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	for _, wrong := range []string{"backup.aaaaaaaaaaaaaaaaaaaaaaaaaa", "backup", "nothing.aaaa", "home.aaaa", strings.Repeat("a", 500)} {
		p := w.want(http.StatusNotFound, http.MethodGet, heartbeatPath+wrong, nil).problem(t)
		assert.Contains(t, p.Detail, "no check has this token")
	}
	for url, field := range map[string]string{
		path + "/done": "signal", path + "/256": "signal", path + "?duration=long": "duration", path + "?duration=-1s": "duration",
		path + "?duration=9999999": "duration", path + "?exit_code=x": "exit_code", path + "?duration=NaN": "duration",
	} {
		p := w.want(http.StatusUnprocessableEntity, http.MethodGet, url, nil).problem(t)
		require.Len(t, p.Errors, 1, url)
		assert.Equal(t, field, p.Errors[0].Field, url)
	}
	for body, status := range map[string]int{
		`{"message":`: http.StatusBadRequest, `{"text":"a"}`: http.StatusUnprocessableEntity,
		`{"exit_code":300}`: http.StatusUnprocessableEntity, `{"message":1}`: http.StatusUnprocessableEntity,
	} {
		w.want(status, http.MethodPost, path, body).problem(t)
	}
	w.want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/checks/backup/run", nil)
	w.want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/checks/test", map[string]any{"kind": "heartbeat"})
	var results readmodel.Page[monitor.Result]
	w.want(http.StatusOK, http.MethodGet, "/api/v1/checks/backup/results", nil).into(t, &results)
	require.Empty(t, results.Items)
}

func TestHeartbeatWithoutAGate(t *testing.T) {
	w := newWorld(t)
	p := w.want(http.StatusServiceUnavailable, http.MethodGet, w.backup().Heartbeat.Path, nil).problem(t)
	require.Contains(t, p.Detail, "was not stored")
}

func TestTokenIsShownOnce(t *testing.T) {
	const admin = "0123456789abcdef"
	w := newWorld(t, func(o *Options) { o.AdminToken = admin })
	w.gate()
	with := []string{"Authorization", "Bearer " + admin}
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/services", map[string]any{"id": "web"}, with...)
	create := map[string]any{"name": "Backup", "service": "web", "kind": "heartbeat", "cron": "0 2 * * *"}
	first := w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", create, append(with, "Idempotency-Key", "k1")...)
	var check RegisteredCheck
	first.into(t, &check)
	require.Equal(t, "backup", check.ID)
	old := check.Heartbeat.Path
	require.NotContains(t, strings.Replace(string(first.body), check.Heartbeat.Token, "", 2), check.Heartbeat.Token)

	again := w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", create, append(with, "Idempotency-Key", "k1")...)
	require.NotContains(t, string(again.body), `"heartbeat":{`, "it has the token of the first answer")
	require.NotContains(t, string(w.want(http.StatusOK, http.MethodGet, "/api/v1/checks/backup", nil, with...).body), `"heartbeat":{`)

	// No admin token is needed, and none helps.
	w.want(http.StatusOK, http.MethodGet, old, nil)
	w.want(http.StatusNotFound, http.MethodGet, old+"x", nil, with...)

	// A change keeps it, with the digest in the body or without.
	w.want(http.StatusOK, http.MethodPut, "/api/v1/checks/backup", map[string]any{"service": "web", "kind": "heartbeat", "interval": "2h"}, with...)
	w.want(http.StatusOK, http.MethodPatch, "/api/v1/checks/backup", `{"grace":"10m","options":{"token_sha256":null}}`, with...)
	w.want(http.StatusOK, http.MethodGet, old, nil)

	renewed := RegisteredCheck{}
	w.want(http.StatusPreconditionFailed, http.MethodPost, "/api/v1/checks/backup/token", nil, append(with, "If-Match", `"99"`)...)
	w.want(http.StatusOK, http.MethodPost, "/api/v1/checks/backup/token", nil, with...).into(t, &renewed)
	w.want(http.StatusNotFound, http.MethodGet, old, nil)
	w.want(http.StatusOK, http.MethodPost, renewed.Heartbeat.Path, nil)

	// One of another kind that becomes one gets its token then.
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"), with...)
	w.want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/checks/home/token", nil, with...)
	var became RegisteredCheck
	w.want(http.StatusOK, http.MethodPatch, "/api/v1/checks/home", map[string]any{"kind": "heartbeat", "target": nil, "interval": "5m"}, with...).into(t, &became)
	w.want(http.StatusOK, http.MethodGet, became.Heartbeat.Path, nil)
}

// A chosen digest is kept, so that definitions in files need hold no secret.
func TestChosenToken(t *testing.T) {
	w := newWorld(t)
	w.gate()
	w.service()
	digest := "6c4ec3d0abd0b1f4f9a2a3c2a1c53d3f2f2d8f6b0a3a4d57b1c8c1b5c0d2e9f7"
	answer := w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", map[string]any{
		"id": "backup", "service": "web", "kind": "heartbeat", "interval": "1h", "options": map[string]any{"token_sha256": digest},
	})
	require.NotContains(t, string(answer.body), `"heartbeat":{`)
	require.Contains(t, string(answer.body), digest)
	for _, bad := range []string{`{"token_sha256":"ab"}`, `{"token":"x"}`, `7`} {
		w.want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/checks",
			fmt.Sprintf(`{"id":"b2","service":"web","kind":"heartbeat","interval":"1h","options":%s}`, bad)).problem(t)
	}
}

func TestTimesOfHeartbeats(t *testing.T) {
	var p monitor.Problems
	require.Equal(t, 200*time.Second, took(&p, "200"))
	require.Equal(t, 12500*time.Millisecond, took(&p, "12.5"))
	require.Equal(t, 200*time.Second, took(&p, "3m20s"))
	require.Empty(t, p)
}
