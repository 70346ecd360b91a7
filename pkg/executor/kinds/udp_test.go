package kinds_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/udpcheck"
	"github.com/vedette/vedette/pkg/monitor"
)

// echoUDP starts a server that sends back what it was sent.
func echoUDP(t *testing.T) string {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buffer := make([]byte, 64<<10); ; {
			n, from, err := packets.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = packets.WriteTo(buffer[:n], from)
		}
	}()
	t.Cleanup(func() {
		_ = packets.Close()
		<-done
	})
	return packets.LocalAddr().String()
}

func udpSubject() executortest.Subject {
	return executortest.Subject{
		Network: "udp",
		Serve: func(t *testing.T) monitor.Definition {
			return monitor.Definition{Kind: "udp", Target: echoUDP(t), Options: []byte(`{"send":"PING","expect":"(?P<word>PING)"}`)}
		},
		At: func(address string) monitor.Definition {
			return monitor.Definition{Kind: "udp", Target: address, Options: []byte(`{"send":"PING","expect":"^ready"}`)}
		},
		Echo: func(t *testing.T) (monitor.Definition, string) {
			return monitor.Definition{
				Kind: "udp", Target: echoUDP(t), Options: []byte(`{"send":"secret://token\\n","expect":"(?P<line>.*)\\n"}`),
				Assertions: []string{`received == "x"`, `captured.line == "x"`, `captured == {}`},
			}, executortest.Secret
		},
		Hostile: map[string]func(*testing.T) executortest.Attack{
			"largest": func(t *testing.T) executortest.Attack {
				address := executortest.ServePackets(t, func(c net.Conn) { _, _ = io.WriteString(c, strings.Repeat("a", 60<<10)) })
				return executortest.Attack{
					Definition: monitor.Definition{Kind: "udp", Target: address, Options: []byte(`{"expect":"^([a-z]*x){40}$"}`)},
					Outcome:    monitor.OutcomeFailure, Text: "does not match",
				}
			},
			"flood": func(t *testing.T) executortest.Attack {
				address := executortest.ServePackets(t, func(c net.Conn) {
					for range 1000 {
						_, _ = io.WriteString(c, "no")
					}
				})
				return executortest.Attack{
					Definition: monitor.Definition{Kind: "udp", Target: address, Options: []byte(`{"expect":"yes"}`)},
					Outcome:    monitor.OutcomeFailure, Text: `the answer does not match yes: received "no"`,
				}
			},
		},
		BadTargets: []string{"https://example.org", "example.org", "example.org:0", ":53", "a b:53", "::1"},
		BadOptions: map[string]string{
			`{"send":"\\q"}`:          "options.send",
			`{"send":"a\\"}`:          "options.send",
			`{"expect":"("}`:          "options.expect",
			`{"expect":".*"}`:         "options.expect",
			`{"expect":"secret://x"}`: "options.expect",
			`{"send":"` + strings.Repeat("a", 9000) + `"}`: "options.send",
		},
	}
}

func TestPageOfUDP(t *testing.T) {
	t.Parallel()
	clock := executortest.ServePackets(t, func(c net.Conn) { _, _ = c.Write(append([]byte{0x24, 2}, make([]byte, 46)...)) })
	game := executortest.ServePackets(t, func(c net.Conn) { _, _ = io.WriteString(c, "\xff\xff\xff\xffstatusResponse\n\\sv_hostname\\arena\n") })
	echo := echoUDP(t)
	text := page(t, "udp.md")
	requireNames(t, text, udpcheck.Executor{}.Kind())
	found := examples(t, text, "time.example.org:123", clock, "game.example.org:27960", game, "log.example.org:7", echo)
	require.Len(t, found, 3)
	requireExamples(t, found, "VEDETTE_SECRET_NONE")

	silent := executortest.ServePackets(t, func(net.Conn) {})
	at := func(target, options string, assertions ...string) monitor.Definition {
		return monitor.Definition{Kind: "udp", Target: target, Options: []byte(options), Assertions: assertions}
	}
	udp := udpcheck.Executor{}
	fails, errs := monitor.OutcomeFailure, monitor.OutcomeError
	requireTexts(t, text, []failure{
		{udp, at(silent, `{}`), fails, "timed out while waiting for an answer"},
		{udp, at(executortest.Closed(t, "udp"), `{}`), fails, "connection refused: 127.0.0.1:"},
		{udp, at("no-such-host.invalid:53", `{}`), fails, "no-such-host.invalid"},
		{udp, at(echo, `{"send":"PING","expect":"^PONG"}`), fails, `the answer does not match ^PONG: received "PING"`},
		{udp, at(echo, `{"send":"PING"}`, "bytes > 40"), fails, "bytes > 40 · actual 4"},
		{udp, at(echo, `{"send":"secret://nope"}`), errs, "secret is not known to this runner: nope: set VEDETTE_SECRET_NOPE"},
		{udp, at("169.254.169.254:53", `{}`), errs, "169.254.169.254 is link-local, which is never probed"},
		{udp, at(echo, `{}`), errs, "127.0.0.1 is in 127.0.0.0/8, denied by --deny"},
	})
}
