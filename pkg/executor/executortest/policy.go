package executortest

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/netguard"
	"github.com/vedette/vedette/pkg/executor/secrets"
	"github.com/vedette/vedette/pkg/monitor"
)

func withPolicy(p netguard.Policy) func(*executor.Environment) {
	return func(env *executor.Environment) { env.Policy = p }
}

func prefixes(texts ...string) (found []netip.Prefix) {
	for _, text := range texts {
		found = append(found, netip.MustParsePrefix(text))
	}
	return found
}

// testPolicy: addresses that a runner must not talk to are refused as resolved, at the moment of
// connecting, and that is never the target's failure.
func (s Subject) testPolicy(t *testing.T) {
	var reached atomic.Int64
	port, at := "", func(host string) string { return host }
	if s.Network != ICMP {
		var err error
		_, port, err = net.SplitHostPort(s.peer(t, func(net.Conn) { reached.Add(1) }))
		require.NoError(t, err)
		at = func(host string) string { return net.JoinHostPort(host, port) }
	}
	deny := withPolicy(netguard.Policy{Deny: prefixes("127.0.0.0/8", "::1/128")})
	refused := func(d monitor.Definition, text string, change ...func(*executor.Environment)) {
		t.Helper()
		d.Timeout = monitor.Duration(2 * time.Second)
		r := s.engine(t, change...).Execute(t.Context(), Execution(d))
		require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
		require.Contains(t, r.Error, text)
		require.Equal(t, 1, r.Attempts)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0"} {
		refused(s.At(at(host)), "denied by --deny", deny)
	}
	for _, host := range []string{"169.254.169.254", "::ffff:169.254.169.254", "fe80::1"} {
		refused(s.At(at(host)), "link-local")
	}
	refused(s.At(at("fd00:ec2::254")), "metadata", withPolicy(netguard.Policy{Allow: prefixes("::/0")}))
	if s.Lead != nil {
		refused(s.Lead(t, "169.254.169.254"), "link-local")
		refused(s.Lead(t, "[::ffff:169.254.169.254]"), "link-local")
		only := withPolicy(netguard.Policy{Deny: prefixes("127.0.0.2/32")})
		refused(s.Lead(t, "127.0.0.2:"+port), "127.0.0.2", only)
	}
	require.Zero(t, reached.Load(), "nothing was sent to where nothing may be sent")

	d := s.Serve(t)
	r := s.engine(t, deny).Execute(t.Context(), Execution(d))
	require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
	allow := withPolicy(netguard.Policy{Deny: prefixes("127.0.0.0/8"), Allow: prefixes("127.0.0.1/32")})
	r = s.engine(t, allow).Execute(t.Context(), Execution(d))
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
}

// testSecrets: the value of a secret reaches the target and nothing else.
func (s Subject) testSecrets(t *testing.T) {
	d, secret := s.Echo(t)
	knowing := func(value string, known bool) func(*executor.Environment) {
		return func(env *executor.Environment) {
			env.Secrets = secrets.Source{Env: func(string) (string, bool) { return value, known }}
		}
	}
	for _, trigger := range []monitor.Trigger{monitor.TriggerSchedule, monitor.TriggerTest} {
		e := Execution(d)
		e.Trigger = trigger
		r := s.engine(t, knowing(secret, true)).Execute(t.Context(), e)
		require.Equal(t, trigger == monitor.TriggerTest && s.Network != ICMP, len(r.Wire) > 0, "what goes over the wire is for those who try out")
		var shown strings.Builder
		encoder := json.NewEncoder(&shown)
		encoder.SetEscapeHTML(false)
		require.NoError(t, encoder.Encode(r))
		require.Contains(t, shown.String(), secrets.Redacted, "the definition has it sent back")
		quoted := strconv.Quote(secret)
		for _, form := range []string{
			secret, quoted[1 : len(quoted)-1], strings.Trim(strconv.Quote(quoted), `"\`), url.QueryEscape(secret), url.PathEscape(secret),
			base64.StdEncoding.EncodeToString([]byte(secret)),
		} {
			require.NotContains(t, shown.String(), form)
		}
	}

	r := s.engine(t, knowing("", false)).Execute(t.Context(), Execution(d))
	require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
	require.Contains(t, r.Error, "VEDETTE_SECRET_TOKEN", "the cure")
	require.NotContains(t, r.Error, "\n")
}
