package replay

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/trace"
)

// month are the results of one check at one location over 30 days at 30 s, with an outage of ten
// results every day and a blip every hour.
func month(id string) []monitor.EventMessage {
	const n = 30 * 24 * 120
	all := make([]monitor.EventMessage, n)
	for i := range all {
		due := epoch().Add(time.Duration(i+1) * 30 * time.Second)
		r := monitor.Result{
			ID: fmt.Sprint(id, i), CheckID: id, Service: "web", Location: monitor.DefaultLocation, DueAt: due, StartedAt: due, DurationMS: 41.7,
			Outcome: monitor.OutcomeSuccess, Attempts: 1, Trigger: monitor.TriggerSchedule,
		}
		if i%(24*120) < 10 || i%120 == 0 {
			r.Outcome, r.Error = monitor.OutcomeFailure, "status 503"
		}
		all[i] = monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{Sequence: uint64(i + 1), StoredAt: due.Add(50 * time.Millisecond)}}
	}
	return all
}

// BenchmarkOneCheckOverThirtyDays is the fold alone, of 86,400 results under both policies.
func BenchmarkOneCheckOverThirtyDays(b *testing.B) {
	w := withWeb(b)
	results := month("home")
	end := results[len(results)-1].StoredAt
	q := Question{Service: "web", From: epoch(), To: end, Change: Change{FailureThreshold: ptr(3)}}
	b.ReportAllocs()
	for b.Loop() {
		record, err := NewRecord(q, monitor.NewBoard(), time.Time{})
		require.NoError(b, err)
		for _, m := range w.events {
			record.Event(m)
		}
		trial, err := NewTrial(record, nil)
		require.NoError(b, err)
		for _, m := range results {
			trial.Result(m)
		}
		require.Equal(b, 30, trial.Report().Would.Incidents)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(results)), "ns/result")
}

// BenchmarkTracesOfOneCheckOverThirtyDays is the same of what is kept of the results.
func BenchmarkTracesOfOneCheckOverThirtyDays(b *testing.B) {
	w := withWeb(b)
	results := month("home")
	traces := make([]trace.Result, len(results))
	for i, m := range results {
		traces[i], _, _ = trace.Of(m)
	}
	end := results[len(results)-1].StoredAt
	q := Question{Service: "web", From: epoch(), To: end, Change: Change{FailureThreshold: ptr(3)}}
	b.ReportAllocs()
	for b.Loop() {
		record, err := NewRecord(q, monitor.NewBoard(), time.Time{})
		require.NoError(b, err)
		for _, m := range w.events {
			record.Event(m)
		}
		trial, err := NewTrial(record, nil)
		require.NoError(b, err)
		one := trial.Case("home")
		for i := range traces {
			one.Trace(&traces[i])
		}
		require.Equal(b, 30, trial.Report().Would.Incidents)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(results)), "ns/result")
}
