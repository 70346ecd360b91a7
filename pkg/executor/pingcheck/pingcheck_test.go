package pingcheck_test

import (
	"encoding/json"
	"maps"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/pingcheck"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	succeeds = monitor.OutcomeSuccess
	degrades = monitor.OutcomeDegraded
	fails    = monitor.OutcomeFailure
	errs     = monitor.OutcomeError
)

func execute(t *testing.T, e pingcheck.Executor, target string, options map[string]any, assertions ...string) monitor.Result {
	t.Helper()
	d := monitor.Definition{Kind: "ping", Target: target, Options: executortest.Options(t, options), Assertions: assertions, Timeout: monitor.Duration(5 * time.Second)}
	return executortest.Engine(t, []executor.Executor{e}).Execute(t.Context(), executortest.Execution(d))
}

// permitted skips a test where this machine may not send ICMP, or not by a version of IP.
func permitted(t *testing.T, to string) {
	t.Helper()
	link, err := pingcheck.Open(netip.Addr{}, netip.MustParseAddr(to), 64)
	if err != nil {
		t.Skipf("this needs permission to ping %s: %v", to, err)
	}
	require.NoError(t, link.Close())
}

func TestThisMachineAnswers(t *testing.T) {
	for _, target := range []string{"127.0.0.1", "::1", "localhost"} {
		t.Run(target, func(t *testing.T) {
			if target != "localhost" {
				permitted(t, target)
			} else {
				permitted(t, "127.0.0.1")
			}
			r := execute(t, pingcheck.Executor{}, target, map[string]any{"count": 3, "interval": "10ms", "size": 1000, "ip_version": "any"},
				"sent == 3 && received == 3 && loss == 0.0 && duplicates == 0", "rtt_min_ms > 0.0 && rtt_min_ms <= rtt_avg_ms && rtt_avg_ms <= rtt_max_ms",
				"rtt_stddev_ms >= 0.0 && jitter_ms >= 0.0", "latency_ms == rtt_avg_ms && latency < duration('1s')", "ttl > 0", "lookup_ms >= 0.0")
			require.Equal(t, succeeds, r.Outcome, r.Error)
			require.EqualValues(t, 3, r.Observed["received"])
		})
	}
}

func TestFromAnAddress(t *testing.T) {
	permitted(t, "127.0.0.1")
	r := execute(t, pingcheck.Executor{}, "127.0.0.1", map[string]any{"count": 1, "source_address": "127.0.0.3"})
	require.Equal(t, succeeds, r.Outcome, r.Error)
	r = execute(t, pingcheck.Executor{}, "127.0.0.1", map[string]any{"count": 1, "source_address": "192.0.2.1"})
	require.Equal(t, errs, r.Outcome)
	require.Contains(t, r.Error, "192.0.2.1 is no address of its machine: set options.source_address to one that is")
}

// losing is a link on which some requests get lost.
type losing struct {
	pingcheck.Link
	lost func(n int) bool
	sent int
}

func (l *losing) Write(message []byte) error {
	l.sent++
	if l.lost(l.sent) {
		return nil
	}
	return l.Link.Write(message)
}

func losingExecutor(lost func(n int) bool) pingcheck.Executor {
	return pingcheck.Executor{Open: func(source, to netip.Addr, ttl int) (pingcheck.Link, error) {
		link, err := pingcheck.Open(source, to, ttl)
		return &losing{Link: link, lost: lost}, err
	}}
}

func TestLoss(t *testing.T) {
	permitted(t, "127.0.0.1")
	first := func(n int) bool { return n == 1 }
	all := func(int) bool { return true }
	for name, tc := range map[string]struct {
		lost       func(int) bool
		options    map[string]any
		assertions []string
		outcome    monitor.Outcome
		text       string
	}{
		"one reply is enough":   {first, nil, []string{"received == 3 && loss == 25.0"}, succeeds, ""},
		"warned of":             {first, map[string]any{"warn_loss": 24}, nil, degrades, "1 of 4 requests had no reply, more than 24 %"},
		"not worth a warning":   {first, map[string]any{"warn_loss": 25}, nil, succeeds, ""},
		"too much":              {first, map[string]any{"max_loss": 24}, nil, fails, "1 of 4 requests had no reply, more than 24 %"},
		"too much, ruled too":   {first, map[string]any{"max_loss": 24}, []string{"true"}, fails, "1 of 4 requests had no reply, more than 24 %"},
		"not too much":          {first, map[string]any{"max_loss": 25}, nil, succeeds, ""},
		"an assertion":          {first, nil, []string{"loss == 0.0"}, fails, "loss == 0.0 · actual 25"},
		"none":                  {all, nil, nil, fails, "no reply to 4 requests"},
		"none, to one":          {all, map[string]any{"count": 1}, nil, fails, "no reply to 1 request"},
		"none, whatever's said": {all, nil, []string{"true"}, fails, "no reply to 4 requests"},
	} {
		t.Run(name, func(t *testing.T) {
			options := map[string]any{"count": 4, "interval": "10ms", "wait": "50ms"}
			maps.Copy(options, tc.options)
			r := execute(t, losingExecutor(tc.lost), "127.0.0.1", options, tc.assertions...)
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Equal(t, tc.text, r.Error)
		})
	}
}

// unroutable is a link to where there is no way.
type unroutable struct{ pingcheck.Link }

func (unroutable) Write([]byte) error {
	return executor.Explain(&net.OpError{Op: "write", Err: syscall.ENETUNREACH}, "while sending")
}

func TestTheNextAddressIsTriedWithoutARoute(t *testing.T) {
	permitted(t, "127.0.0.1")
	resolver := executortest.ServeDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		reply := new(dns.Msg).SetReply(q)
		for _, address := range []string{"127.0.0.2", "127.0.0.1"} {
			if q.Question[0].Qtype == dns.TypeA {
				reply.Answer = append(reply.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.ParseIP(address)})
			}
		}
		_ = w.WriteMsg(reply)
	})
	closed := map[string]bool{"127.0.0.2": true}
	e := pingcheck.Executor{Open: func(source, to netip.Addr, ttl int) (pingcheck.Link, error) {
		link, err := pingcheck.Open(source, to, ttl)
		if closed[to.String()] {
			return unroutable{link}, err
		}
		return link, err
	}}
	options := map[string]any{"count": 1, "resolver": resolver}
	r := execute(t, e, "two.test", options, `ip == "127.0.0.1"`, "lookup_ms > 0.0")
	require.Equal(t, succeeds, r.Outcome, r.Error)
	closed["127.0.0.1"] = true
	r = execute(t, e, "two.test", options)
	require.Equal(t, fails, r.Outcome)
	require.Equal(t, "no route to the host", r.Error)
}

func FuzzPrepare(f *testing.F) {
	f.Add("example.org", "200ms", "1s")
	f.Add("2001:db8::1", "1h", "-1s")
	f.Add("example.org:80", "", "1")
	f.Fuzz(func(t *testing.T, target, interval, wait string) {
		raw, err := json.Marshal(map[string]any{"interval": interval, "wait": wait})
		require.NoError(t, err)
		_, problems := pingcheck.Executor{}.Prepare(monitor.Definition{Target: target, Options: raw})
		for _, p := range problems {
			require.Regexp(t, `^(target|options\.interval|options\.wait)$`, p.Field)
			require.Contains(t, p.Message, ": ")
		}
	})
}
