package jetstream_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
)

// stored puts a message into a stream as a stranger would.
func stored(t *testing.T, server *embedded.Server, subject, body string, headers map[string]string) {
	t.Helper()
	m := nats.NewMsg(subject)
	for name, value := range headers {
		m.Header[name] = []string{value}
	}
	m.Data = []byte(body)
	answer, err := app(t, server).RequestMsg(m, 5*time.Second)
	require.NoError(t, err)
	require.NotContains(t, string(answer.Data), "error")
}

// letters returns what was put aside.
func letters(t *testing.T, server *embedded.Server) []*natsjs.RawStreamMsg {
	t.Helper()
	js, err := natsjs.New(app(t, server))
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), "DEAD_LETTERS")
	require.NoError(t, err)
	var all []*natsjs.RawStreamMsg
	for i := range stream.CachedInfo().State.LastSeq {
		m, err := stream.GetMsg(t.Context(), i+1)
		require.NoError(t, err)
		all = append(all, m)
	}
	return all
}

func TestWhatCannotBeReadIsPutAsideOnce(t *testing.T) {
	server := started(t)
	b := open(t, server)
	_, err := b.Append(t.Context(), batchOf(registered("one")))
	require.NoError(t, err)
	stored(t, server, "vedette.event.service.odd.registered", "not JSON", map[string]string{
		"ce-specversion": "1.0", "ce-type": "vedette.service.registered.v1", "ce-time": "2026-03-04T05:06:07Z",
	})
	_, err = b.Append(t.Context(), batchOf(registered("two")))
	require.NoError(t, err)
	for range 2 {
		events, err := b.Read(t.Context(), 0, 10, bus.Filter{})
		require.NoError(t, err)
		require.Len(t, events, 2)
		assert.EqualValues(t, 3, events[1].Sequence)
	}

	stored(t, server, "vedette.result.here", `[{"specversion":"1.0"}]`, nil)
	service, err := cloudevents.MarshalBatch([]monitor.EventMessage{registered("web")})
	require.NoError(t, err)
	stored(t, server, "vedette.result.here", string(service), nil)
	results, err := b.ReadResults(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Empty(t, results)

	put := letters(t, server)
	require.Len(t, put, 3)
	assert.Equal(t, "vedette.dead.EVENTS.vedette.event.service.odd.registered", put[0].Subject)
	assert.Equal(t, "not JSON", string(put[0].Data))
	assert.Equal(t, "2", put[0].Header.Get("Vedette-Sequence"))
	assert.Contains(t, put[0].Header.Get("Vedette-Reason"), "decode vedette.service.registered.v1")
	assert.Equal(t, "vedette.service.registered.v1", put[0].Header["ce-type"][0])
	assert.Contains(t, put[2].Header.Get("Vedette-Reason"), "no result")
}

func TestADeadCommandIsKeptWithItsReason(t *testing.T) {
	server := started(t)
	b := open(t, server)
	stored(t, server, "vedette.command.check.home.explode", "{}", map[string]string{
		"ce-specversion": "1.0", "ce-type": "vedette.check.explode.v9", "ce-time": "2026-03-04T05:06:07Z", "ce-id": "odd",
	})
	require.NoError(t, b.Post(t.Context(), cloudevents.NewCommand("poison", monitor.PauseCheck{CheckID: "poison"}, "/test", "", time.Now())))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- b.ServeCommands(ctx, []string{"check"}, func(_ context.Context, commands []monitor.CommandMessage) ([]bus.Outcome, error) {
			if commands[0].ID == "poison" {
				panic("unexpected")
			}
			return make([]bus.Outcome, len(commands)), nil
		})
	}()
	outcome, err := b.Send(t.Context(), cloudevents.NewCommand("good", monitor.PauseCheck{CheckID: "good"}, "/test", "", time.Now()))
	require.NoError(t, err)
	assert.True(t, outcome.Accepted())
	cancel()
	require.NoError(t, <-ended)
	put := letters(t, server)
	require.Len(t, put, 2)
	assert.Contains(t, put[0].Header.Get("Vedette-Reason"), `unknown message type: "vedette.check.explode.v9"`)
	assert.Contains(t, put[1].Header.Get("Vedette-Reason"), "panic: unexpected")
	js, err := natsjs.New(app(t, server))
	require.NoError(t, err)
	require.Eventually(t, func() bool { // acknowledgements are on their way
		stream, err := js.Stream(t.Context(), "COMMANDS")
		return err == nil && stream.CachedInfo().State.Msgs == 0
	}, 10*time.Second, 10*time.Millisecond, "they are out of the queue")
}
