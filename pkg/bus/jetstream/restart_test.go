package jetstream_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"testing"
	"time"

	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/bustest"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
)

// listening is a server that can be stopped and started again on the same address.
type listening struct {
	t      *testing.T
	config embedded.Config
	server *embedded.Server
}

func listen(t *testing.T) *listening {
	t.Helper()
	l := &listening{t: t, config: embedded.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Password: "secret", RunnerPassword: "other", Locations: []string{bustest.Here}}}
	l.start()
	at, err := url.Parse(l.server.ClientURL())
	require.NoError(t, err)
	l.config.Listen = at.Host
	t.Cleanup(func() { require.NoError(t, l.server.Stop()) })
	return l
}

func (l *listening) start() {
	l.t.Helper()
	server, err := embedded.Start(l.config)
	require.NoError(l.t, err)
	l.server = server
}

func (l *listening) restart() {
	l.t.Helper()
	require.NoError(l.t, l.server.Stop())
	l.start()
}

func (l *listening) open() *jetstream.Bus {
	l.t.Helper()
	b, err := jetstream.Connect(l.t.Context(), jetstream.Config{
		Server: jetstream.Server{URL: l.server.ClientURL(), User: "vedette", Password: "secret"},
		Log:    slog.New(slog.NewTextHandler(l.t.Output(), nil)),
	})
	require.NoError(l.t, err)
	l.t.Cleanup(b.Close)
	require.NoError(l.t, b.EnsureTopology(l.t.Context()))
	return b
}

// persist tries until the server is there again.
func persist(t *testing.T, try func() error) {
	t.Helper()
	var err error
	require.Eventually(t, func() bool { err = try(); return err == nil }, 20*time.Second, 20*time.Millisecond, "%v", err)
}

// journal is what followers and watchers note down.
type journal struct {
	mu        sync.Mutex
	sequences []uint64
	positions []monitor.Position
	values    []string
	caughtUp  int
}

func (j *journal) length() (events, results int, value string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if n := len(j.values); n > 0 {
		value = j.values[n-1]
	}
	return len(j.sequences), len(j.positions), value
}

func TestFollowingGoesOnOverRestartsWithoutGapOrRepeat(t *testing.T) {
	l := listen(t)
	b, writer := l.open(), l.open()
	bucket, err := writer.Bucket(t.Context(), "things")
	require.NoError(t, err)
	watched, err := b.Bucket(t.Context(), "things")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var j journal
	ended := make(chan error, 3)
	note := func(add func()) {
		j.mu.Lock()
		defer j.mu.Unlock()
		add()
	}
	arrived := func() { note(func() { j.caughtUp++ }) }
	go func() {
		ended <- b.Follow(ctx, 0, bus.Filter{}, func(events []monitor.EventMessage) error {
			note(func() {
				for _, e := range events {
					j.sequences = append(j.sequences, e.Sequence)
				}
			})
			return nil
		}, arrived)
	}()
	go func() {
		ended <- b.FollowResults(ctx, 0, func(results []monitor.EventMessage) error {
			note(func() {
				for _, r := range results {
					j.positions = append(j.positions, r.Position())
				}
			})
			return nil
		}, arrived)
	}()
	go func() {
		ended <- watched.Watch(ctx, "page.*", func(entries []bus.Entry) {
			note(func() {
				for _, e := range entries {
					j.values = append(j.values, string(e.Value))
				}
			})
		}, arrived)
	}()
	const rounds, each = 3, 20
	for round := range rounds {
		for i := range each {
			n := fmt.Sprintf("%d-%02d", round, i)
			event := batchOf(registered(n))
			persist(t, func() error { _, err := writer.Append(t.Context(), event); return err })
			result := []monitor.EventMessage{{Meta: monitor.Meta{ID: cloudevents.NewID(), Time: time.Now()}, Event: monitor.Executed(monitor.Result{ID: n, Outcome: monitor.OutcomeSuccess})}}
			persist(t, func() error { _, err := writer.AppendResults(t.Context(), bustest.Here, result); return err })
			persist(t, func() error { return bucket.Put(t.Context(), "page.1", []byte(n)) })
			if i == each/2 {
				l.restart()
			}
		}
	}
	const all = rounds * each
	last := fmt.Sprintf("%d-%02d", rounds-1, each-1)
	require.Eventually(t, func() bool {
		events, results, value := j.length()
		return events >= all && results >= all && value == last
	}, 20*time.Second, 20*time.Millisecond)
	cancel()
	for range 3 {
		require.NoError(t, <-ended)
	}
	require.Len(t, j.sequences, all)
	require.Len(t, j.positions, all)
	for i := range all {
		assert.EqualValues(t, i+1, j.sequences[i])
		assert.Equal(t, monitor.Position{Sequence: uint64(i + 1)}, j.positions[i])
	}
	assert.IsIncreasing(t, j.values)
	assert.Equal(t, 3, j.caughtUp, "each once")
}

func TestWhatIsAcknowledgedOutlivesTheServer(t *testing.T) {
	l := listen(t)
	b := l.open()
	require.NoError(t, b.Post(t.Context(), cloudevents.NewCommand("one", monitor.PauseCheck{CheckID: "home"}, "/test", "", time.Now())))
	_, err := b.Append(t.Context(), batchOf(registered("web")))
	require.NoError(t, err)
	l.restart()
	served := make(chan string, 10)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	serve := func() {
		ended <- b.ServeCommands(ctx, []string{"check"}, func(_ context.Context, commands []monitor.CommandMessage) ([]bus.Outcome, error) {
			for _, c := range commands {
				served <- c.ID
			}
			return make([]bus.Outcome, len(commands)), nil
		})
	}
	go serve()
	require.Equal(t, "one", <-served)
	require.Eventually(t, func() bool { _, err := b.Outcome(t.Context(), "one"); return err == nil }, 10*time.Second, 10*time.Millisecond)
	l.restart()
	persist(t, func() error { _, err := b.Outcome(t.Context(), "one"); return err })
	persist(t, func() error {
		return b.Post(t.Context(), cloudevents.NewCommand("two", monitor.PauseCheck{CheckID: "home"}, "/test", "", time.Now()))
	})
	next := <-served
	for next == "one" { // comes again where the server ended before it heard that it was served
		next = <-served
	}
	require.Equal(t, "two", next, "serving goes on")
	cancel()
	require.NoError(t, <-ended)
	last, err := b.Last(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, last)
}

// A holder whose connection ends without a word loses its lease; a standby has it within the time
// to live and a second, and never while the other still believes that it holds it.
func TestALostHolderIsReplaced(t *testing.T) {
	server := started(t)
	lost, standby := open(t, server), open(t, server)
	began, stopped := make(chan uint64, 1), make(chan time.Time, 1)
	ended := make(chan error, 2)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		ended <- lost.Hold(ctx, "decider", "lost", func(ctx context.Context, fence uint64) error {
			began <- fence
			<-ctx.Done()
			stopped <- time.Now()
			return ctx.Err()
		})
	}()
	fence := <-began
	took := make(chan time.Time, 1)
	go func() {
		ended <- standby.Hold(ctx, "decider", "standby", func(ctx context.Context, next uint64) error {
			took <- time.Now()
			assert.Greater(t, next, fence)
			<-ctx.Done()
			return nil
		})
	}()
	cut := time.Now()
	lost.Close()
	taken := <-took
	assert.Less(t, taken.Sub(cut), 4*time.Second)
	assert.True(t, (<-stopped).Before(taken), "never two at once")
	cancel()
	require.NoError(t, <-ended)
	require.NoError(t, <-ended)
}

func TestResultsThatWerePurgedAreNoObstacle(t *testing.T) {
	server := started(t)
	b := open(t, server)
	add := func(n int) {
		for range n {
			_, err := b.AppendResults(t.Context(), bustest.Here, []monitor.EventMessage{{
				Meta: monitor.Meta{ID: cloudevents.NewID(), Time: time.Now()}, Event: monitor.Executed(monitor.Result{Outcome: monitor.OutcomeSuccess}),
			}})
			require.NoError(t, err)
		}
	}
	js, err := natsjs.New(app(t, server))
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), "RESULTS")
	require.NoError(t, err)
	add(5)
	require.NoError(t, stream.Purge(t.Context(), natsjs.WithPurgeSequence(4)))
	first, err := b.FirstResult(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 4, first)
	results, err := b.ReadResults(t.Context(), 1, 10)
	require.NoError(t, err)
	require.Len(t, results, 2)
	require.EqualValues(t, 4, results[0].Sequence)

	require.NoError(t, stream.Purge(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	arrived := make(chan struct{})
	var sequences []uint64
	done := make(chan error, 1)
	go func() {
		done <- b.FollowResults(ctx, 2, func(results []monitor.EventMessage) error {
			for _, r := range results {
				sequences = append(sequences, r.Sequence)
			}
			if len(sequences) == 2 {
				cancel()
			}
			return nil
		}, func() { close(arrived) })
	}()
	<-arrived
	add(2)
	require.NoError(t, <-done)
	require.Equal(t, []uint64{6, 7}, sequences)
}
