package tcpcheck_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/tcpcheck"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func execute(t *testing.T, target string, steps []string, assertions ...string) monitor.Result {
	t.Helper()
	return executeWith(t, target, map[string]any{"steps": steps}, assertions...)
}

func executeWith(t *testing.T, target string, options map[string]any, assertions ...string) monitor.Result {
	t.Helper()
	d := monitor.Definition{Kind: "tcp", Target: target, Options: executortest.Options(t, options), Assertions: assertions, Timeout: monitor.Duration(500 * time.Millisecond)}
	return executortest.Engine(t, []executor.Executor{tcpcheck.Executor{}}).Execute(t.Context(), executortest.Execution(d))
}

// mail greets, in two pieces, and answers each line with it.
func mail(c net.Conn) {
	_, _ = io.WriteString(c, "220 mx.example")
	_, _ = io.WriteString(c, ".org ESMTP 4.2\r\n")
	for lines := bufio.NewScanner(c); lines.Scan(); {
		if lines.Text() == "QUIT" {
			_, _ = io.WriteString(c, "221 bye\r\n")
			_ = c.Close()
			return
		}
		_, _ = io.WriteString(c, "250 "+lines.Text()+"\r\n")
	}
}

func TestConversations(t *testing.T) {
	server := executortest.ServeConns(t, mail)
	for name, tc := range map[string]struct {
		steps, assertions []string
		outcome           monitor.Outcome
		text              string
	}{
		"connect":            {outcome: monitor.OutcomeSuccess},
		"banner":             {steps: []string{`expect ^220 `}, outcome: monitor.OutcomeSuccess},
		"conversation":       {steps: []string{`expect ^220 .*\r\n`, `send EHLO a\r\n`, `expect ^250 EHLO a\r\n`, `send QUIT\r\n`, `expect ^221 `}, outcome: monitor.OutcomeSuccess},
		"two in one answer":  {steps: []string{`expect ^220`, `expect ESMTP`}, outcome: monitor.OutcomeSuccess},
		"in order":           {steps: []string{`expect ESMTP`, `expect ^220`}, outcome: monitor.OutcomeFailure, text: `timed out while waiting for ^220: received " 4.2\r\n"`},
		"escapes":            {steps: []string{`expect \n`, `send \x41\t\\B\r\n`, `expect ^250 A\t\\B\r\n`}, outcome: monitor.OutcomeSuccess},
		"captures":           {steps: []string{`expect ESMTP (?P<version>[0-9.]+)`}, assertions: []string{`captured.version == "4.2"`, `received.startsWith("220 mx.example.org")`, `ip == "127.0.0.1"`, `latency < duration("1s") && latency_ms > 0.0`, `timings.connect_ms > 0.0`}, outcome: monitor.OutcomeSuccess},
		"assertion fails":    {steps: []string{`expect ESMTP (?P<version>[0-9.]+)`}, assertions: []string{`captured.version == "5.0"`}, outcome: monitor.OutcomeFailure, text: `captured.version == "5.0" · actual "4.2"`},
		"no such capture":    {steps: []string{`expect ESMTP (?P<version>[0-9.]+)(?P<other>zz)?`}, assertions: []string{`captured.other == ""`}, outcome: monitor.OutcomeFailure, text: "no such key: other"},
		"another banner":     {steps: []string{`expect ^SSH-`}, outcome: monitor.OutcomeFailure, text: `timed out while waiting for ^SSH-: received "220 mx.example.org ESMTP 4.2\r\n"`},
		"closed":             {steps: []string{`expect \n`, `send QUIT\r\n`, `expect ^250`}, outcome: monitor.OutcomeFailure, text: `connection closed while waiting for ^250: received "221 bye\r\n"`},
		"steps before rules": {steps: []string{`expect ^SSH-`}, assertions: []string{"true"}, outcome: monitor.OutcomeFailure, text: "timed out"},
		"a secret":           {steps: []string{`expect \n`, `send secret://token\r\n`, `expect ^250 .*\r\n`}, assertions: []string{`received.contains("s3cret")`}, outcome: monitor.OutcomeSuccess},
		"an unknown secret":  {steps: []string{`send secret://nope\r\n`}, outcome: monitor.OutcomeError, text: "VEDETTE_SECRET_NOPE"},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, server, tc.steps, tc.assertions...)
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
			require.Equal(t, "127.0.0.1", r.Observed["ip"])
		})
	}
}

func TestWhatWasCapturedIsKept(t *testing.T) {
	r := execute(t, executortest.ServeConns(t, mail), []string{`expect (?P<code>\d+) (?P<host>\S+)`})
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Equal(t, map[string]string{"code": "220", "host": "mx.example.org"}, r.Observed["captured"])
}

func TestReadingIsBounded(t *testing.T) {
	server := executortest.ServeConns(t, func(c net.Conn) { _, _ = io.WriteString(c, strings.Repeat("a", 20<<10)+"end") })
	r := execute(t, server, []string{"expect end"})
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Equal(t, "16 KiB came, and end is not in them", r.Error)
	require.Equal(t, 16<<10, r.Observed["bytes"])
}

// TestAFullPeer never reads: what cannot be sent in the time is a failure.
func TestAFullPeer(t *testing.T) {
	server := executortest.ServeConns(t, func(net.Conn) {})
	steps := make([]string, 50)
	for i := range steps {
		steps[i] = "send " + strings.Repeat("secret://token", 500)
	}
	d := monitor.Definition{Kind: "tcp", Target: server, Options: executortest.Options(t, map[string]any{"steps": steps}), Timeout: monitor.Duration(300 * time.Millisecond)}
	engine := executortest.Engine(t, []executor.Executor{tcpcheck.Executor{}}, func(env *executor.Environment) {
		env.Secrets.Env = func(string) (string, bool) { return strings.Repeat("x", 4<<10), true }
	})
	r := engine.Execute(t.Context(), executortest.Execution(d))
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Equal(t, "timed out while sending", r.Error)
}

func TestVersionsOfIP(t *testing.T) {
	server := executortest.ServeConns(t, func(net.Conn) {})
	require.Equal(t, monitor.OutcomeSuccess, executeWith(t, server, map[string]any{"ip_version": "4"}).Outcome)
	r := executeWith(t, server, map[string]any{"ip_version": "6"})
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.NotEmpty(t, r.Error)

	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	defer func() { _ = listener.Close() }()
	r = executeWith(t, listener.Addr().String(), map[string]any{"ip_version": "6"}, `ip == "::1"`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
}

func FuzzPrepare(f *testing.F) {
	f.Add("example.org:22", `send a\r\n\x00`)
	f.Add("[::1]:22", `expect ^(?P<a>.{1,3})+$`)
	f.Add("secret://x", `send secret://y \\`)
	f.Fuzz(func(t *testing.T, target, step string) {
		raw, err := json.Marshal(map[string]any{"steps": []string{step}})
		require.NoError(t, err)
		_, problems := tcpcheck.Executor{}.Prepare(monitor.Definition{Target: target, Options: raw})
		for _, p := range problems {
			require.Regexp(t, `^(target|options\.steps\[0\])$`, p.Field)
			require.Contains(t, p.Message, ": ")
		}
	})
}
