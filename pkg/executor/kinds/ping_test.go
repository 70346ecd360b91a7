package kinds_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/executor/pingcheck"
	"github.com/vedette/vedette/pkg/monitor"
)

// mayPing skips a test where this machine does not permit it.
func mayPing(t *testing.T) {
	t.Helper()
	link, err := pingcheck.Open(netip.Addr{}, netip.MustParseAddr("127.0.0.1"), 64)
	if err != nil {
		t.Skipf("this needs permission to ping: %v", err)
	}
	require.NoError(t, link.Close())
}

func pingSubject() executortest.Subject {
	endless := func(*testing.T) monitor.Definition {
		return monitor.Definition{Kind: "ping", Target: "127.0.0.1", Options: []byte(`{"count":50,"interval":"10s"}`)}
	}
	return executortest.Subject{
		Network: executortest.ICMP,
		Serve: func(*testing.T) monitor.Definition {
			return monitor.Definition{Kind: "ping", Target: "127.0.0.1", Options: []byte(`{"interval":"20ms"}`)}
		},
		At:   func(address string) monitor.Definition { return monitor.Definition{Kind: "ping", Target: address} },
		Slow: endless,
		Echo: func(*testing.T) (monitor.Definition, string) {
			return monitor.Definition{Kind: "ping", Target: "secret://token", Options: []byte(`{"count":1}`), Assertions: []string{`ip == "x"`, `[ip] == []`}}, "127.0.0.1"
		},
		Hostile: map[string]func(*testing.T) executortest.Attack{
			// What was learned until then is judged.
			"more requests than time": func(t *testing.T) executortest.Attack {
				return executortest.Attack{Definition: endless(t), Outcome: monitor.OutcomeSuccess}
			},
			"many large requests": func(*testing.T) executortest.Attack {
				return executortest.Attack{
					Definition: monitor.Definition{Kind: "ping", Target: "127.0.0.1", Options: []byte(`{"count":50,"interval":"10ms","size":8972}`)},
					Outcome:    monitor.OutcomeSuccess,
				}
			},
		},
		BadTargets: []string{"https://example.org", "example.org:80", "[::1]", "a b", "a/b", "."},
		BadOptions: map[string]string{
			`{"interval":"1ms"}`:                           "options.interval",
			`{"interval":"1m"}`:                            "options.interval",
			`{"interval":"5"}`:                             "options.interval",
			`{"wait":"2m"}`:                                "options.wait",
			`{"wait":"-1s"}`:                               "options.wait",
			`{"source_address":"x"}`:                       "options.source_address",
			`{"ip_version":"4","source_address":"::1"}`:    "options.source_address",
			`{"resolver":"https://dns.example/dns-query"}`: "options.resolver",
		},
	}
}

// losing is a link on which some requests get lost.
type losing struct {
	pingcheck.Link
	keep, sent int
}

func (l *losing) Write(message []byte) error {
	l.sent++
	if l.sent > l.keep {
		return nil
	}
	return l.Link.Write(message)
}

// keeping is a kind on whose links all requests but the first so many get lost.
func keeping(keep int) pingcheck.Executor {
	return pingcheck.Executor{Open: func(source, to netip.Addr, ttl int) (pingcheck.Link, error) {
		link, err := pingcheck.Open(source, to, ttl)
		return &losing{Link: link, keep: keep}, err
	}}
}

func TestPageOfPing(t *testing.T) {
	t.Parallel()
	mayPing(t)
	text := page(t, "ping.md")
	requireNames(t, text, pingcheck.Executor{}.Kind())
	found := examples(t, text, "router.example.org", "127.0.0.1", "www.example.org", "127.0.0.1", "far.example.org", "127.0.0.1")
	require.Len(t, found, 3)
	for id, d := range found {
		r := executortest.Engine(t, kinds.All()).Execute(t.Context(), executortest.Execution(d))
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, "%s: %s", id, r.Error)
	}

	at := func(target, options string, assertions ...string) monitor.Definition {
		return monitor.Definition{Kind: "ping", Target: target, Options: []byte(options), Assertions: assertions}
	}
	const soon = `"interval":"10ms","wait":"50ms"`
	ping := pingcheck.Executor{}
	refused := pingcheck.Executor{Open: func(netip.Addr, netip.Addr, int) (pingcheck.Link, error) { return nil, pingcheck.ErrNotPermitted }}
	fails, errs, degrades := monitor.OutcomeFailure, monitor.OutcomeError, monitor.OutcomeDegraded
	requireTexts(t, text, []failure{
		{keeping(0), at("127.0.0.1", `{`+soon+`}`), fails, "no reply to 3 requests"},
		{keeping(1), at("127.0.0.1", `{"max_loss":50,`+soon+`}`), fails, "2 of 3 requests had no reply, more than 50 %"},
		{ping, at("127.0.0.1", `{`+soon+`}`, "rtt_avg_ms < 0.0"), fails, "rtt_avg_ms < 0.0 · actual "},
		{ping, at("no-such-host.invalid", `{}`), fails, "no-such-host.invalid"},
		{keeping(2), at("127.0.0.1", `{"warn_loss":20,`+soon+`}`), degrades, "1 of 3 requests had no reply, more than 20 %"},
		{refused, at("127.0.0.1", `{}`), errs, "it is not permitted to send ICMP: include its group in the sysctl net.ipv4.ping_group_range, or give it the capability CAP_NET_RAW"},
		{ping, at("secret://nope", `{}`), errs, "secret is not known to this runner: nope: set VEDETTE_SECRET_NOPE"},
		{ping, at("169.254.169.254", `{}`), errs, "169.254.169.254 is link-local, which is never probed"},
		{ping, at("127.0.0.1", `{}`), errs, "127.0.0.1 is in 127.0.0.0/8, denied by --deny"},
	})
}
