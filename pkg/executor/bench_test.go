//go:build unix

package executor_test

import (
	"io"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
)

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // it cannot fail
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkOverhead compares an execution with a bare loop of the library it uses, turn by turn in
// one run, and reports the median of the processor time of either and of their ratio, which is to
// stay within 1.25. An operation is a turn of either.
func BenchmarkOverhead(b *testing.B) {
	web, names := targets(b)
	web = "http://" + web + "/"
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	bareHTTP := func() {
		response, err := client.Get(web)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	bareDNS := func() {
		query := new(dns.Msg).SetQuestion("home.test.", dns.TypeA)
		query.SetEdns0(dns.DefaultMsgSize, false)
		if _, _, err := (&dns.Client{}).ExchangeContext(b.Context(), query, names); err != nil {
			b.Fatal(err)
		}
	}
	ask := monitor.Definition{Kind: "http", Target: web}
	lookUp := monitor.Definition{Kind: "dns", Target: "home.test", Options: []byte(`{"server":"` + names + `"}`)}
	b.Run("http", func(b *testing.B) { compare(b, bareHTTP, ask) })
	b.Run("dns", func(b *testing.B) { compare(b, bareDNS, lookUp) })
	ask.Assertions = []string{"status == 200", "latency < duration('5s')", `json.state == "ok"`}
	lookUp.Assertions = []string{`"192.0.2.1" in answers`, "ttl > 10"}
	b.Run("http with assertions", func(b *testing.B) { compare(b, bareHTTP, ask) })
	b.Run("dns with assertions", func(b *testing.B) { compare(b, bareDNS, lookUp) })
}

func compare(b *testing.B, bare func(), d monitor.Definition) {
	b.Helper()
	table, err := kinds.Table()
	require.NoError(b, err)
	engine := executor.NewEngine(table, executor.Environment{Runner: "r1"})
	d.ID, d.Service = "check", "service"
	execution := monitor.Execution{Check: d.WithDefaults(), Location: "default", DueAt: time.Now()}
	check := func() {
		if r := engine.Execute(b.Context(), execution); r.Outcome != monitor.OutcomeSuccess {
			b.Fatal(r.Error)
		}
	}
	const turn = 500 // so that the garbage of either is collected in its own turn
	spend := func(do func()) float64 {
		begun := processorTime()
		for range turn {
			do()
		}
		return float64((processorTime() - begun).Microseconds()) / turn
	}
	var bareTimes, checkTimes, ratios []float64
	for b.Loop() {
		one, other := spend(bare), spend(check)
		bareTimes, checkTimes, ratios = append(bareTimes, one), append(checkTimes, other), append(ratios, other/one)
	}
	median := func(of []float64) float64 {
		slices.Sort(of)
		return of[len(of)/2]
	}
	b.ReportMetric(median(bareTimes), "bare-cpu-µs")
	b.ReportMetric(median(checkTimes), "check-cpu-µs")
	b.ReportMetric(median(ratios), "ratio")
}
