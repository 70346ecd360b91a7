package projector

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// BenchmarkRebuildBesideABareRead is the rate of builds of the read models of results that serve
// meanwhile, and that of an ordered consumer whose messages are decoded and thrown away, in turns: by
// encoding/json, as anybody would, and by the codec that the builds use:
//
//	go test ./services/projector -run '^$' -bench BesideABareRead -benchtime 1x -timeout 30m
//
// VEDETTE_BENCH_RESULTS takes another number of results than a million.
func BenchmarkRebuildBesideABareRead(b *testing.B) {
	const checks, perMessage = 1000, 100
	results := 1_000_000
	if text := os.Getenv("VEDETTE_BENCH_RESULTS"); text != "" {
		var err error
		results, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	js, server := onServer(b)
	w := newWorld(b, js)
	begun := time.Now()
	due := begun.Add(-9 * time.Hour)
	for m := range results / perMessage {
		batch := make([]monitor.EventMessage, perMessage)
		for k := range batch {
			n := m*perMessage + k
			batch[k] = w.observed(fmt.Sprint("c", n%checks), due.Add(time.Duration(n/checks)*30*time.Second), n)
		}
		w.report(batch...)
	}
	p := w.start()
	names := []string{"activity", "history", "traces"}
	for _, name := range names {
		require.Eventually(b, func() bool { return w.state(name).Results == uint64(results/perMessage) && !w.state(name).Rebuilding }, 10*time.Minute, 50*time.Millisecond)
	}
	codec := cloudevents.New()
	for b.Loop() {
		bare, own := rates{}, rates{}
		for _, name := range names {
			bare.add(results, bareRead(b, server, results, byLibrary))
			own.add(results, bareRead(b, server, results, func(raw []byte) (int, error) {
				events, err := codec.UnmarshalBatch(raw)
				return len(events), err
			}))
			serving := w.lineage(name).Serving
			started := time.Now()
			w.order(name, readmodel.OrderRebuild)
			require.Eventually(b, func() bool { return w.lineage(name).Serving > serving }, 10*time.Minute, 20*time.Millisecond)
			rate := float64(results) / time.Since(started).Seconds()
			b.ReportMetric(rate, name+"/s")
			b.ReportMetric(rate/bare.last, name+"/bare")
			b.ReportMetric(rate/own.last, name+"/own")
			c := told[readmodel.BuildComparison](w, readmodel.ComparisonPrefix, name)
			require.Zero(b, c.Different+c.OnlyOld+c.OnlyNew, "%s", name)
		}
		b.ReportMetric(bare.mean(), "bare/s")
		b.ReportMetric(own.mean(), "own/s")
	}
	p.stop()
}

// observed is a result with what an HTTP check sees.
func (w *world) observed(check string, due time.Time, n int) monitor.EventMessage {
	m := w.result(check, due, monitor.OutcomeSuccess)
	r, _ := monitor.ResultOf(m.Event)
	r.DurationMS = 12 + float64(n%997)/16
	r.Observed = map[string]any{"status": 200, "bytes": 512 + n%13, "ip": "192.0.2.1", "http_version": "HTTP/1.1"}
	r.Timings = &monitor.Timings{Connect: 0.5 + float64(n%7)/8, FirstByte: 9 + float64(n%89)/16, Transfer: 1}
	m.Event = monitor.Executed(r)
	m.CausationID, m.CorrelationID = r.ID, r.ID
	return m
}

// rates are those of several reads.
type rates struct {
	last, sum float64
	n         int
}

func (r *rates) add(results int, took time.Duration) {
	r.last = float64(results) / took.Seconds()
	r.sum += r.last
	r.n++
}

func (r *rates) mean() float64 { return r.sum / float64(r.n) }

// byLibrary decodes a message of RESULTS with nothing but encoding/json.
func byLibrary(raw []byte) (int, error) {
	var batch []struct {
		ID   string    `json:"id"`
		Type string    `json:"type"`
		Time time.Time `json:"time"`
		Data struct {
			Result monitor.Result `json:"result"`
		} `json:"data"`
	}
	err := json.Unmarshal(raw, &batch)
	return len(batch), err
}

// bareRead reads RESULTS from its beginning and decodes it.
func bareRead(b *testing.B, server *embedded.Server, results int, decode func(raw []byte) (int, error)) time.Duration {
	user, password := server.User()
	nc, err := nats.Connect("", nats.InProcessServer(server), nats.UserInfo(user, password))
	require.NoError(b, err)
	defer nc.Close()
	js, err := natsjs.New(nc)
	require.NoError(b, err)
	started := time.Now()
	consumer, err := js.OrderedConsumer(context.Background(), "RESULTS", natsjs.OrderedConsumerConfig{})
	require.NoError(b, err)
	messages, err := consumer.Messages()
	require.NoError(b, err)
	defer messages.Stop()
	for read := 0; read < results; {
		m, err := messages.Next()
		require.NoError(b, err)
		n, err := decode(m.Data())
		require.NoError(b, err)
		read += n
	}
	return time.Since(started)
}
