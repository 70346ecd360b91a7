package kinds_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/executor/metricscheck"
	"github.com/vedette/vedette/pkg/monitor"
)

func metricsSubject() executortest.Subject {
	serving := func(body, text string) func(*testing.T) executortest.Attack {
		return func(t *testing.T) executortest.Attack {
			url := executortest.ServeHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
			return executortest.Attack{
				Definition: monitor.Definition{Kind: "metrics", Target: url, Options: []byte(`{"metric":"a"}`)}, Outcome: monitor.OutcomeFailure, Text: text,
			}
		}
	}
	return executortest.Subject{
		Network: "tcp",
		Serve: func(t *testing.T) monitor.Definition {
			url := executortest.ServeHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "queue_depth 7\n") })
			return monitor.Definition{Kind: "metrics", Target: url, Options: []byte(`{"metric":"queue_depth"}`)}
		},
		At: func(address string) monitor.Definition {
			return monitor.Definition{Kind: "metrics", Target: "http://" + address + "/metrics"}
		},
		Echo: func(t *testing.T) (monitor.Definition, string) {
			url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, "a 1\n# "+r.Header.Get("X-Token")+"\n")
			})
			return monitor.Definition{
				Kind: "metrics", Target: url, Options: []byte(`{"metric":"a","aggregate":"count","headers":{"X-Token":"secret://token"}}`),
				Assertions: []string{`body == "x"`},
			}, executortest.Secret
		},
		Lead: func(t *testing.T, address string) monitor.Definition {
			url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://"+address+"/", http.StatusFound)
			})
			return monitor.Definition{Kind: "metrics", Target: url}
		},
		Hostile: andThoseOfHTTP("metrics", map[string]func(*testing.T) executortest.Attack{
			"many series": serving(strings.Repeat("a 1\n", 60_000), "more than 5000 series"),
			"long line":   serving("a{b=\""+strings.Repeat("c", 400<<10)+"\"} 1\n", "longer than 8 KiB"),
			"wide series": serving(wideSeries(500, 80)+"a x\n", "cannot be read: line 501: the value is no number"),
			"no text":     serving(strings.Repeat("a\xff", 255<<10)+"\na x\n", "cannot be read: line 2"),
			"long body":   serving(strings.Repeat("b 1\n", 200_000), "longer than 512 KiB"),
			"many labels": serving(strings.Replace(wideSeries(1, 101), "\n", " \n", 1), "line 1: it has more than 100 labels"),
			"one label":   serving("a{"+strings.Repeat("b=\"\",", 100)+"\n", "a label is there twice"),
		}),
		BadTargets: []string{"ftp://x/", "x", "http://", "https://u:p@x/", "http://x:0/"},
		BadOptions: map[string]string{
			`{"method":"G T"}`:        "options.method",
			`{"headers":{"a b":"c"}}`: "options.headers",
			`{"tls":{"ca":"x"}}`:      "options.tls.ca",
			`{"metric":"a b"}`:        "options.metric",
			`{"labels":{"a-b":"c"}}`:  "options.labels",
			`{"warning":"100"}`:       "options.warning",
			`{"critical":"> NaN"}`:    "options.critical",
			`{"critical":"> Inf"}`:    "options.critical",
		},
	}
}

// wideSeries is a scrape of a with so many series of so many labels each.
func wideSeries(count, labels int) string {
	var line, text strings.Builder
	for i := range labels {
		_, _ = fmt.Fprintf(&line, "l%d=\"\",", i)
	}
	for i := range count {
		_, _ = fmt.Fprintf(&text, "a{%sn=\"%d\"} 1\n", line.String(), i)
	}
	return text.String()
}

// TestScrapeOfARealExporter reads one of the size that node_exporter has on a large machine, and
// holds it to the memory of any other attempt.
func TestScrapeOfARealExporter(t *testing.T) {
	var text strings.Builder
	for i := range 2000 {
		if i%50 == 0 {
			_, _ = fmt.Fprintf(&text, "# HELP node_cpu_seconds_total Seconds the CPUs spent in each mode.\n# TYPE node_cpu_seconds_total counter\n")
		}
		_, _ = fmt.Fprintf(&text, "node_cpu_seconds_total{cpu=\"%d\",mode=\"idle\",instance=\"node-17.cluster-a.example.org:9100\",job=\"node\"} %d.25\n", i, 1000+i)
	}
	require.Greater(t, text.Len(), 200<<10)
	url := executortest.ServeHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text.String()) })
	executortest.RequireBounded(t, metricscheck.Executor{}, monitor.Definition{
		Kind: "metrics", Target: url, Options: []byte(`{"metric":"node_cpu_seconds_total","aggregate":"max","labels":{"mode":"idle"}}`),
		Assertions: []string{"series == 2000", "value == 2999.25"},
	})
}

func TestPageOfMetrics(t *testing.T) {
	t.Parallel()
	url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/broken":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/open":
			w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0")
			_, _ = io.WriteString(w, "up 1\n")
		case "/many":
			_, _ = io.WriteString(w, strings.Repeat("up 1\n", 6000))
		case "/long":
			_, _ = io.WriteString(w, strings.Repeat("#\n", 300<<10))
		default:
			for i, queue := range []string{"mail", "web"} {
				_, _ = fmt.Fprintf(w, "queue_depth{queue=%q} %d\nup %d\nratio NaN\nwrong{ 1\n", queue, 70+i, i)
			}
			_, _ = io.WriteString(w, "errors_total 7\n")
			_, _ = io.WriteString(w, "node_filesystem_avail_bytes{mountpoint=\"/\"} 9e10\n")
		}
	})
	text := page(t, "metrics.md")
	requireNames(t, text, besides(metricscheck.Executor{}.Kind(), httpcheck.Executor{}.Kind()))
	found := examples(t, text, "https://api.example.org", url)
	require.Len(t, found, 4)
	growing := found["errors"]
	delete(found, "errors") // its first execution has no value
	requireExamples(t, found, "VEDETTE_SECRET_API_TOKEN")
	engine := executortest.Engine(t, []executor.Executor{metricscheck.Executor{}})
	require.Equal(t, monitor.OutcomeError, engine.Execute(t.Context(), executortest.Execution(growing)).Outcome)
	require.Eventually(t, func() bool {
		return engine.Execute(t.Context(), executortest.Execution(growing)).Outcome == monitor.OutcomeSuccess
	}, 5*time.Second, 300*time.Millisecond)

	at := func(path, options string, assertions ...string) monitor.Definition {
		return monitor.Definition{Kind: "metrics", Target: url + path, Options: []byte(options), Assertions: assertions}
	}
	var e executor.Executor = metricscheck.Executor{}
	fails, degrades, errs := monitor.OutcomeFailure, monitor.OutcomeDegraded, monitor.OutcomeError
	requireTexts(t, text, []failure{
		{e, at("/", `{"metric":"queue_depth","aggregate":"max","critical":"> 50"}`), fails, "the max of queue_depth is 71, critical: > 50"},
		{e, at("/", `{"metric":"gone"}`), fails, "no series of gone is there"},
		{e, at("/", `{"metric":"ratio"}`), fails, "the sum of ratio is not a number"},
		{e, at("/", `{"metric":"wrong"}`), fails, "the series of wrong cannot be read: line 4: a label has no name of its own"},
		{e, at("/", `{"metric":"up"}`, "value == 2.0"), fails, "value == 2.0 · actual 1"},
		{e, at("/broken", `{}`), fails, "status 503 Service Unavailable"},
		{e, at("/open", `{"metric":"up"}`), fails, "the answer is not whole: it does not end in # EOF"},
		{e, at("/many", `{"metric":"up"}`), fails, "up has more than 5000 series, too many to be read"},
		{e, at("/long", `{"metric":"up"}`), fails, "the body is longer than 512 KiB, too long to be read as metrics"},
		{e, at("/", `{"metric":"queue_depth","warning":"> 100"}`), degrades, "the sum of queue_depth is 141, warning: > 100"},
		{e, at("/", `{"metric":"up","aggregate":"rate"}`), errs, "there is nothing to compare with yet: a rate of up needs two executions by one runner, 1s or more apart, that see one series"},
		{e, at("/", `{"body":"secret://nope"}`), errs, "secret is not known to this runner: nope: set VEDETTE_SECRET_NOPE"},
		{e, at("/", `{}`), errs, "127.0.0.1 is in 127.0.0.0/8, denied by --deny"},
	})
}
