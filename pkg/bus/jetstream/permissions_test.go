package jetstream_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/bustest"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
)

// refusals notes what the server refused a connection.
type refusals struct {
	mu  sync.Mutex
	all []string
}

func (r *refusals) note(_ *nats.Conn, _ *nats.Subscription, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, err.Error())
}

func (r *refusals) has(subject string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, text := range r.all {
		if strings.Contains(text, `"`+subject+`"`) {
			return true
		}
	}
	return false
}

// As a runner pulls, acknowledges and reports, and can do nothing else: not write to a stream, not
// look at one, not open a bucket, not listen to what is not for it, not act at another location.
func TestARunnerCanDoItsThreeThingsAndNoMore(t *testing.T) {
	server := started(t)
	b := open(t, server)
	_, err := b.Append(t.Context(), batchOf(registered("web")))
	require.NoError(t, err)
	for _, location := range []string{bustest.Here, bustest.There} {
		require.NoError(t, b.OpenLocation(t.Context(), location))
		require.NoError(t, b.Dispatch(t.Context(), "first-"+location, monitor.ExecuteChecks{Location: location, Executions: []monitor.Execution{{Location: location}}}))
	}
	var refused refusals
	user, password := server.Runner(bustest.Here)
	conn := plain(t, server, user, password, nats.ErrorHandler(refused.note), nats.CustomInboxPrefix(embedded.RunnerInboxPrefix))

	for _, subject := range []string{
		"vedette.event.service.web.deleted", "vedette.command.check.home.delete", "vedette.result.here", "vedette.execute.here",
		"vedette.ingest.there", "vedette.live.runner.here.x", "vedette.dead.x", "$KV.vedette_leases.decider", "$KV.vedette_checks.check.home",
		"$JS.API.INFO", "$JS.API.STREAM.INFO.EVENTS", "$JS.API.STREAM.DELETE.EVENTS", "$JS.API.STREAM.PURGE.RESULTS", "$JS.API.STREAM.CREATE.MINE",
		"$JS.API.CONSUMER.CREATE.EVENTS", "$JS.API.DIRECT.GET.EVENTS", "$JS.API.CONSUMER.MSG.NEXT.EXECUTIONS.x-there",
		"JSAPP.API.STREAM.INFO.EVENTS", "JSAPP.API.STREAM.DELETE.EVENTS", "JSAPP.API.CONSUMER.MSG.NEXT.EXECUTIONS.x-there",
		"JSAPP.API.CONSUMER.DELETE.EXECUTIONS.x-here", "$JS.ACK.EXECUTIONS.x-there.1.1.1.1.1", "$JS.ACK.COMMANDS.serve-check.1.1.1.1.1", "$SYS.REQ.SERVER.PING",
	} {
		require.NoError(t, conn.Publish(subject, []byte("{}")))
		assert.Eventually(t, func() bool { return refused.has(subject) }, 5*time.Second, time.Millisecond, "publish to %s", subject)
	}
	for _, subject := range []string{">", "vedette.>", "vedette.ingest.*", "vedette.execute.here", "$KV.>", "$JS.>", "_INBOX.>", "vedette.live.>"} {
		_, err := conn.Subscribe(subject, func(m *nats.Msg) { assert.Fail(t, "heard "+m.Subject) })
		require.NoError(t, err) // the refusal comes later
		assert.Eventually(t, func() bool { return refused.has(subject) }, 5*time.Second, time.Millisecond, "subscribe to %s", subject)
	}
	js, err := natsjs.NewWithAPIPrefix(conn, embedded.RunnerAPIPrefix)
	require.NoError(t, err)
	hurried, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = js.KeyValue(hurried, "vedette_leases")
	require.Error(t, err)

	last, err := b.Last(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 1, last)
	results, err := b.LastResult(t.Context())
	require.NoError(t, err)
	assert.Zero(t, results)
	require.NoError(t, b.Probe(t.Context()))
	threeThings(t, b, runner(t, server, bustest.Here))
	delivery, err := runner(t, server, bustest.There).Pull(t.Context(), time.Second)
	require.NoError(t, err)
	assert.Equal(t, bustest.There, delivery.Batch().Location, "untouched by the other's runner")
}

func threeThings(t *testing.T, b bus.IngestServer, r bustest.Runner) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.ServeIngest(ctx, func(context.Context, string, bus.Report) error { return nil }) }()
	require.Eventually(t, func() bool { return r.Deliver(t.Context(), bustest.Here, bus.Report{}) == nil }, 10*time.Second, 10*time.Millisecond)
	delivery, err := r.Pull(t.Context(), time.Second)
	require.NoError(t, err)
	require.NoError(t, delivery.Ack(t.Context()))
	cancel()
	require.NoError(t, <-ended)
}

func TestARunnerNeedsItsPassword(t *testing.T) {
	l := listen(t)
	user, password := l.server.Runner(bustest.Here)
	_, err := nats.Connect(l.server.ClientURL(), nats.UserInfo(user, "guess"))
	require.ErrorIs(t, err, nats.ErrAuthorization)
	conn, err := nats.Connect(l.server.ClientURL(), nats.UserInfo(user, password))
	require.NoError(t, err)
	conn.Close()
}
