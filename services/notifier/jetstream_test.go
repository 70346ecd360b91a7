package notifier

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
)

// Two notifiers on JetStream hand over to each other while events come: every one is told, once.
func TestOnJetStreamEveryEventIsToldOnce(t *testing.T) {
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	server, err := embedded.Start(embedded.Config{Dir: t.TempDir(), Log: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	user, password := server.User()
	b, err := jetstream.Connect(t.Context(), jetstream.Config{
		Server: jetstream.Server{InProcess: server, User: user, Password: password, Name: t.Name()}, Log: log,
	})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.EnsureTopology(t.Context()))
	write(t, b, "history", down("old"))

	told := make(map[string]int)
	const rounds, each = 3, 20
	l, stop := start(t, b, "first")
	l.says(t, "notifier begins at the end of events")
	for round := range rounds {
		next, stopNext := start(t, b, fmt.Sprint("next-", round)) // stands by
		for i := range each {
			id := fmt.Sprintf("e%d-%d", round, i)
			write(t, b, id, down("c"+id))
		}
		stop() // in the middle of them, or not, as it comes
		for _, line := range l.told(t) {
			told[fmt.Sprint(line["event"])]++
		}
		next.says(t, "notifier active")
		l, stop = next, stopNext
	}
	require.Eventually(t, func() bool { return len(told)+len(l.told(t)) >= rounds*each }, 10*time.Second, 5*time.Millisecond)
	stop()
	for _, line := range l.told(t) {
		told[fmt.Sprint(line["event"])]++
	}
	assert.Len(t, told, rounds*each)
	assert.NotContains(t, told, "history")
	for id, times := range told {
		assert.Equal(t, 1, times, id)
	}
}
