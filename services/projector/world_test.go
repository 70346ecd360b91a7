package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// both is a bus that projectors work on and tests write to.
type both interface {
	Bus
	bus.EventLog
	AppendResults(ctx context.Context, location string, results []monitor.EventMessage) ([]monitor.EventMessage, error)
}

// faulty is a bus whose flushes can be made to fail.
type faulty struct {
	both
	// dead makes every write fail: as seen from the buckets, the process was killed.
	dead atomic.Bool
	// onFlush, when set, is asked before each flush; an error of its is the flush's.
	onFlush atomic.Pointer[func(bucket string, puts map[string][]byte) error]
	// loseAnswers makes flushes succeed and report a failure, as many times as it says.
	loseAnswers atomic.Int32
	flushes     atomic.Int32
}

func (f *faulty) Bucket(ctx context.Context, name string) (bus.Bucket, error) {
	b, err := f.both.Bucket(ctx, name)
	return &faultyBucket{b, f, name}, err
}

type faultyBucket struct {
	bus.Bucket
	of   *faulty
	name string
}

var (
	errKilled = fmt.Errorf("killed")
	errAnswer = fmt.Errorf("the answer was lost")
)

func (b *faultyBucket) Flush(ctx context.Context, puts map[string][]byte, checkpoint []byte, expect uint64) (uint64, error) {
	if b.of.dead.Load() {
		return 0, errKilled
	}
	if hook := b.of.onFlush.Load(); hook != nil {
		if err := (*hook)(b.name, puts); err != nil {
			return 0, err
		}
	}
	b.of.flushes.Add(1)
	revision, err := b.Bucket.Flush(ctx, puts, checkpoint, expect)
	if err == nil && b.of.loseAnswers.Add(-1) >= 0 {
		return 0, errAnswer
	}
	return revision, err
}

// world is a bus with what the other parts would do to it.
type world struct {
	t   testing.TB
	bus both
	n   int
	// sequences are those of the last event of each aggregate.
	sequences map[bus.Aggregate]uint64
	revisions map[bus.Aggregate]uint64
}

func newWorld(t testing.TB, b both) *world {
	return &world{t: t, bus: b, sequences: make(map[bus.Aggregate]uint64), revisions: make(map[bus.Aggregate]uint64)}
}

func inBubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newWorld(t, bus.NewMemory())) })
}

// term is one projector at work.
type term struct {
	bus  *faulty
	stop func()
}

func (w *world) start(options ...func(*Options)) term {
	f := &faulty{both: w.bus}
	return term{bus: f, stop: w.run(f, options...)}
}

func (w *world) run(b Bus, options ...func(*Options)) (stop func()) {
	opt := Options{Registerer: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(w.t.Output(), nil))}
	for _, o := range options {
		o(&opt)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, b, opt) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(w.t, <-done)
	})
	w.t.Cleanup(stop)
	return stop
}

// kill ends a projector without letting it write anything more.
func (t term) kill() {
	t.bus.dead.Store(true)
	t.stop()
}

// append writes events about aggregates in one batch.
func (w *world) append(events ...monitor.Event) []monitor.EventMessage {
	w.t.Helper()
	b := bus.Batch{Expect: make(map[bus.Aggregate]uint64)}
	for _, e := range events {
		of := bus.AggregateOf(e)
		w.n++
		w.revisions[of]++
		b.Events = append(b.Events, monitor.EventMessage{Event: e, Meta: monitor.Meta{
			ID: fmt.Sprint("event-", w.n), Source: "/test", Time: time.Now().UTC(), Revision: w.revisions[of],
		}})
		b.Expect[of] = w.sequences[of]
	}
	written, err := w.bus.Append(context.Background(), b)
	require.NoError(w.t, err)
	for _, m := range written {
		w.sequences[bus.AggregateOf(m.Event)] = m.Sequence
	}
	return written
}

func definition(id string) monitor.Definition {
	return monitor.Definition{ID: id, Service: "web", Kind: "http", Target: "http://example.org", Interval: monitor.Duration(30 * time.Second)}.WithDefaults()
}

// result is one of a check that is due at a time.
func (w *world) result(check string, due time.Time, outcome monitor.Outcome) monitor.EventMessage {
	w.n++
	r := monitor.Result{
		CheckID: check, Service: "web", Revision: 1, Location: "default", Runner: "r1", DueAt: due.UTC(), StartedAt: due.UTC(),
		NextDueAt: due.Add(30 * time.Second).UTC(), DurationMS: 12.5, Outcome: outcome, Attempts: 1, Trigger: monitor.TriggerSchedule,
	}
	r.ID = monitor.Execution{Check: monitor.Definition{ID: check}, Revision: 1, DueAt: due, Location: "default"}.ID()
	return monitor.EventMessage{Meta: monitor.Meta{ID: fmt.Sprint("result-", w.n), Source: "/test", Time: due.UTC()}, Event: monitor.Executed(r)}
}

func (w *world) report(results ...monitor.EventMessage) {
	w.t.Helper()
	_, err := w.bus.AppendResults(context.Background(), "default", results)
	require.NoError(w.t, err)
}

// lineage is what the table of generations says of a projection.
func (w *world) lineage(name string) readmodel.Lineage {
	bucket, err := w.bus.Bucket(context.Background(), readmodel.GenerationsBucket)
	require.NoError(w.t, err)
	var table readmodel.Generations
	entry, err := bucket.Get(context.Background(), bus.CheckpointKey)
	if !errors.Is(err, bus.ErrNoKey) {
		require.NoError(w.t, err)
		table, err = readmodel.ReadGenerations(entry.Value)
		require.NoError(w.t, err)
	}
	lineage, _ := table.Lineage(name)
	return lineage
}

// serving is the bucket of the generation that serves.
func (w *world) serving(name string) bus.Bucket {
	bucket, err := w.bus.Bucket(context.Background(), readmodel.BucketOf(name, w.lineage(name).Serving))
	require.NoError(w.t, err)
	return bucket
}

// contents are the entries of the generation that serves but for its checkpoint.
func (w *world) contents(name string) map[string]string {
	bucket := w.serving(name)
	entries, err := bucket.List(context.Background(), ">")
	require.NoError(w.t, err)
	all := make(map[string]string, len(entries))
	for _, e := range entries {
		if e.Key != bus.CheckpointKey {
			all[e.Key] = string(e.Value)
		}
	}
	return all
}

// everything are the contents of every bucket.
func (w *world) everything() map[string]map[string]string {
	all := make(map[string]map[string]string)
	for _, p := range readmodel.Projections() {
		all[p.Name()] = w.contents(p.Name())
	}
	return all
}

// folded is what the buckets must hold: both logs folded from nothing, without a projector.
func (w *world) folded() map[string]map[string]string {
	ctx := context.Background()
	events, err := w.bus.Read(ctx, 0, 1<<20, bus.Filter{})
	require.NoError(w.t, err)
	var results []monitor.EventMessage
	if reader, ok := w.bus.(bus.ResultLog); ok {
		results, err = reader.ReadResults(ctx, 0, 1<<20)
		require.NoError(w.t, err)
	}
	all := make(map[string]map[string]string)
	for _, p := range readmodel.Projections() {
		log := events
		if p.OfResults() {
			log = results
		}
		for _, m := range log {
			p.Apply(m)
		}
		all[p.Name()] = make(map[string]string)
		for _, c := range p.Dirty() {
			if c.Value != nil {
				all[p.Name()][c.Key] = string(c.Value)
			}
		}
	}
	return all
}
