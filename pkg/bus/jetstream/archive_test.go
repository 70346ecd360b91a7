package jetstream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/archive"
	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
)

// connectTo is open without making streams.
func connectTo(t *testing.T, server *embedded.Server) *jetstream.Bus {
	t.Helper()
	user, password := server.User()
	b, err := jetstream.Connect(t.Context(), jetstream.Config{Server: jetstream.Server{InProcess: server, User: user, Password: password, Name: t.Name()}})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

func store(t *testing.T, b *jetstream.Bus, results int) {
	t.Helper()
	for n := range results {
		_, err := b.AppendResults(t.Context(), "default", []monitor.EventMessage{{
			Meta:  monitor.Meta{ID: cloudevents.NewID(), Source: "/vedette/gate"},
			Event: monitor.CheckSucceeded{Result: monitor.Result{ID: fmt.Sprint("r", n), CheckID: "home", Error: cloudevents.NewID()}},
		}})
		require.NoError(t, err)
	}
}

// messagesOf are the messages of a stream as the server has them.
func messagesOf(t *testing.T, server *embedded.Server, name string, until uint64) (all []natsjs.RawStreamMsg) {
	t.Helper()
	js, err := natsjs.New(app(t, server))
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), name)
	require.NoError(t, err)
	state := stream.CachedInfo().State
	for n := max(1, state.FirstSeq); n <= min(until, state.LastSeq); n++ {
		m, err := stream.GetMsg(t.Context(), n)
		require.NoError(t, err)
		all = append(all, *m)
	}
	return all
}

func TestABackupIsPutBackAsItWas(t *testing.T) {
	server := started(t)
	b := open(t, server)
	head := chained(t, b, 1010)
	store(t, b, 50)
	var out bytes.Buffer
	var told []archive.Progress
	manifest, err := archive.Write(t.Context(), b, &out, archive.Options{Version: "v1", Progress: func(p archive.Progress) { told = append(told, p) }})
	require.NoError(t, err)
	require.Equal(t, head, manifest.Head)
	require.EqualValues(t, 1010, manifest.Logs[0].Messages)
	require.EqualValues(t, 50, manifest.Logs[1].Last)
	require.NotEmpty(t, told)

	other := started(t)
	target := connectTo(t, other)
	restored, err := archive.Restore(t.Context(), archive.Tar(bytes.NewReader(out.Bytes())), target, nil)
	require.NoError(t, err)
	require.Equal(t, manifest, restored)
	for _, name := range []string{"EVENTS", "RESULTS"} {
		require.Equal(t, messagesOf(t, server, name, 1<<60), messagesOf(t, other, name, 1<<60), "%s: sequences, times and all", name)
	}
	require.NoError(t, target.Restoring(t.Context()))
	require.NoError(t, target.EnsureTopology(t.Context()))
	report, err := target.Verify(t.Context(), nil, nil)
	require.NoError(t, err)
	require.Equal(t, head, report.Head)
	_, err = target.Append(t.Context(), batchOf(registered("after")))
	require.NoError(t, err)

	_, err = archive.Restore(t.Context(), archive.Tar(bytes.NewReader(out.Bytes())), target, nil)
	require.ErrorIs(t, err, jetstream.ErrNotVacant)
	require.NoError(t, target.Probe(t.Context()), "nothing was touched")
}

// A backup is taken while events and results go on being written.
func TestABackupIsConsistentUnderWrites(t *testing.T) {
	server := started(t)
	b := open(t, server)
	chained(t, b, 200)
	store(t, b, 100)
	ctx, cancel := context.WithCancel(t.Context())
	writing := make(chan error, 1)
	go func() {
		var err error
		for n := 1000; ctx.Err() == nil && err == nil; n++ {
			_, err = b.Append(t.Context(), batchOf(registered(fmt.Sprint("s", n))))
		}
		writing <- err
	}()
	for range 3 {
		var out bytes.Buffer
		manifest, err := archive.Write(t.Context(), b, &out, archive.Options{})
		require.NoError(t, err)
		other := started(t)
		target := connectTo(t, other)
		_, err = archive.Restore(t.Context(), archive.Tar(bytes.NewReader(out.Bytes())), target, nil)
		require.NoError(t, err)
		last := manifest.Logs[0].Last
		require.Equal(t, messagesOf(t, server, "EVENTS", last), messagesOf(t, other, "EVENTS", last))
		target.Close()
	}
	cancel()
	require.NoError(t, <-writing)
}

// interrupted ends a restore in its middle.
type interrupted struct {
	archive.Target
	err error
}

func (i interrupted) RestoreLog(ctx context.Context, s archive.Snapshot, next func() ([]byte, error)) error {
	if s.Log == archive.Results {
		return i.err
	}
	return i.Target.RestoreLog(ctx, s, next)
}

// stuck cannot even clean up, as a program that is killed.
type stuck struct{ interrupted }

func (stuck) DropLog(context.Context, string) error { return nil }
func (stuck) EndRestore(context.Context) error      { return nil }

func TestARestoreThatWasInterruptedIsRunAgain(t *testing.T) {
	b := open(t, started(t))
	chained(t, b, 20)
	store(t, b, 20)
	var out bytes.Buffer
	_, err := archive.Write(t.Context(), b, &out, archive.Options{})
	require.NoError(t, err)
	held := out.Bytes()

	target := connectTo(t, started(t))
	broken := errors.New("the wire broke")
	_, err = archive.Restore(t.Context(), archive.Tar(bytes.NewReader(held)), interrupted{target, broken}, nil)
	require.ErrorIs(t, err, broken)
	require.NoError(t, target.Restoring(t.Context()), "nothing is left")
	_, err = archive.Restore(t.Context(), archive.Tar(bytes.NewReader(held[:len(held)/2])), target, nil)
	require.ErrorIs(t, err, archive.ErrIncomplete)
	damaged := bytes.Clone(held)
	damaged[len(damaged)/2] ^= 1
	_, err = archive.Restore(t.Context(), archive.Tar(bytes.NewReader(damaged)), target, nil)
	require.Error(t, err)
	require.NoError(t, target.Restoring(t.Context()))

	_, err = archive.Restore(t.Context(), archive.Tar(bytes.NewReader(held)), stuck{interrupted{target, broken}}, nil)
	require.ErrorIs(t, err, broken)
	require.ErrorIs(t, target.Restoring(t.Context()), jetstream.ErrRestoring)
	_, err = archive.Restore(t.Context(), archive.Tar(bytes.NewReader(held)), target, nil)
	require.NoError(t, err)
	require.NoError(t, target.Restoring(t.Context()))
	last, err := target.Last(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 20, last)
}

func TestADamagedLogIsNotBackedUp(t *testing.T) {
	server := started(t)
	b := open(t, server)
	chained(t, b, 20)
	js, err := natsjs.New(app(t, server))
	require.NoError(t, err)
	require.NoError(t, js.DeleteStream(t.Context(), "EVENTS"))
	require.NoError(t, b.EnsureTopology(t.Context()))
	_, err = b.Verify(t.Context(), nil, nil)
	require.NoError(t, err)
	_, err = archive.Write(t.Context(), b, io.Discard, archive.Options{})
	require.ErrorIs(t, err, bus.ErrCorrupt)
	require.ErrorContains(t, err, "a backup of it would be too")
}

func TestEmptyLogsAreBackedUpToo(t *testing.T) {
	b := open(t, started(t))
	var out bytes.Buffer
	manifest, err := archive.Write(t.Context(), b, &out, archive.Options{WithoutResults: true})
	require.NoError(t, err)
	require.Len(t, manifest.Logs, 1)
	target := connectTo(t, started(t))
	_, err = archive.Restore(t.Context(), archive.Tar(&out), target, nil)
	require.NoError(t, err)
	require.NoError(t, target.EnsureTopology(t.Context()))
}
