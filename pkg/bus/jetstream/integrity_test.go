package jetstream_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/jetstream"
)

// guard runs the integrity check until the end of the test.
func guard(t *testing.T, b *jetstream.Bus) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.GuardEvents(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
}

// readOnly demands that the bus finds EVENTS damaged, says so, writes no more and reads on.
func readOnly(t *testing.T, b *jetstream.Bus, registry *prometheus.Registry) {
	t.Helper()
	guard(t, b)
	var err error
	require.Eventually(t, func() bool {
		err = b.Probe(t.Context())
		return err != nil
	}, 10*time.Second, 10*time.Millisecond)
	require.ErrorIs(t, err, bus.ErrCorrupt)
	_, err = b.Append(t.Context(), batchOf(registered("after")))
	require.ErrorIs(t, err, bus.ErrCorrupt)
	_, err = b.Read(t.Context(), 0, 10, bus.Filter{})
	require.NoError(t, err)
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "vedette_bus_events_damaged" {
			require.InDelta(t, 1, f.GetMetric()[0].GetGauge().GetValue(), 0)
		}
	}
}

// measured gives a bus metrics of its own.
func measured() (*prometheus.Registry, func(*jetstream.Config)) {
	registry := prometheus.NewRegistry()
	return registry, func(c *jetstream.Config) { c.Registerer = registry }
}

// mark waits until the integrity check has left its mark at the given event.
func mark(t *testing.T, b *jetstream.Bus, sequence int) {
	t.Helper()
	marks, err := b.Bucket(t.Context(), "integrity")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		entry, err := marks.Get(t.Context(), "events")
		return err == nil && bytes.Contains(entry.Value, []byte(fmt.Sprintf(`"sequence":%d`, sequence)))
	}, 10*time.Second, 10*time.Millisecond)
}

func TestAWholeLogIsWritten(t *testing.T) {
	b := open(t, started(t))
	for i := range 20 {
		_, err := b.Append(t.Context(), batchOf(registered(fmt.Sprint("s", i))))
		require.NoError(t, err)
	}
	guard(t, b)
	mark(t, b, 20)
	require.NoError(t, b.Probe(t.Context()))
	_, err := b.Append(t.Context(), batchOf(registered("after")))
	require.NoError(t, err)
}

func TestAGapInEventsEndsWriting(t *testing.T) {
	server := started(t)
	js, err := natsjs.New(app(t, server))
	require.NoError(t, err)
	stream, err := js.CreateStream(t.Context(), natsjs.StreamConfig{Name: "EVENTS", Subjects: []string{"vedette.event.>"}})
	require.NoError(t, err)
	for i := range 3 {
		_, err := js.Publish(t.Context(), fmt.Sprint("vedette.event.service.s", i, ".registered"), nil)
		require.NoError(t, err)
	}
	require.NoError(t, stream.DeleteMsg(t.Context(), 2))
	registry, with := measured()
	readOnly(t, open(t, server, with), registry)
}

func TestADamagedBlockEndsWriting(t *testing.T) {
	dir := t.TempDir()
	server := serve(t, dir)
	b := open(t, server)
	for i := range 200 {
		_, err := b.Append(t.Context(), batchOf(registered(fmt.Sprint("s", i))))
		require.NoError(t, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.GuardEvents(ctx) }()
	mark(t, b, 200)
	cancel()
	require.NoError(t, <-ended)
	b.Close()
	require.NoError(t, server.Stop())

	blocks, err := filepath.Glob(filepath.Join(dir, "nats", "jetstream", "VEDETTE", "streams", "EVENTS", "msgs", "*.blk"))
	require.NoError(t, err)
	require.NotEmpty(t, blocks)
	held, err := os.ReadFile(blocks[0])
	require.NoError(t, err)
	held[len(held)/2] ^= 0x10
	require.NoError(t, os.WriteFile(blocks[0], held, 0o600))

	server = serve(t, dir)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	registry, with := measured()
	readOnly(t, open(t, server, with), registry)
}

// A store that has lost its tail looks whole. What was there at the last check tells.
func TestALostTailEndsWriting(t *testing.T) {
	server := started(t)
	b := open(t, server)
	_, err := b.Append(t.Context(), batchOf(registered("one"), registered("two")))
	require.NoError(t, err)
	marks, err := b.Bucket(t.Context(), "integrity")
	require.NoError(t, err)
	for _, was := range []string{`{"sequence":5,"id":"x"}`, `{"sequence":2,"id":"another"}`} {
		require.NoError(t, marks.Put(t.Context(), "events", []byte(was)))
		registry, with := measured()
		readOnly(t, open(t, server, with), registry)
	}
}

func TestAFullLogRefusesAndSaysSo(t *testing.T) {
	b := open(t, started(t), func(c *jetstream.Config) { c.Limits.Events = 32 << 10 })
	require.NoError(t, b.Probe(t.Context()))
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		_, err = b.Append(t.Context(), batchOf(registered(fmt.Sprint("s", i)), registered(fmt.Sprint("t", i))))
	}
	require.ErrorIs(t, err, bus.ErrFull)
	require.ErrorContains(t, err, "raise its limit")
	_, err = b.Append(t.Context(), batchOf(registered("one")))
	require.ErrorIs(t, err, bus.ErrFull, "alone too")
	require.Error(t, b.Probe(t.Context()))
}
