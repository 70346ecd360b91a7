package metricscheck_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/metricscheck"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const plain = `# HELP depth Jobs.
# TYPE depth gauge
depth{queue="mail"} 70
depth{queue="web",host="a b"} 5 1700000000000
depth_total 9
# TYPE seconds histogram
seconds_bucket{le="1"} 3
seconds_bucket{le="+Inf"} 4
seconds_sum 6.5
seconds_count 4
none NaN
endless +Inf
broken{ 1
`

const open = "# TYPE jobs counter\njobs_total{queue=\"mail\"} 12 1700000000.123 # {id=\"x\"} 1 2.5\njobs_total{queue=\"w # \\\"b\"} 3\njobs_created{queue=\"web\"} 3\n# EOF\n"

func TestValues(t *testing.T) {
	const text, openType = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0; charset=utf-8"
	mail := map[string]string{"queue": "mail"}
	for name, tc := range map[string]struct {
		body, contentType string
		options           map[string]any
		assertions        []string
		outcome           monitor.Outcome
		text              string
	}{
		"sum":           {plain, text, map[string]any{"metric": "depth"}, []string{"value == 75.0", "series == 2"}, monitor.OutcomeSuccess, ""},
		"max":           {plain, text, map[string]any{"metric": "depth", "aggregate": "max"}, []string{"value == 70.0"}, monitor.OutcomeSuccess, ""},
		"min":           {plain, "", map[string]any{"metric": "depth", "aggregate": "min"}, []string{"value == 5.0"}, monitor.OutcomeSuccess, ""},
		"avg":           {plain, text, map[string]any{"metric": "depth", "aggregate": "avg"}, []string{"value == 37.5"}, monitor.OutcomeSuccess, ""},
		"rate":          {plain, text, map[string]any{"metric": "depth", "aggregate": "rate"}, nil, monitor.OutcomeError, "there is nothing to compare with yet: a rate of depth needs two executions by one runner"},
		"labels":        {plain, text, map[string]any{"metric": "depth", "labels": mail}, []string{"value == 70.0", "series == 1"}, monitor.OutcomeSuccess, ""},
		"count of none": {plain, text, map[string]any{"metric": "gone", "aggregate": "count"}, []string{"value == 0.0"}, monitor.OutcomeSuccess, ""},
		"bucket":        {plain, text, map[string]any{"metric": "seconds_bucket", "labels": map[string]string{"le": "1"}}, []string{"value == 3.0"}, monitor.OutcomeSuccess, ""},
		"none":          {plain, text, map[string]any{"metric": "gone"}, nil, monitor.OutcomeFailure, "no series of gone is there"},
		"not a number":  {plain, text, map[string]any{"metric": "none"}, nil, monitor.OutcomeFailure, "the sum of none is not a number"},
		"endless":       {plain, text, map[string]any{"metric": "endless", "critical": "> 1"}, nil, monitor.OutcomeFailure, "is +Inf, critical"},
		"endless, good": {plain, text, map[string]any{"metric": "endless"}, nil, monitor.OutcomeSuccess, ""},
		"broken":        {plain, text, map[string]any{"metric": "broken"}, nil, monitor.OutcomeFailure, "the series of broken cannot be read: line 13: a label has no name of its own"},
		"warning":       {plain, text, map[string]any{"metric": "depth", "warning": "> 50", "critical": ">= 100"}, nil, monitor.OutcomeDegraded, "the sum of depth is 75, warning: > 50"},
		"critical":      {plain, text, map[string]any{"metric": "depth", "warning": "> 50", "critical": ">= 75"}, []string{"true"}, monitor.OutcomeFailure, "the sum of depth is 75, critical: >= 75"},
		"open":          {open, openType, map[string]any{"metric": "jobs_total"}, []string{"value == 15.0"}, monitor.OutcomeSuccess, ""},
		"open, cut":     {open[:len(open)-6], openType, map[string]any{"metric": "jobs_total"}, nil, monitor.OutcomeFailure, "it does not end in # EOF"},
		"binary":        {"x", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited", map[string]any{"metric": "x"}, nil, monitor.OutcomeFailure, "binary format"},
	} {
		t.Run(name, func(t *testing.T) {
			url := executortest.ServeHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tc.contentType)
				_, _ = io.WriteString(w, tc.body)
			})
			d := monitor.Definition{Kind: "metrics", Target: url, Options: executortest.Options(t, tc.options), Assertions: tc.assertions, Timeout: monitor.Duration(2 * time.Second)}
			r := executortest.Engine(t, []executor.Executor{metricscheck.Executor{}}).Execute(t.Context(), executortest.Execution(d))
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
		})
	}
}
