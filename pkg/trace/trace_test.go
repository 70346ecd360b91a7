package trace

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/monitor"
)

func epoch() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// randomResults are results of one check in the order in which they came.
func randomResults(t *rapid.T) []monitor.EventMessage {
	all := make([]monitor.EventMessage, rapid.IntRange(0, 40).Draw(t, "results"))
	at, position := epoch(), monitor.Position{}
	for i := range all {
		at = at.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "pause")))
		position = monitor.Position{Sequence: position.Sequence + uint64(rapid.IntRange(0, 900).Draw(t, "step")), Index: position.Index + 1}
		duration := time.Duration(rapid.Int64Range(0, int64(5*time.Minute)).Draw(t, "duration"))
		r := monitor.Result{
			CheckID: "home", Revision: uint64(rapid.IntRange(0, 3).Draw(t, "revision")), Location: rapid.SampledFrom([]string{"north", "south", "ü"}).Draw(t, "location"),
			DueAt: at.Add(-time.Duration(rapid.Int64Range(-1e9, 1e12).Draw(t, "due"))), StartedAt: at.Add(-duration), DurationMS: float64(duration) / 1e6,
			Outcome: rapid.SampledFrom(monitor.Outcomes()).Draw(t, "outcome"), Attempts: rapid.IntRange(0, 11).Draw(t, "attempts"),
			Error: rapid.SampledFrom([]string{"", "", "status 503", "refused"}).Draw(t, "error"), Trigger: rapid.SampledFrom([]monitor.Trigger{monitor.TriggerSchedule, monitor.TriggerManual}).Draw(t, "trigger"),
		}
		if rapid.Bool().Draw(t, "next") {
			r.NextDueAt = r.DueAt.Add(30 * time.Second)
		}
		r.ID = monitor.Execution{Check: monitor.Definition{ID: "home"}, Revision: r.Revision, Location: r.Location, DueAt: r.DueAt}.ID()
		all[i] = monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{Sequence: position.Sequence, Index: position.Index, Time: at, StoredAt: at}}
	}
	return all
}

func TestABlockGivesBackWhatWasPutIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := randomResults(t)
		b := NewBlock("home", 3, 1)
		for _, m := range all {
			r, check, ok := Of(m)
			require.True(t, ok)
			require.Equal(t, "home", check)
			b.Add(r)
			if rapid.IntRange(0, 5).Draw(t, "stored") == 0 { // and goes on from there
				raw, err := b.Bytes()
				require.NoError(t, err)
				b, err = Reopen(raw)
				require.NoError(t, err)
			}
		}
		require.Len(t, all, b.Count)
		i := 0
		require.NoError(t, b.Each(func(r *Result) bool {
			require.Equal(t, all[i], r.Message("home"))
			i++
			return true
		}))
		require.Equal(t, len(all), i)
	})
}

func TestATestLeavesNoTrace(t *testing.T) {
	_, _, ok := Of(monitor.EventMessage{Event: monitor.Executed(monitor.Result{CheckID: "home", Trigger: monitor.TriggerTest})})
	require.False(t, ok)
	_, _, ok = Of(monitor.EventMessage{Event: monitor.CheckPaused{CheckID: "home"}})
	require.False(t, ok)
}

func TestALongErrorIsShortened(t *testing.T) {
	r, _, ok := Of(monitor.EventMessage{Event: monitor.Executed(monitor.Result{CheckID: "home", Error: fmt.Sprintf("%01000d", 0)})})
	require.True(t, ok)
	require.Len(t, r.Error, MaxError)
}

// regular are results of a check every 30 s.
func regular(n int) []Result {
	all := make([]Result, n)
	for i := range all {
		due := epoch().Add(time.Duration(i) * 30 * time.Second).UnixNano()
		all[i] = Result{
			Position: monitor.Position{Sequence: uint64(600 * i), Index: i % 17}, DueAt: due, NextDueAt: due + int64(30*time.Second),
			StartedAt: due + 600_000 + int64(i%977), Duration: 41_700_000 + int64(i*7919%9_000_000), Location: "default", Outcome: monitor.OutcomeSuccess,
			Trigger: monitor.TriggerSchedule, Attempts: 1, Revision: 3,
		}
		all[i].StoredAt = all[i].FinishedAt() + 30_000_000 + int64(i*104_729%20_000_000)
	}
	return all
}

func TestAResultTakesFewBytes(t *testing.T) {
	b := NewBlock("home", 1, 0)
	for _, r := range regular(512) {
		b.Add(r)
	}
	raw, err := b.Bytes()
	require.NoError(t, err)
	require.Less(t, len(raw), 512*20)
}

func BenchmarkRead(b *testing.B) {
	block := NewBlock("home", 1, 0)
	for _, r := range regular(512) {
		block.Add(r)
	}
	raw, err := block.Bytes()
	require.NoError(b, err)
	n := 0
	for b.Loop() {
		again, err := Read(raw)
		require.NoError(b, err)
		require.NoError(b, again.Each(func(*Result) bool { n++; return true }))
	}
	b.ReportMetric(float64(len(raw))/512, "B/result")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/result")
}

func FuzzRead(f *testing.F) {
	b := NewBlock("home", 1, 0)
	for _, r := range regular(5) {
		b.Add(r)
	}
	raw, err := b.Bytes()
	require.NoError(f, err)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := Reopen(raw)
		if err != nil {
			return
		}
		n := 0
		require.NoError(t, b.Each(func(*Result) bool { n++; return true }))
		require.Equal(t, b.Count, n)
	})
}
