package jetstream_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/bustest"
	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
)

// Executions live in the server's memory: after its restart the queue is to be made again, without a
// restart of those who use it.
func TestExecutionsGoOnAfterARestart(t *testing.T) {
	l := listen(t)
	b := l.open()
	r, err := jetstream.ConnectRunner(t.Context(), jetstream.RunnerConfig{
		Server: jetstream.Server{URL: l.server.ClientURL(), User: embedded.RunnerUser(bustest.Here), Password: "other"}, Location: bustest.Here,
		APIPrefix: embedded.RunnerAPIPrefix, InboxPrefix: embedded.RunnerInboxPrefix,
	})
	require.NoError(t, err)
	t.Cleanup(r.Close)
	require.NoError(t, b.OpenLocation(t.Context(), bustest.Here))
	batch := monitor.ExecuteChecks{Location: bustest.Here, Executions: []monitor.Execution{{Location: bustest.Here}}}
	for i, id := range []string{"before", "after", "again"} {
		if i > 0 {
			l.restart()
		}
		persist(t, func() error { return b.Dispatch(t.Context(), id, batch) })
		var delivery bus.Delivery
		persist(t, func() error { delivery, err = r.Pull(t.Context(), time.Second); return err })
		require.NoError(t, delivery.Ack(t.Context()))
	}
	persist(t, func() error { return b.Probe(t.Context()) })
}
