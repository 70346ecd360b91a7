package udpcheck_test

import (
	"encoding/json"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/udpcheck"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func execute(t *testing.T, target string, options map[string]any, assertions ...string) monitor.Result {
	t.Helper()
	d := monitor.Definition{Kind: "udp", Target: target, Options: executortest.Options(t, options), Assertions: assertions, Timeout: monitor.Duration(300 * time.Millisecond)}
	return executortest.Engine(t, []executor.Executor{udpcheck.Executor{}}).Execute(t.Context(), executortest.Execution(d))
}

func TestAnswers(t *testing.T) {
	server := executortest.ServePackets(t, func(c net.Conn) { _, _ = io.WriteString(c, "PONG 4.2\xff\n") })
	silent := executortest.ServePackets(t, func(net.Conn) {})
	empty := executortest.ServePackets(t, func(c net.Conn) { _, _ = c.Write(nil) })
	for name, tc := range map[string]struct {
		target     string
		options    map[string]any
		assertions []string
		outcome    monitor.Outcome
		text       string
	}{
		"any answer":     {target: server, outcome: monitor.OutcomeSuccess},
		"an empty one":   {target: empty, assertions: []string{`bytes == 0 && received == ""`}, outcome: monitor.OutcomeSuccess},
		"expected":       {target: server, options: map[string]any{"send": `PING\x0a`, "expect": "^PONG "}, outcome: monitor.OutcomeSuccess},
		"captured":       {target: server, options: map[string]any{"expect": `(?P<version>[\d.]+)`}, assertions: []string{`captured.version == "4.2"`, "bytes == 10", `received.startsWith("PONG")`, `ip == "127.0.0.1"`, `latency_ms > 0.0 && latency < duration("1s")`}, outcome: monitor.OutcomeSuccess},
		"another":        {target: server, options: map[string]any{"expect": "^ready"}, outcome: monitor.OutcomeFailure, text: `the answer does not match ^ready: received "PONG 4.2�\n"`},
		"another, ruled": {target: server, options: map[string]any{"expect": "^ready"}, assertions: []string{"true"}, outcome: monitor.OutcomeFailure, text: "does not match"},
		"silent":         {target: silent, outcome: monitor.OutcomeFailure, text: "timed out while waiting for an answer"},
		"nobody":         {target: executortest.Closed(t, "udp"), outcome: monitor.OutcomeFailure, text: "connection refused"},
		"other version":  {target: server, options: map[string]any{"ip_version": "6"}, outcome: monitor.OutcomeFailure},
		"unknown secret": {target: server, options: map[string]any{"send": "secret://nope"}, outcome: monitor.OutcomeError, text: "VEDETTE_SECRET_NOPE"},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, tc.target, tc.options, tc.assertions...)
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
		})
	}
}

func TestWhatIsSent(t *testing.T) {
	seen := make(chan string, 1)
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 100)
		n, from, err := packets.ReadFrom(buffer)
		if err == nil {
			seen <- string(buffer[:n])
			_, _ = packets.WriteTo(buffer[:n], from)
		}
	}()
	r := execute(t, packets.LocalAddr().String(), map[string]any{"send": `\x00\x01 a\r\n`})
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Equal(t, "\x00\x01 a\r\n", <-seen)
	require.NoError(t, packets.Close())
	<-done
}

func FuzzPrepare(f *testing.F) {
	f.Add("example.org:123", `\x1b\x00`, "^a")
	f.Add("[::1]:53", `\`, "(")
	f.Fuzz(func(t *testing.T, target, send, expect string) {
		raw, err := json.Marshal(map[string]any{"send": send, "expect": expect})
		require.NoError(t, err)
		_, problems := udpcheck.Executor{}.Prepare(monitor.Definition{Target: target, Options: raw})
		for _, p := range problems {
			require.Regexp(t, `^(target|options\.send|options\.expect)$`, p.Field)
			require.Contains(t, p.Message, ": ")
		}
	})
}
