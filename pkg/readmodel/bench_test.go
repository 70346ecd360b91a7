package readmodel

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// crowd is a reader of n checks with results.
func crowd(b *testing.B, n int) *Reader {
	b.Helper()
	p := newPress(b, bus.NewMemory())
	var events []monitor.Event
	var results []monitor.Result
	for i := range n {
		id := fmt.Sprintf("check-%05d", i)
		events = append(events, registered(id, func(d *monitor.Definition) { d.Service = fmt.Sprint("s", i%100) }),
			turned(id, monitor.StatusUnknown, monitor.Statuses()[i%3]))
		results = append(results, executed(id, i, success, float64(i%500)))
	}
	for i := range 100 {
		events = append(events, service(fmt.Sprint("s", i)))
	}
	p.event(events...)
	p.result(results...)
	return p.read()
}

func BenchmarkListOf10000Checks(b *testing.B) {
	r := crowd(b, 10_000)
	for name, query := range map[string]Query{
		"by id": {}, "by status": {Sort: "status"}, "by name": {Sort: "name"}, "by uptime": {Sort: "-uptime", Limit: 1000},
		"text": {Text: "9999"}, "status and service": {Statuses: []monitor.Status{monitor.StatusDown}, Service: "s7"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, err := r.Checks(b.Context(), query)
				require.NoError(b, err)
			}
		})
	}
	b.Run("services", func(b *testing.B) {
		for b.Loop() {
			_, err := r.Services(b.Context(), Query{})
			require.NoError(b, err)
		}
	})
	b.Run("overview", func(b *testing.B) {
		for b.Loop() {
			_, err := r.Overview(b.Context())
			require.NoError(b, err)
		}
	})
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			_, err := r.Check(b.Context(), "check-05000")
			require.NoError(b, err)
		}
	})
}

// BenchmarkFold is the cost of one result, or event, with a flush for each second of 1,000 checks.
func BenchmarkFold(b *testing.B) {
	for _, p := range Projections() {
		b.Run(p.Name(), func(b *testing.B) {
			log := make([]monitor.EventMessage, 0, 1000)
			at, n, bytes := epoch(), 0, 0
			p := fresh(p.Name())
			for b.Loop() {
				if len(log) == 0 {
					b.StopTimer()
					for i := range 1000 {
						log = append(log, sample(p.OfResults(), n, i, at))
					}
					at = at.Add(every)
					b.StartTimer()
				}
				m := log[0]
				log = log[1:]
				n++
				m.Sequence = uint64(n)
				p.Apply(m)
				if n%33 == 0 {
					for _, c := range p.Dirty() {
						bytes += len(c.Value)
					}
				}
			}
			b.ReportMetric(float64(bytes)/float64(n), "written-B/op")
		})
	}
}

func sample(ofResults bool, n, i int, at time.Time) monitor.EventMessage {
	id := fmt.Sprint("check-", i)
	if !ofResults {
		e := registered(id)
		if n >= 1000 {
			e = monitor.CheckStatusChanged{CheckID: id, Service: "web", From: monitor.StatusUp, To: monitor.StatusDown, At: at, Reason: "status 503"}
		}
		return monitor.EventMessage{Event: e, Meta: monitor.Meta{Time: at, StoredAt: at}}
	}
	r := monitor.Result{
		ID: fmt.Sprint(id, ".1.", at.UnixMilli(), ".default"), CheckID: id, Service: "web", Revision: 1, Location: "default", Runner: "runner-1", DueAt: at, StartedAt: at.Add(time.Millisecond),
		NextDueAt: at.Add(every), DurationMS: 12.3 + float64(i%50), Outcome: success, Attempts: 1, Observed: map[string]any{"status": 200, "ip": "192.0.2.1"},
		Timings: &monitor.Timings{DNS: 1.25, Connect: 3.5, TLS: 9.75, FirstByte: 25, Transfer: 2.5}, Trigger: monitor.TriggerSchedule,
		Assertions: []monitor.AssertionResult{{Expression: "status == 200", Passed: true}},
	}
	return monitor.EventMessage{Event: monitor.Executed(r), Meta: monitor.Meta{Time: at, StoredAt: at}}
}

// BenchmarkBoardAt is a board of the past, read from memory; that of no instant is kept.
func BenchmarkBoardAt(b *testing.B) {
	r := crowd(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		m, err := r.At(b.Context(), time.Now(), false)
		require.NoError(b, err)
		require.Len(b, m.board.sorted, 10_000)
	}
}
