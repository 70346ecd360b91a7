package readmodel

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// halfHourly are results of a check at two locations, with times in which it was not executed.
func halfHourly(t *rapid.T) []monitor.EventMessage {
	const interval = 30 * time.Minute
	var log []monitor.EventMessage
	due := epoch()
	for range rapid.IntRange(1, 400).Draw(t, "due") {
		due = due.Add(interval * rapid.SampledFrom([]time.Duration{1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 90}).Draw(t, "gap"))
		for i, location := range []string{"north", "south"} {
			r := monitor.Result{
				ID: fmt.Sprint(len(log)), CheckID: "home", Revision: 1, Location: location, DueAt: due, StartedAt: due, NextDueAt: due.Add(interval), Attempts: 1,
				DurationMS: float64(rapid.IntRange(1, 900).Draw(t, "ms")), Outcome: rapid.SampledFrom(monitor.Outcomes()).Draw(t, "outcome"),
				Trigger: rapid.SampledFrom([]monitor.Trigger{monitor.TriggerSchedule, monitor.TriggerSchedule, monitor.TriggerManual}).Draw(t, "trigger"),
			}
			stored := due.Add(time.Duration(i+1) * time.Second)
			log = append(log, monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{Sequence: uint64(len(log) + 1), Time: stored, StoredAt: stored}})
		}
	}
	return log
}

// readerAt is a reader, as of a time, of what projections made of the logs.
func readerAt(t require.TestingT, now time.Time, events, results []monitor.EventMessage) *Reader {
	memory := bus.NewMemory()
	for _, fold := range Projections() {
		log, kept := events, shelf{}
		if fold.OfResults() {
			log = results
		}
		for _, m := range log {
			fold.Apply(m)
		}
		kept.write(fold.Dirty())
		bucket, err := memory.Bucket(context.Background(), fold.Name())
		require.NoError(t, err)
		puts := maps.Clone(map[string][]byte(kept))
		_, err = bucket.Flush(context.Background(), puts, encode(ProjectionState{Name: fold.Name(), FlushedAt: now}), 0)
		require.NoError(t, err)
	}
	r := NewReader(memory, slog.New(slog.DiscardHandler), func() time.Time { return now })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	<-r.Ready()
	cancel()
	require.NoError(t, <-done)
	return r
}

// TestThePastTellsOfResultsWhatThePresentTold compares a moment with a reader of that time that knows
// nothing of what came later.
func TestThePastTellsOfResultsWhatThePresentTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		results := halfHourly(t)
		registered := registered("home", func(d *monitor.Definition) {
			d.Locations, d.Interval = []string{"north", "south"}, monitor.Duration(30*time.Minute)
		})
		events := []monitor.EventMessage{{Event: registered, Meta: monitor.Meta{Sequence: 1, Time: epoch(), Revision: 1}}}
		n := rapid.IntRange(1, len(results)).Draw(t, "known")
		at := results[n-1].StoredAt
		if n < len(results) { // at any time until the next one
			at = at.Add(time.Duration(rapid.Int64Range(0, max(0, int64(results[n].StoredAt.Sub(at))-1)).Draw(t, "later")))
		}
		present := readerAt(t, at, events, results[:n])
		now := results[len(results)-1].StoredAt.Add(time.Hour)
		past := readerAt(t, now, events, results)
		want, err := present.Check(context.Background(), "home")
		require.NoError(t, err)
		m, err := past.At(context.Background(), at, true)
		require.NoError(t, err)
		have, err := m.Check(context.Background(), "home")
		require.NoError(t, err)
		if kept, ok := past.TracesKeptSince(); !ok || at.Add(-(keptHours+1)*time.Hour-7*24*time.Hour).Before(kept) && !kept.IsZero() {
			t.Skip("not all of it is kept")
		}
		require.Equal(t, want.Recent[max(0, len(want.Recent)-len(have.Recent)):], have.Recent)
		require.Equal(t, want.LatencyMS, have.LatencyMS)
		require.Equal(t, want.LastResult.DueAt, have.LastResult.DueAt)
		require.Equal(t, want.LastResult.Outcome, have.LastResult.Outcome)
		require.Equal(t, want.LastResult.Location, have.LastResult.Location)
		for window, uptime := range have.Uptime {
			require.Equal(t, want.Uptime[window], uptime, "%s at %s", window, at)
		}
		require.Contains(t, have.Uptime, window24h)
		page, err := m.Checks(context.Background(), Query{})
		require.NoError(t, err)
		require.Equal(t, want.Uptime[window24h], page.Items[0].Uptime[window24h])
	})
}

func TestOfResultsThatAreNotKeptNothingIsSaid(t *testing.T) {
	events := []monitor.EventMessage{{Event: registered("home"), Meta: monitor.Meta{Sequence: 1, Time: epoch(), Revision: 1}}}
	first := epoch().Add(48 * time.Hour)
	result := executed("home", 1, success, 5)
	result.DueAt, result.StartedAt = first, first
	results := []monitor.EventMessage{{Event: monitor.Executed(result), Meta: monitor.Meta{Sequence: 9, Time: first, StoredAt: first}}}
	r := readerAt(t, first.Add(time.Hour), events, results)
	m, err := r.At(t.Context(), epoch().Add(time.Hour), true)
	require.NoError(t, err)
	view, err := m.Check(t.Context(), "home")
	require.NoError(t, err)
	require.True(t, first.Equal(view.ResultsKeptSince))
	require.Nil(t, view.LastResult)
	require.Nil(t, view.Uptime)
	require.Empty(t, view.Recent)
	page, err := m.Checks(t.Context(), Query{})
	require.NoError(t, err)
	require.True(t, first.Equal(page.ResultsKeptSince))
	windows, err := m.Uptime(t.Context(), "home")
	require.NoError(t, err)
	require.Empty(t, windows)
	m, err = r.At(t.Context(), first.Add(time.Minute), true)
	require.NoError(t, err)
	view, err = m.Check(t.Context(), "home")
	require.NoError(t, err)
	require.Equal(t, 5.0, view.LastResult.DurationMS)
	require.Zero(t, view.ResultsKeptSince)
	require.Nil(t, view.Uptime, "of the 24 hours a part is not kept")
}
