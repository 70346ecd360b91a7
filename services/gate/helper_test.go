package gate

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// open runs a gate; stop ends it and holds that it stops well.
func open(t testing.TB, b Bus) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, b, Options{}) }()
	return func() {
		cancel()
		require.NoError(t, <-ended)
	}
}

// from returns a report of the given runner with one good result for each check.
func from(runner string, checks ...string) bus.Report {
	var results []monitor.Result
	for _, check := range checks {
		r := result(check, time.Now().Truncate(time.Millisecond))
		r.Runner = runner
		results = append(results, r)
	}
	report := reportOf(results...)
	report.Runner.ID = runner
	return report
}

func failing(report bus.Report) bus.Report {
	report.Results[0].Outcome, report.Results[0].Error = monitor.OutcomeFailure, "refused"
	return report
}

// stored returns the checks of the results in RESULTS by message, in order.
func stored(t testing.TB, b bus.ResultLog) [][]string {
	t.Helper()
	messages, err := b.ReadResults(t.Context(), 0, 1<<20)
	require.NoError(t, err)
	var all [][]string
	last := uint64(0)
	for _, m := range messages {
		if m.Sequence != last {
			all, last = append(all, nil), m.Sequence
		}
		r, ok := monitor.ResultOf(m.Event)
		require.True(t, ok)
		all[len(all)-1] = append(all[len(all)-1], r.CheckID)
	}
	return all
}
