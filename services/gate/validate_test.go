package gate

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

const here = "north"

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// result is a plausible result of a check, due at the given time.
func result(check string, due time.Time) monitor.Result {
	e := monitor.Execution{
		Check: monitor.Definition{ID: check, Service: "web"}, Revision: 3, Location: here,
		DueAt: due, NextDueAt: due.Add(30 * time.Second), Trigger: monitor.TriggerSchedule,
	}
	return monitor.Result{
		ID: e.ID(), CheckID: check, Service: "web", Revision: 3, Location: here, Runner: "runner-1",
		DueAt: due, StartedAt: due.Add(2 * time.Millisecond), NextDueAt: e.NextDueAt, DurationMS: 41.7,
		Outcome: monitor.OutcomeSuccess, Attempts: 1, Trigger: e.Trigger,
		Observed: map[string]any{"status": 200.0},
		Timings:  &monitor.Timings{DNS: 1.2, Connect: 3.1},
		Assertions: []monitor.AssertionResult{
			{Expression: "status == 200", Passed: true},
		},
	}
}

func reportOf(results ...monitor.Result) bus.Report {
	return bus.Report{
		Runner:  monitor.Runner{ID: "runner-1", Location: here, Host: "Host.example", Version: "1.0", Concurrency: 64},
		Results: results,
	}
}

func TestValidateTakesWhatRunnersSend(t *testing.T) {
	unsaved := result("", noon())
	unsaved.Trigger, unsaved.Service, unsaved.NextDueAt = monitor.TriggerTest, "", time.Time{}
	unsaved.ID = monitor.Execution{Revision: 3, Location: here, DueAt: noon()}.ID()
	isolated := result("home", noon())
	isolated.Outcome, isolated.Attempts, isolated.Error = monitor.OutcomeError, 0, "no such secret"
	slowClock := result("home", noon())
	slowClock.StartedAt = noon().Add(-4 * time.Minute)
	for name, report := range map[string]bus.Report{
		"heartbeat":      reportOf(),
		"result":         reportOf(result("home", noon())),
		"unsaved check":  reportOf(unsaved),
		"error":          reportOf(isolated),
		"late by a day":  reportOf(result("home", noon().Add(-24*time.Hour))),
		"slightly ahead": reportOf(result("home", noon().Add(4*time.Minute))),
		"clock behind":   reportOf(slowClock),
	} {
		t.Run(name, func(t *testing.T) {
			sizes, err := validate(here, report, noon())
			require.NoError(t, err)
			require.Len(t, sizes, len(report.Results))
			for _, size := range sizes {
				assert.Greater(t, size, 200)
			}
		})
	}
}

func TestValidateRefusesAResult(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*monitor.Result)
		field string
	}{
		"foreign location":    {func(r *monitor.Result) { r.Location = "south" }, "location"},
		"foreign runner":      {func(r *monitor.Result) { r.Runner = "runner-2" }, "runner"},
		"id of another check": {func(r *monitor.Result) { r.CheckID = "other" }, "id"},
		"id of another time":  {func(r *monitor.Result) { r.DueAt = r.DueAt.Add(time.Second) }, "id"},
		"id of another round": {func(r *monitor.Result) { r.Revision++ }, "id"},
		"check with a dot":    {func(r *monitor.Result) { r.CheckID = "a.b" }, "check_id"},
		"no check":            {func(r *monitor.Result) { r.CheckID = "" }, "check_id"},
		"no service":          {func(r *monitor.Result) { r.Service = "" }, "service"},
		"service with a star": {func(r *monitor.Result) { r.Service = "*" }, "service"},
		"unknown outcome":     {func(r *monitor.Result) { r.Outcome = "fine" }, "outcome"},
		"unknown trigger":     {func(r *monitor.Result) { r.Trigger = "" }, "trigger"},
		"due in the future":   {func(r *monitor.Result) { r.DueAt = noon().Add(6 * time.Minute) }, "due_at"},
		"due long ago":        {func(r *monitor.Result) { r.DueAt = noon().Add(-40 * 24 * time.Hour) }, "due_at"},
		"never due":           {func(r *monitor.Result) { r.DueAt = time.Time{} }, "due_at"},
		"begun in the future": {func(r *monitor.Result) { r.StartedAt = noon().Add(6 * time.Minute) }, "started_at"},
		"begun too early":     {func(r *monitor.Result) { r.StartedAt = noon().Add(-6 * time.Minute) }, "started_at"},
		"never begun":         {func(r *monitor.Result) { r.StartedAt = time.Time{} }, "started_at"},
		"next before due":     {func(r *monitor.Result) { r.NextDueAt = r.DueAt }, "next_due_at"},
		"negative duration":   {func(r *monitor.Result) { r.DurationMS = -1 }, "duration_ms"},
		"no number":           {func(r *monitor.Result) { r.DurationMS = math.NaN() }, "duration_ms"},
		"endless duration":    {func(r *monitor.Result) { r.DurationMS = math.Inf(1) }, "duration_ms"},
		"negative phase":      {func(r *monitor.Result) { r.Timings.TLS = -1 }, "timings.tls_ms"},
		"too many attempts":   {func(r *monitor.Result) { r.Attempts = 12 }, "attempts"},
		"broken text":         {func(r *monitor.Result) { r.Error = "\xff" }, "error"},
		"broken assertion":    {func(r *monitor.Result) { r.Assertions[0].Actual = "\xff" }, "assertions[0].actual"},
		"broken observation":  {func(r *monitor.Result) { r.Observed["x"] = []any{map[string]any{"\xff": 1}} }, "observed"},
		"deep observation":    {func(r *monitor.Result) { r.Observed["x"] = nested(40) }, "observed"},
		"no JSON":             {func(r *monitor.Result) { r.Observed["x"] = make(chan int) }, "observed"},
		"too large":           {func(r *monitor.Result) { r.Observed["x"] = strings.Repeat("x", 16<<10) }, "id"},
		"too many assertions": {func(r *monitor.Result) { r.Assertions = make([]monitor.AssertionResult, 51) }, "assertions"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := result("home", noon())
			c.spoil(&bad)
			_, err := validate(here, reportOf(result("fine", noon()), bad), noon())
			require.ErrorIs(t, err, bus.ErrRefused)
			var problems monitor.Problems
			require.ErrorAs(t, err, &problems)
			var fields []string
			for _, p := range problems {
				fields = append(fields, p.Field)
			}
			assert.Contains(t, fields, "results[1]."+c.field)
			assert.NotContains(t, err.Error(), "results[0]")
		})
	}
}

func nested(depth int) any {
	var value any = "x"
	for range depth {
		value = []any{value}
	}
	return value
}

func TestValidateRefusesARunner(t *testing.T) {
	for name, spoil := range map[string]func(*bus.Report){
		"no id":               func(r *bus.Report) { r.Runner.ID = "" },
		"id with a dot":       func(r *bus.Report) { r.Runner.ID = "a.b" },
		"foreign location":    func(r *bus.Report) { r.Runner.Location = "south" },
		"absurd concurrency":  func(r *bus.Report) { r.Runner.Concurrency = 1 << 30 },
		"long version":        func(r *bus.Report) { r.Runner.Version = strings.Repeat("1", 201) },
		"broken host":         func(r *bus.Report) { r.Runner.Host = "\xff" },
		"more than a report":  func(r *bus.Report) { r.Results = make([]monitor.Result, bus.MaxReportResults+1) },
		"a thousand problems": func(r *bus.Report) { r.Results = make([]monitor.Result, bus.MaxReportResults) },
	} {
		t.Run(name, func(t *testing.T) {
			report := reportOf()
			spoil(&report)
			_, err := validate(here, report, noon())
			require.ErrorIs(t, err, bus.ErrRefused)
			assert.Less(t, len(err.Error()), 4096, "the refusal is bounded")
		})
	}
	_, err := validate("no.token", reportOf(), noon())
	require.ErrorIs(t, err, bus.ErrRefused)
}

// FuzzReport holds that whatever a runner sends is either refused, or is within every bound that the
// readers of RESULTS rely on.
func FuzzReport(f *testing.F) {
	for _, report := range []bus.Report{reportOf(), reportOf(result("home", noon())), {}, {Stopping: true}} {
		seed, err := json.Marshal(report)
		require.NoError(f, err)
		f.Add(here, seed)
	}
	f.Add(here, []byte(`{"runner":{"id":"r","location":"north"},"results":[{"id":"a.0.0.north","check_id":"a","timings":{"dns_ms":-1}}]}`))
	f.Fuzz(func(t *testing.T, location string, body []byte) {
		var report bus.Report
		if json.Unmarshal(body, &report) != nil {
			return
		}
		sizes, err := validate(location, report, noon())
		if err != nil {
			require.ErrorIs(t, err, bus.ErrRefused)
			require.Less(t, len(err.Error()), 8192)
			return
		}
		require.True(t, monitor.ValidID(location))
		require.True(t, monitor.ValidID(report.Runner.ID))
		require.Len(t, sizes, len(report.Results))
		for i, r := range report.Results {
			encoded, err := json.Marshal(monitor.Executed(r))
			require.NoError(t, err, "what is taken can be stored")
			require.LessOrEqual(t, len(encoded), bus.MaxResultSize+64)
			require.Equal(t, location, r.Location)
			require.Equal(t, report.Runner.ID, r.Runner)
			require.GreaterOrEqual(t, r.DurationMS, 0.0)
			require.False(t, r.DueAt.After(noon().Add(maxSkew)))
			require.Positive(t, sizes[i])
			if r.Trigger != monitor.TriggerTest {
				require.True(t, monitor.ValidID(r.CheckID) && monitor.ValidID(r.Service))
			}
		}
	})
}
