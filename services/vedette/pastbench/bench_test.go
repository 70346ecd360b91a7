// Package pastbench_test measures what the past costs: the board of any instant, the histogram, and what would
// have been. It writes what was, ten thousand checks over ninety days, to a data folder, and asks the real
// program on it.
//
//	go test ./services/vedette/pastbench -run '^$' -bench . -benchtime 1x -timeout 60m -v
//	VEDETTE_BENCH_FOLDER=/tmp/past go test … # keeps the folder, which takes minutes to make
package pastbench_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
)

// asked is how many instants are asked about.
const asked = 100

// instants draws times of the ninety days.
func (f *fleet) instants(seed uint64) func(i int) time.Time {
	random := rand.New(rand.NewPCG(7, seed))
	all := make([]time.Time, asked)
	span := f.end.Sub(f.begin)
	for i := range all {
		all[i] = f.begin.Add(time.Duration(random.Int64N(int64(span))))
	}
	return func(i int) time.Time { return all[i%asked] }
}

func at(t time.Time) string { return "at=" + url.QueryEscape(t.Format(time.RFC3339Nano)) }

// BenchmarkBoard asks for the board of instants that nobody has asked for before. The first one since the start
// reads what the others find in memory.
func BenchmarkBoard(b *testing.B) {
	p := prepare(b)
	for b.Loop() {
		p.onServer(b, func(bus *jetstream.Bus, _ *embedded.Server) {
			report(b, "bare-read-of-its-entries", bareBoards(b, bus, p.fleet.instants(0)))
		})
		v := build(b).serve(b, p.folder)
		first := v.timed(b, 1, func(int) string { return "/api/v1/overview?" + at(p.fleet.instants(10)(0)) })
		b.ReportMetric(first[0], "first-ms")
		for seed, path := range []string{"/overview?", "/board?", "/services?limit=100&", "/incidents?open=true&"} {
			instant := p.fleet.instants(uint64(seed + 1))
			report(b, path[1:len(path)-1], v.timed(b, asked, func(i int) string { return "/api/v1" + path + at(instant(i)) }))
		}
		v.stop(b)
	}
}

// BenchmarkHistory asks for histograms.
func BenchmarkHistory(b *testing.B) {
	p := prepare(b)
	v := build(b).serve(b, p.folder)
	for b.Loop() {
		for _, span := range []string{"-1h", "-24h", "-7d", "-90d"} {
			report(b, "history"+span, v.timed(b, asked, func(int) string { return "/api/v1/overview/history?from=" + span }))
		}
		instant := p.fleet.instants(9)
		report(b, "history-by-minute-of-a-day", v.timed(b, asked, func(i int) string {
			from := instant(i)
			return fmt.Sprintf("/api/v1/overview/history?step=1m&from=%s&to=%s", url.QueryEscape(from.Format(time.RFC3339)), url.QueryEscape(from.Add(24*time.Hour).Format(time.RFC3339)))
		}))
	}
	v.stop(b)
}

// replayed is what of a report is looked at.
type replayed struct {
	Faithful bool   `json:"faithful"`
	Complete bool   `json:"complete"`
	Source   string `json:"source"`
	Results  int    `json:"results"`
	Would    struct {
		Incidents int `json:"incidents"`
	} `json:"would"`
	Happened struct {
		Incidents int `json:"incidents"`
	} `json:"happened"`
}

// BenchmarkWhatIf asks what would have been over thirty days, of one check and of a thousand.
func BenchmarkWhatIf(b *testing.B) {
	p := prepare(b)
	for b.Loop() {
		p.onServer(b, func(bus *jetstream.Bus, _ *embedded.Server) {
			report(b, "bare-read-of-one", bareTraces(b, bus, p.fleet, 30, 1))
			report(b, "bare-read-of-1000", bareTraces(b, bus, p.fleet, 1, fleetCount))
		})
		v := build(b).serve(b, p.folder)
		var one []float64
		for i := range 30 {
			one = append(one, v.whatIf(b, p, "check", definition(i).ID, 1))
		}
		report(b, "one", one)
		report(b, "1000", []float64{v.whatIf(b, p, "service", "fleet", fleetCount)})
		v.stop(b)
	}
}

// question is about the thirty days.
func question(p *past, of, id string) map[string]any {
	to := p.End.Add(-time.Minute)
	return map[string]any{of: id, "from": to.Add(-resultDays * 24 * time.Hour), "to": to, "set": map[string]any{"failure_threshold": 3}}
}

// whatIf asks about the thirty days and returns how long the answer took, in milliseconds.
func (v *program) whatIf(b *testing.B, p *past, of, id string, checks int) float64 {
	b.Helper()
	begun := time.Now()
	raw, err := v.ask(b.Context(), http.MethodPost, "/api/v1/replays", question(p, of, id))
	require.NoError(b, err)
	took := milliseconds(time.Since(begun))
	answer, progress := lastEvent(raw)
	var r replayed
	require.NoError(b, json.Unmarshal(answer, &r), "%.500s", raw)
	require.True(b, r.Faithful && r.Complete, "%.500s", answer)
	require.Equal(b, "traces", r.Source)
	require.InDelta(b, checks*resultDays*24*120, r.Results, float64(checks))
	require.Less(b, r.Would.Incidents, r.Happened.Incidents+1)
	require.Positive(b, progress)
	return took
}
