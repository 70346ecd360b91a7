package projector

import (
	"context"
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
// meanwhile, and that of an ordered consumer whose messages are decoded and thrown away, in turns:
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
			batch[k] = w.result(fmt.Sprint("c", n%checks), due.Add(time.Duration(n/checks)*30*time.Second), monitor.OutcomeSuccess)
		}
		w.report(batch...)
	}
	p := w.start()
	for _, name := range []string{"activity", "history"} {
		require.Eventually(b, func() bool { return w.state(name).Results == uint64(results/perMessage) && !w.state(name).Rebuilding }, 10*time.Minute, 50*time.Millisecond)
	}
	for b.Loop() {
		for _, name := range []string{"activity", "history"} {
			bare := float64(results) / bareRead(b, server, results).Seconds()
			serving := w.lineage(name).Serving
			started := time.Now()
			w.order(name, readmodel.OrderRebuild)
			require.Eventually(b, func() bool { return w.lineage(name).Serving > serving }, 10*time.Minute, 20*time.Millisecond)
			rate := float64(results) / time.Since(started).Seconds()
			b.ReportMetric(bare, "bare-before-"+name+"/s")
			b.ReportMetric(rate, name+"/s")
			b.ReportMetric(rate/bare, name+"/bare")
			c := told[readmodel.BuildComparison](w, readmodel.ComparisonPrefix, name)
			require.Zero(b, c.Different+c.OnlyOld+c.OnlyNew, "%s", name)
		}
	}
	p.stop()
}

// bareRead reads RESULTS as anybody would.
func bareRead(b *testing.B, server *embedded.Server, results int) time.Duration {
	user, password := server.User()
	nc, err := nats.Connect("", nats.InProcessServer(server), nats.UserInfo(user, password))
	require.NoError(b, err)
	defer nc.Close()
	js, err := natsjs.New(nc)
	require.NoError(b, err)
	codec := cloudevents.New()
	started := time.Now()
	consumer, err := js.OrderedConsumer(context.Background(), "RESULTS", natsjs.OrderedConsumerConfig{})
	require.NoError(b, err)
	messages, err := consumer.Messages()
	require.NoError(b, err)
	defer messages.Stop()
	for read := 0; read < results; {
		m, err := messages.Next()
		require.NoError(b, err)
		batch, err := codec.UnmarshalBatch(m.Data())
		require.NoError(b, err)
		read += len(batch)
	}
	return time.Since(started)
}
