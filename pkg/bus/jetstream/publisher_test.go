package jetstream_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus/jetstream"
)

func TestReplaysGoToForeignSubjectsOnly(t *testing.T) {
	for _, subject := range []string{"replay", "replay.events", "replay.>", "test.vedette.event.check.home.registered", "veda.event.>"} {
		require.NoError(t, jetstream.CheckReplaySubject(subject), subject)
	}
	for _, subject := range []string{
		"vedette.event.check.home.registered", "vedette.>", "vedette", "Vedette.event.x", "vedette.live.event.>", "$JS.API.STREAM.DELETE.EVENTS", "$KV.x.y",
		"_INBOX.x", "", ".", "a..b", "a.*", ">", "a.>.b", "a b", "a.b\n",
	} {
		require.Error(t, jetstream.CheckReplaySubject(subject), subject)
	}
	require.ErrorContains(t, jetstream.CheckReplaySubject("vedette.event.x"), "are Vedette's own")
}

func TestReplaySubjectsTellWhatTheyAreAbout(t *testing.T) {
	for _, c := range [][4]string{
		{"replay.events", "check/home", "vedette.check.status_changed.v1", "replay.events"},
		{"replay.>", "check/home", "vedette.check.status_changed.v1", "replay.check.home.status_changed"},
		{"a.b.>", "runner/Host.Example:1", "vedette.runner.joined.v1", "a.b.runner.=SG9zdC5FeGFtcGxlOjE.joined"},
		{"replay.>", "x", "odd", "replay.x.=.odd"},
	} {
		require.Equal(t, c[3], jetstream.ReplaySubject(c[0], c[1], c[2]))
	}
}

func TestAPublisherPublishes(t *testing.T) {
	server := started(t)
	user, password := server.User()
	listener := app(t, server)
	heard, err := listener.SubscribeSync("replay.>")
	require.NoError(t, err)
	require.NoError(t, listener.Flush())
	p, err := jetstream.ConnectPublisher(t.Context(), jetstream.Server{InProcess: server, User: user, Password: password}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer p.Close()
	require.NoError(t, p.Publish("replay.check.home.registered", map[string]string{"ce-id": "x", "Vedette-Replay": "60x"}, []byte("{}")))
	require.NoError(t, p.Flush(t.Context()))
	m, err := heard.NextMsg(5 * time.Second)
	require.NoError(t, err)
	require.Equal(t, "60x", m.Header.Get("Vedette-Replay"))
	require.Equal(t, []string{"x"}, m.Header["ce-id"])
}
