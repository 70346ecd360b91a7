package kinds_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/heartbeatcheck"
	"github.com/vedette/vedette/pkg/monitor"
)

func heartbeatSubject() executortest.Subject {
	return executortest.Subject{
		Serve: func(*testing.T) monitor.Definition {
			return monitor.Definition{Kind: "heartbeat", Target: "nightly backup of db1"}
		},
		BadOptions: map[string]string{
			`{"token_sha256":"abc"}`:                             "options.token_sha256",
			`{"token_sha256":"` + strings.Repeat("x", 64) + `"}`: "options.token_sha256",
		},
	}
}

func TestPageOfHeartbeat(t *testing.T) {
	t.Parallel()
	text := page(t, "heartbeat.md")
	kind := heartbeatcheck.Executor{}.Kind()
	requireNames(t, text, kind)
	found := examples(t, text)
	require.Len(t, found, 3)
	engine := executortest.Engine(t, []executor.Executor{heartbeatcheck.Executor{}})
	judge := func(id string, beat heartbeatcheck.Heartbeat) monitor.Result {
		ex := executortest.Execution(found[id])
		return engine.Judge(t.Context(), ex, ex.DueAt.Add(-beat.Took), beat.Observation())
	}
	require.Equal(t, monitor.OutcomeSuccess, judge("backup", heartbeatcheck.Heartbeat{Took: time.Hour}).Outcome)
	require.Equal(t, monitor.OutcomeDegraded, judge("backup", heartbeatcheck.Heartbeat{Took: 4 * time.Hour}).Outcome)
	require.Equal(t, monitor.OutcomeSuccess, judge("worker", heartbeatcheck.Heartbeat{}).Outcome)
	require.Equal(t, monitor.OutcomeSuccess, judge("mirror", heartbeatcheck.Heartbeat{ExitCode: 24, Message: "12 files"}).Outcome)

	worker := monitor.Check{Definition: found["worker"].WithDefaults()}
	for _, said := range []string{
		worker.Missed(time.Now(), time.Now()).Error,
		judge("worker", heartbeatcheck.Heartbeat{Failed: true, Message: "no space left"}).Error,
		judge("worker", heartbeatcheck.Heartbeat{ExitCode: 3}).Error,
		judge("mirror", heartbeatcheck.Heartbeat{Message: "0 files"}).Error,
	} {
		i := slices.IndexFunc(textsOf(text), func(documented string) bool { return strings.Contains(said, documented) })
		require.GreaterOrEqual(t, i, 0, "%q is not on the page", said)
	}
	require.Len(t, textsOf(text), 4)
}
