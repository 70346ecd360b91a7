package route_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/netguard"
	"github.com/vedette/vedette/pkg/executor/route"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func tools() executor.Tools {
	return executor.Tools{Secret: func(text string) (string, error) {
		return strings.NewReplacer("secret://user", "us:er", "secret://word", "p@ss/word").Replace(text), nil
	}}
}

func prepared(t testing.TB, o route.Options, proxy ...string) route.Route {
	t.Helper()
	way, problems := route.New(o, route.ProxyOptions{Proxy: strings.Join(proxy, "")})
	require.Empty(t, problems)
	return way
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	for _, good := range []route.Options{
		{}, {IPVersion: "prefer6"}, {SourceAddress: "192.0.2.7"}, {SourceAddress: "2001:db8::7", IPVersion: "6"}, {SourceAddress: "192.0.2.7", IPVersion: "prefer6"},
		{Resolver: "192.0.2.53"}, {Resolver: "2001:db8::53"}, {Resolver: "[2001:db8::53]:5353"}, {Resolver: "192.0.2.53:5353"}, {Resolver: "ns1.example.org"}, {Resolver: "ns1.example.org:5353"},
	} {
		prepared(t, good)
	}
	for _, good := range []string{
		"http://proxy:3128", "https://proxy:3129", "http://proxy:3128/", "socks5://[::1]:1080", "socks5://user@proxy:1080", "socks5://user:secret://word@proxy:1080",
		"http://secret://user:secret://word@proxy:3128", "http://us%3Aer:secret://word@192.0.2.1:3128",
	} {
		prepared(t, route.Options{}, good)
	}
	for bad, text := range map[route.Options]string{
		{SourceAddress: "eth0"}:                          "options.source_address: is no address to go from: use one",
		{SourceAddress: "0.0.0.0"}:                       "options.source_address: is no address to go from: use one",
		{SourceAddress: "fe80::1%eth0"}:                  "options.source_address: is no address to go from: use one",
		{SourceAddress: "192.0.2.7", IPVersion: "6"}:     "options.source_address: is not of IP version 6",
		{SourceAddress: "2001:db8::7", IPVersion: "4"}:   "options.source_address: is not of IP version 4",
		{Resolver: "192.0.2.53:0"}:                       "options.resolver: is no DNS server: use",
		{Resolver: "a b"}:                                "options.resolver: is no DNS server: use",
		{Resolver: "secret://x"}:                         "options.resolver: is no DNS server: use",
		{Resolver: "https://192.0.2.53/dns-query"}:       "options.resolver: is no DNS server: use",
		{Resolver: "fe80::1%eth0", SourceAddress: "::1"}: "options.resolver: is no DNS server: use",
	} {
		_, problems := route.New(bad, route.ProxyOptions{})
		require.ErrorContains(t, problems.Err(), text, "%+v", bad)
		require.Len(t, problems, 1)
	}
	for bad, text := range map[string]string{
		"proxy:3128": "does not begin with socks5://, http:// or https://", "ftp://proxy:3128": "does not begin with", "secret://x": "does not begin with",
		"http://proxy": "names no host:port", "http://proxy:0": "names no host:port", "http://pro xy:1": "names no host:port", "http://proxy:1/path": "names no host:port",
		"http://secret://proxy:1": "names no host:port", "socks5://user:word@proxy:1": "holds a password in the clear: use a reference", "socks5://@proxy:1": "has credentials that are none",
		"socks5://%zz@proxy:1": "has credentials that are none", "socks5://" + strings.Repeat("u", 256) + "@proxy:1": "has credentials that are none",
	} {
		_, problems := route.New(route.Options{}, route.ProxyOptions{Proxy: bad})
		require.ErrorContains(t, problems.Err(), "options.proxy: "+text, bad)
		require.NotContains(t, problems.Err().Error(), "word@", "a password is not quoted")
	}
}

// zone serves A and AAAA records by name; what it has no record of is NXDOMAIN.
func zone(t *testing.T, lines ...string) string {
	t.Helper()
	records := make([]dns.RR, len(lines))
	for i, line := range lines {
		record, err := dns.NewRR(line)
		require.NoError(t, err)
		records[i] = record
	}
	return executortest.ServeDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		reply := new(dns.Msg).SetRcode(q, dns.RcodeNameError)
		_, byUDP := w.RemoteAddr().(*net.UDPAddr)
		name := strings.ToLower(q.Question[0].Name)
		for _, record := range records { // aliases stand before what they are aliases of
			if record.Header().Name != name {
				continue
			}
			reply.Rcode = dns.RcodeSuccess
			alias, ok := record.(*dns.CNAME)
			if ok {
				name = alias.Target
			}
			if ok || record.Header().Rrtype == q.Question[0].Qtype {
				reply.Answer = append(reply.Answer, record)
			}
		}
		switch name := q.Question[0].Name; {
		case strings.HasPrefix(name, "broken."):
			reply.Rcode = dns.RcodeServerFailure
		case strings.HasPrefix(name, "foreign."):
			reply.Question[0].Name = "other.test."
		case strings.HasPrefix(name, "long.") && byUDP:
			reply.Answer, reply.Truncated = nil, true
		}
		_ = w.WriteMsg(reply)
	})
}

func TestResolveKeepsToTheOptions(t *testing.T) {
	resolver := zone(t,
		"both.test. 60 IN A 127.0.0.1", "both.test. 60 IN A 127.0.0.2", "both.test. 60 IN AAAA ::1", "only4.test. 60 IN A 127.0.0.3", "only6.test. 60 IN AAAA ::1",
		"alias.test. 60 IN CNAME next.test.", "next.test. 60 IN CNAME end.test.", "end.test. 60 IN A 127.0.0.4", "long.test. 60 IN A 127.0.0.5",
		"closed.test. 60 IN A 169.254.169.254", "half.test. 60 IN A 169.254.169.254", "half.test. 60 IN A 127.0.0.6",
	)
	for name, tc := range map[string]struct {
		options route.Options
		host    string
		want    string
		err     string
	}{
		"four":             {route.Options{IPVersion: "4"}, "both.test", "127.0.0.1 127.0.0.2", ""},
		"six":              {route.Options{IPVersion: "6"}, "both.test", "::1", ""},
		"four first":       {route.Options{IPVersion: "prefer4"}, "both.test", "127.0.0.1 127.0.0.2 ::1", ""},
		"six first":        {route.Options{IPVersion: "prefer6"}, "both.test", "::1 127.0.0.1 127.0.0.2", ""},
		"four for want":    {route.Options{IPVersion: "prefer6"}, "only4.test", "127.0.0.3", ""},
		"no four":          {route.Options{IPVersion: "4"}, "only6.test", "", "no such host"},
		"source":           {route.Options{SourceAddress: "::1"}, "both.test", "::1", ""},
		"of another":       {route.Options{SourceAddress: "::1"}, "only4.test", "", "only4.test has no IPv6 address, as options.source_address is"},
		"literal":          {route.Options{IPVersion: "6"}, "192.0.2.1", "", "192.0.2.1 is no IPv6 address, as options.ip_version asks for"},
		"mapped":           {route.Options{IPVersion: "4"}, "::ffff:127.0.0.1", "127.0.0.1", ""},
		"alias":            {route.Options{IPVersion: "4"}, "alias.test", "127.0.0.4", ""},
		"by TCP":           {route.Options{}, "long.test", "127.0.0.5", ""},
		"nothing":          {route.Options{}, "gone.test", "", "no such host"},
		"broken":           {route.Options{}, "broken.test", "", "the resolver " + resolver + " answered SERVFAIL"},
		"foreign":          {route.Options{}, "foreign.test", "", "is no answer to the question"},
		"all forbidden":    {route.Options{}, "closed.test", "", "link-local"},
		"one forbidden":    {route.Options{}, "half.test", "127.0.0.6", ""},
		"literal, refused": {route.Options{}, "169.254.169.254", "", "link-local"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.options.Resolver = resolver
			found, err := prepared(t, tc.options).Resolve(t.Context(), tools(), tc.host)
			if tc.err != "" {
				require.ErrorContains(t, executor.Explain(err, "x"), tc.err)
				require.Equal(t, strings.Contains(tc.err, "link-local"), isForbidden(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, strings.Trim(fmt.Sprint(found), "[]"))
		})
	}
	found, err := prepared(t, route.Options{Resolver: resolver}).Resolve(t.Context(), tools(), "both.test")
	require.NoError(t, err)
	require.Len(t, found, 3)
	require.NotEqual(t, found[0].Is4(), found[1].Is4(), "the versions take turns")
	closed := executor.Tools{Policy: netguard.Policy{Deny: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	_, err = prepared(t, route.Options{Resolver: resolver}).Resolve(t.Context(), closed, "both.test")
	require.ErrorIs(t, err, executor.ErrForbidden, "of the resolver itself")
	found, err = prepared(t, route.Options{IPVersion: "4"}).Resolve(t.Context(), tools(), "localhost")
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", found[0].String())
}

func isForbidden(err error) bool { return strings.Contains(err.Error(), executor.ErrForbidden.Error()) }

func TestASilentResolverEndsWithTheAttempt(t *testing.T) {
	silent := executortest.ServePackets(t, func(net.Conn) {})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := prepared(t, route.Options{Resolver: silent}).Dial(ctx, tools(), "tcp", "both.test:80")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = prepared(t, route.Options{Resolver: executortest.Closed(t, "udp")}).Dial(t.Context(), tools(), "tcp", "both.test:80")
	require.ErrorContains(t, err, "cannot be asked: connection refused")
}

func TestDialTriesTheNextAddress(t *testing.T) {
	server := executortest.ServeConns(t, func(c net.Conn) { _, _ = io.WriteString(c, "hello") })
	_, port, err := net.SplitHostPort(server)
	require.NoError(t, err)
	resolver := zone(t, "two.test. 60 IN A 127.0.0.9", "two.test. 60 IN A 127.0.0.1", "none.test. 60 IN A 127.0.0.8", "none.test. 60 IN A 127.0.0.9")
	way := prepared(t, route.Options{Resolver: resolver})
	conn, err := way.Dial(t.Context(), tools(), "tcp", "two.test:"+port)
	require.NoError(t, err)
	require.Equal(t, server, conn.RemoteAddr().String())
	require.NoError(t, conn.Close())
	_, err = way.Dial(t.Context(), tools(), "tcp", "none.test:"+port)
	require.ErrorContains(t, executor.Explain(err, "x"), "connection refused: 127.0.0.8:"+port, "the first one's error")
	_, err = way.Dial(t.Context(), tools(), "tcp", "a b:1")
	require.ErrorContains(t, err, "the host is none")
	_, err = way.Dial(t.Context(), tools(), "tcp", "host")
	require.ErrorContains(t, err, "missing port")
}
