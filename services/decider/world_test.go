package decider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// faulty is a bus whose appends and flushes can be made to fail.
type faulty struct {
	*bus.Memory
	// onAppend, when set, takes the place of Append.
	onAppend atomic.Pointer[func(context.Context, bus.Batch) ([]monitor.EventMessage, error)]
	// dead makes every write fail: as seen from the log, the process was killed.
	dead atomic.Bool
	// firstRead is the first position from which EVENTS were read.
	reads atomic.Int64
}

var errKilled = errors.New("killed")

func (f *faulty) Append(ctx context.Context, batch bus.Batch) ([]monitor.EventMessage, error) {
	if f.dead.Load() {
		return nil, errKilled
	}
	if hook := f.onAppend.Load(); hook != nil {
		return (*hook)(ctx, batch)
	}
	return f.Memory.Append(ctx, batch)
}

func (f *faulty) Read(ctx context.Context, after uint64, limit int, filter bus.Filter) ([]monitor.EventMessage, error) {
	events, err := f.Memory.Read(ctx, after, limit, filter)
	f.reads.Add(int64(len(events)))
	return events, err
}

func (f *faulty) Bucket(ctx context.Context, name string) (bus.Bucket, error) {
	b, err := f.Memory.Bucket(ctx, name)
	return &mortalBucket{b, f}, err
}

type mortalBucket struct {
	bus.Bucket
	of *faulty
}

func (b *mortalBucket) Flush(ctx context.Context, puts map[string][]byte, checkpoint []byte, expect uint64) (uint64, error) {
	if b.of.dead.Load() {
		return 0, errKilled
	}
	return b.Bucket.Flush(ctx, puts, checkpoint, expect)
}

// world is a bus with what the other parts would do to it.
type world struct {
	t      require.TestingT
	memory *bus.Memory
	n      int
}

func newWorld(t require.TestingT) *world { return &world{t: t, memory: bus.NewMemory()} }

// term is one decider at work.
type term struct {
	bus  *faulty
	stop func()
}

// start starts a decider; stop ends it and waits.
func (w *world) start(options ...func(*Options)) term {
	f := &faulty{Memory: w.memory}
	opt := Options{Validator: strict{}, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}
	for _, o := range options {
		o(&opt)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, f, opt) }()
	return term{bus: f, stop: func() {
		cancel()
		require.NoError(w.t, <-done)
	}}
}

// kill ends a decider without letting it write anything more.
func (t term) kill() {
	t.bus.dead.Store(true)
	t.stop()
}

func (w *world) message(id string, c monitor.Command) monitor.CommandMessage {
	return monitor.CommandMessage{Meta: monitor.Meta{ID: id, Time: time.Now(), Actor: "ann"}, Command: c}
}

func (w *world) send(id string, c monitor.Command) bus.Outcome {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	outcome, err := w.memory.Send(ctx, w.message(id, c))
	require.NoError(w.t, err)
	return outcome
}

func (w *world) post(id string, c monitor.Command) {
	require.NoError(w.t, w.memory.Post(context.Background(), w.message(id, c)))
}

// result stores a result of a check, due and finished now.
func (w *world) result(check string, outcome monitor.Outcome) monitor.EventMessage {
	w.n++
	now := time.Now()
	r := monitor.Result{
		ID: fmt.Sprintf("%s-%d", check, w.n), CheckID: check, Service: "web", Location: "default", Runner: "r1",
		DueAt: now, StartedAt: now, Outcome: outcome, Trigger: monitor.TriggerSchedule,
	}
	if outcome == monitor.OutcomeFailure {
		r.Error = "status 503"
	}
	m := monitor.EventMessage{Meta: monitor.Meta{ID: "result-" + r.ID, Time: now, CorrelationID: "chain-" + r.ID}, Event: monitor.Executed(r)}
	stored, err := w.memory.AppendResults(context.Background(), "default", []monitor.EventMessage{m})
	require.NoError(w.t, err)
	return stored[0]
}

func (w *world) events() []monitor.EventMessage {
	events, err := w.memory.Read(context.Background(), 0, 100000, bus.Filter{})
	require.NoError(w.t, err)
	return events
}

func (w *world) board() *monitor.Board {
	b := monitor.NewBoard()
	for _, m := range w.events() {
		b.Evolve(m)
	}
	return b
}

func (w *world) check(id string) monitor.Check {
	c, ok := w.board().Check(id)
	require.True(w.t, ok)
	return c
}

func types(events []monitor.EventMessage) []string {
	all := make([]string, len(events))
	for i, m := range events {
		all[i] = m.Event.Type()
	}
	return all
}

// withHome registers service web and check home.
func (w *world) withHome() {
	require.True(w.t, w.send("s1", monitor.RegisterService{Definition: monitor.ServiceDefinition{ID: "web"}}).Accepted())
	require.True(w.t, w.send("c1", monitor.RegisterCheck{Definition: definition("home")}).Accepted())
}

// inBubble runs a test in virtual time.
func inBubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newWorld(t)) })
}
