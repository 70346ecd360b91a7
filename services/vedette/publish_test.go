package main_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

func TestRecordedEventsArePublishedAgain(t *testing.T) {
	p := up(t, "--nats-listen", "127.0.0.1:0")
	create(t, p, "services", `{"id":"web"}`)
	create(t, p, "checks", `{"id":"home","service":"web","kind":"http","target":"http://127.0.0.1:9/","paused":true}`)
	conn, err := nats.Connect(p.nats)
	require.NoError(t, err)
	defer conn.Close()
	heard, err := conn.SubscribeSync("replay.>")
	require.NoError(t, err)
	require.NoError(t, conn.Flush())
	before := events(t, p)
	code, out, errs := p.vedette(t, "replay", "publish", "--nats-url", p.nats, "--subject", "replay.>", "--speed", "max", "--where", `!subject.startsWith("runner/")`)
	require.Zero(t, code, errs)
	require.Contains(t, out, "published to replay.>")
	for _, want := range []string{"replay.service.web.registered", "replay.check.home.registered"} {
		m, err := heard.NextMsg(5 * time.Second)
		require.NoError(t, err)
		require.Equal(t, want, m.Subject)
		require.Equal(t, "max", m.Header.Get("Vedette-Replay"))
		require.Equal(t, "1.0", m.Header["ce-specversion"][0])
		require.Contains(t, string(m.Data), `"definition"`)
	}
	require.Equal(t, before, events(t, p), "nothing is stored")
	code, out, errs = p.vedette(t, "replay", "publish", "--nats-url", p.nats, "--subject", "replay.one", "--to", "-1h")
	require.Zero(t, code, errs)
	require.Contains(t, out, "0 events published")

	for args, why := range map[string]string{
		"": "name the subject", "--subject vedette.event.check.home.registered": "are Vedette's own", "--subject $JS.API.INFO": "are the server's own",
		"--subject x --speed fast": "such as 60x", "--subject x --to soon": "is no time", "--subject x --where 1": "write a condition",
	} {
		code, _, errs := p.vedette(t, append([]string{"replay", "publish"}, strings.Fields(args)...)...)
		require.Equal(t, 2, code, args)
		require.Contains(t, errs, why)
	}
	code, _, errs = p.vedette(t, "replay", "publish", "--nats-url", "nats://127.0.0.1:1", "--subject", "x")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "--nats-listen")
}
