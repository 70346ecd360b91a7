package jetstream_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/chain"
	"github.com/vedette/vedette/pkg/monitor"
)

// chained appends events, one by one and in batches, and keeps their chain up to the last.
func chained(t *testing.T, b *jetstream.Bus, events int) chain.Head {
	t.Helper()
	for n := 0; n < events; {
		batch := batchOf(registered(fmt.Sprint("s", n)))
		if n%2 == 0 && n+50 <= events {
			var many []monitor.EventMessage
			for i := range 50 {
				many = append(many, registered(fmt.Sprint("s", n+i)))
			}
			batch = batchOf(many...)
		}
		_, err := b.Append(t.Context(), batch)
		require.NoError(t, err)
		n += len(batch.Events)
	}
	keep(t, b, uint64(events))
	report, err := b.Verify(t.Context(), nil, nil)
	require.NoError(t, err)
	require.True(t, report.Whole, "%+v", report)
	require.EqualValues(t, events, report.Events)
	require.EqualValues(t, events, report.Compared)
	require.EqualValues(t, events, report.Head.Sequence)
	return report.Head
}

// keep runs the keeper of the chain until it has come to an event.
func keep(t *testing.T, b *jetstream.Bus, until uint64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.KeepChain(ctx, "test") }()
	kept, err := b.Bucket(t.Context(), "chain")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		entry, err := kept.Get(t.Context(), bus.CheckpointKey)
		if err != nil {
			return false
		}
		head, err := chain.ParseHead(string(entry.Value))
		return err == nil && head.Sequence == until
	}, 20*time.Second, 10*time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
}

// rewrite puts another EVENTS in the place of that of the server, as somebody with all rights could.
func rewrite(t *testing.T, server *embedded.Server, change func([]*nats.Msg) []*nats.Msg) {
	t.Helper()
	js, err := natsjs.New(app(t, server))
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), "EVENTS")
	require.NoError(t, err)
	var all []*nats.Msg
	for n := uint64(1); n <= stream.CachedInfo().State.LastSeq; n++ {
		m, err := stream.GetMsg(t.Context(), n)
		require.NoError(t, err)
		kept := nats.NewMsg(m.Subject)
		for name, values := range m.Header {
			if len(name) > 3 && name[:3] == "ce-" {
				kept.Header[name] = values
			}
		}
		kept.Data = m.Data
		all = append(all, kept)
	}
	config := stream.CachedInfo().Config
	require.NoError(t, js.DeleteStream(t.Context(), "EVENTS"))
	_, err = js.CreateStream(t.Context(), config)
	require.NoError(t, err)
	for _, m := range change(all) {
		_, err := js.PublishMsg(t.Context(), m)
		require.NoError(t, err)
	}
}

func TestWhatIsWrongWithEventsIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func([]*nats.Msg) []*nats.Msg
		want   []chain.Damage
	}{
		"nothing": {func(all []*nats.Msg) []*nats.Msg { return all }, []chain.Damage{}},
		"another body": {func(all []*nats.Msg) []*nats.Msg {
			all[6].Data[len(all[6].Data)/2] ^= 1
			return all
		}, []chain.Damage{{Sequence: 7, Until: 7, What: chain.Changed}}},
		"another actor": {func(all []*nats.Msg) []*nats.Msg {
			all[1012].Header["ce-actor"] = []string{"nobody"}
			return all
		}, []chain.Damage{{Sequence: 1013, Until: 1013, What: chain.Changed}}},
		"another subject": {func(all []*nats.Msg) []*nats.Msg {
			all[0].Subject = "vedette.event.service.other.registered"
			return all
		}, []chain.Damage{{Sequence: 1, Until: 1, What: chain.Changed}}},
		"swapped": {func(all []*nats.Msg) []*nats.Msg {
			all[2], all[3] = all[3], all[2]
			return all
		}, []chain.Damage{{Sequence: 3, Until: 4, What: chain.Changed}}},
		"a lost tail": {func(all []*nats.Msg) []*nats.Msg { return all[:1015] }, []chain.Damage{{Sequence: 1016, Until: 1020, What: chain.Missing}}},
		"one taken out": {func(all []*nats.Msg) []*nats.Msg { return slices.Delete(all, 1017, 1018) },
			[]chain.Damage{{Sequence: 1018, Until: 1019, What: chain.Changed}, {Sequence: 1020, Until: 1020, What: chain.Missing}}},
		"all of it": {func([]*nats.Msg) []*nats.Msg { return nil }, []chain.Damage{{Sequence: 1, Until: 1020, What: chain.Missing}}},
	} {
		t.Run(name, func(t *testing.T) {
			server := started(t)
			b := open(t, server)
			head := chained(t, b, 1020)
			rewrite(t, server, c.change)
			report, err := b.Verify(t.Context(), []chain.Head{head}, nil)
			require.NoError(t, err)
			if len(report.Damage) > 0 && report.Damage[len(report.Damage)-1].What != c.want[len(c.want)-1].What {
				require.Contains(t, report.Damage[len(report.Damage)-1].What, "not the one expected", "the head tells too")
				report.Damage = report.Damage[:len(report.Damage)-1]
			}
			require.Equal(t, c.want, report.Damage)
			require.Equal(t, len(c.want) == 0, report.Whole)
			_, err = b.Append(t.Context(), batchOf(registered("after")))
			if report.Whole {
				require.NoError(t, err)
				require.Equal(t, head, report.Head)
				return
			}
			require.ErrorIs(t, err, bus.ErrCorrupt)
			require.ErrorContains(t, err, fmt.Sprint(c.want[0].Sequence))
		})
	}
}

// One that rewrites events and the chain beside them is found out by a head that was kept elsewhere.
func TestAHeadKeptElsewhereFindsOutEverything(t *testing.T) {
	server := started(t)
	b := open(t, server)
	head := chained(t, b, 20)
	rewrite(t, server, func(all []*nats.Msg) []*nats.Msg {
		all[6].Data[len(all[6].Data)/2] ^= 1
		return all
	})
	js, err := natsjs.New(app(t, server))
	require.NoError(t, err)
	for _, name := range []string{"KV_vedette_chain", "KV_vedette_integrity"} {
		require.NoError(t, js.DeleteStream(t.Context(), name))
	}
	b.Close()
	b = open(t, server)
	keep(t, b, 20)
	report, err := b.Verify(t.Context(), nil, nil)
	require.NoError(t, err)
	require.True(t, report.Whole, "there is nothing that tells")
	report, err = b.Verify(t.Context(), []chain.Head{head}, nil)
	require.NoError(t, err)
	require.EqualValues(t, 1, report.Damaged)
	require.Contains(t, report.Reason(), "event 20 has the head 20:")
	report, err = b.Verify(t.Context(), []chain.Head{{Sequence: 30}}, nil)
	require.NoError(t, err)
	require.Equal(t, []chain.Damage{{Sequence: 21, Until: 30, What: chain.Missing}}, report.Damage)
}

func TestADamagedChainIsFoundToo(t *testing.T) {
	b := open(t, started(t))
	chained(t, b, 1010)
	pages, err := b.Bucket(t.Context(), "chain")
	require.NoError(t, err)
	entry, err := pages.Get(t.Context(), "page.0")
	require.NoError(t, err)
	other := slices.Clone(entry.Value)
	other[20] ^= 1
	require.NoError(t, pages.Put(t.Context(), "page.0", other))
	report, err := b.Verify(t.Context(), nil, nil)
	require.NoError(t, err)
	require.Equal(t, []chain.Damage{{Sequence: 1, Until: 1000, What: "does not fit the head kept after them"}}, report.Damage)
	require.NoError(t, pages.Put(t.Context(), "page.0", []byte("x")))
	_, err = b.Verify(t.Context(), nil, nil)
	require.ErrorContains(t, err, "page 0 of the chain")
}

// What one process finds, all hear of: that it is damaged, and that it is whole again.
func TestWhatIsFoundIsHeardElsewhere(t *testing.T) {
	server := started(t)
	finder, hearer := open(t, server), open(t, server)
	head := chained(t, finder, 5)
	guard(t, hearer)
	require.Eventually(t, func() bool { _, ok := hearer.Integrity(); return ok }, 10*time.Second, 10*time.Millisecond)
	_, err := finder.Verify(t.Context(), []chain.Head{{Sequence: 5}}, nil)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return hearer.Probe(t.Context()) != nil }, 10*time.Second, 10*time.Millisecond)
	require.ErrorIs(t, hearer.Probe(t.Context()), bus.ErrCorrupt)
	var told []uint64
	report, err := finder.Verify(t.Context(), []chain.Head{head}, func(done, _ uint64) { told = append(told, done) })
	require.NoError(t, err)
	require.True(t, report.Whole)
	require.Empty(t, told, "five events are no news")
	require.Eventually(t, func() bool { return hearer.Probe(t.Context()) == nil }, 10*time.Second, 10*time.Millisecond)
}

func TestTheChainGoesOnWhereItEnded(t *testing.T) {
	b := open(t, started(t))
	first := chained(t, b, 7)
	_, err := b.Append(t.Context(), batchOf(registered("more")))
	require.NoError(t, err)
	report, err := b.Verify(t.Context(), nil, nil)
	require.NoError(t, err)
	require.True(t, report.Whole)
	require.EqualValues(t, 7, report.Compared)
	keep(t, b, 8)
	report, err = b.Verify(t.Context(), []chain.Head{first}, nil)
	require.NoError(t, err)
	require.True(t, report.Whole)
	require.EqualValues(t, 8, report.Compared)
}
