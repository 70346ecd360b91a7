// Package metricscheck executes checks of kind metrics: what httpcheck asks for, read as metrics of
// Prometheus.
package metricscheck

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/monitor"
)

// Executor implements executor.Executor.
type Executor struct {
	// Web asks; the zero one shares no tokens with other kinds.
	Web httpcheck.Executor
}

// Kind implements executor.Executor.
func (Executor) Kind() executor.Kind {
	return executor.Kind{
		Name: "metrics", Title: "Metrics", Summary: "Scrapes a Prometheus or OpenMetrics endpoint and judges one value.",
		Target: "URL to scrape", Example: "https://example.org/metrics",
		Variables: variables(),
		Options:   option.Schema(Options{}),
	}
}

// variables are those of http but for json, which a scrape is not, and what the series come to.
func variables() []assertion.Variable {
	web := slices.DeleteFunc(httpcheck.Executor{}.Kind().Variables, func(v assertion.Variable) bool { return v.Name == "json" })
	return append(web,
		assertion.Variable{Name: "value", Type: "double", Help: "What options.aggregate makes of the selected series."},
		assertion.Variable{Name: "series", Type: "int", Help: "How many series were selected."})
}

// Prepare implements executor.Executor.
func (e Executor) Prepare(d monitor.Definition) (executor.Probe, monitor.Problems) {
	return e.prepare(d)
}

// Attempt implements executor.Probe.
func (p *probe) Attempt(ctx context.Context, tools executor.Tools) executor.Observation {
	seen := p.web.Attempt(ctx, tools)
	if seen.Err != nil {
		return seen
	}
	if seen.Verdict != "" { // the body is no scrape then
		seen.Err = errors.New(seen.Verdict)
		return seen
	}
	found, err := p.scraped(seen)
	if err != nil {
		seen.Err = err
		return seen
	}
	value, err := p.aggregated(seen, found)
	if err != nil {
		seen.Err = err
		return seen
	}
	if math.IsNaN(value) {
		seen.Err = fmt.Errorf("the %s of %s is not a number", p.options.Aggregate, p.options.Metric)
		return seen
	}
	web := seen.Values
	seen.Values = func(name string) (any, bool) {
		switch name {
		case "value":
			return value, true
		case "series":
			return len(found), true
		}
		return web(name)
	}
	seen.Observed["series"] = len(found)
	if !math.IsInf(value, 0) { // JSON has no infinity
		seen.Observed["value"] = value
	}
	if p.critical.reached(value) {
		seen.Err = fmt.Errorf("the %s of %s is %g, critical: %s", p.options.Aggregate, p.options.Metric, value, p.options.Critical)
	} else if p.warning.reached(value) {
		seen.Warning = fmt.Sprintf("the %s of %s is %g, warning: %s", p.options.Aggregate, p.options.Metric, value, p.options.Warning)
	}
	return seen
}

// scraped are the selected series.
func (p *probe) scraped(seen executor.Observation) ([]series, error) {
	if size, ok := seen.Observed["bytes"].(int); !ok || size > maxBody {
		return nil, fmt.Errorf("the body is longer than %d KiB, too long to be read as metrics", maxBody>>10)
	}
	value, _ := seen.Values("headers")
	headers, _ := value.(map[string]string)
	found, err := p.selection.in(seen.Body(), headers["content-type"])
	if err == nil && len(found) == 0 && p.options.Aggregate != "count" {
		return nil, fmt.Errorf("no series of %s is there%s", p.options.Metric, withLabels(p.options.Labels))
	}
	return found, err
}

func withLabels(labels map[string]string) string {
	if len(labels) == 0 {
		return ""
	}
	return " with these labels"
}

// aggregated is the value of the series. seen gets to know the time that a rate is of.
func (p *probe) aggregated(seen executor.Observation, found []series) (float64, error) {
	if p.options.Aggregate != rate {
		return aggregate(p.options.Aggregate, found), nil
	}
	value, apart, err := p.before.next(p.options.Metric, found, time.Now())
	if err == nil {
		seen.Observed["seconds"] = math.Round(apart.Seconds()*1000) / 1000
	}
	return value, err
}

// aggregate makes one value of some series; none is enough only to be counted.
func aggregate(how string, found []series) float64 {
	if how == "count" {
		return float64(len(found))
	}
	value := found[0].value
	for _, s := range found[1:] {
		switch how {
		case "max":
			value = math.Max(value, s.value)
		case "min":
			value = math.Min(value, s.value)
		default:
			value += s.value
		}
	}
	if how == "avg" {
		value /= float64(len(found))
	}
	return value
}
