package executortest

import (
	"encoding/json"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

// testNetwork holds the kind to those of the network options that it has, of package route.
func (s Subject) testNetwork(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"ip_version": s.testVersion, "source_address": s.testSource, "resolver": s.testResolver, "proxy": s.testProxy,
	} {
		if s.has(name) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t)
			})
		}
	}
}

// has reports whether the definitions of At may have one of the network options.
func (s Subject) has(name string) bool {
	properties, _ := s.Executor.Kind().Options["properties"].(map[string]any)
	property, ok := properties[name].(map[string]any)
	return ok && property["x-group"] == "Network" && !slices.Contains(s.Without, name)
}

// rudeWays are definitions of which the resolver or the proxy is hostile, by name.
func (s Subject) rudeWays(t *testing.T) map[string]monitor.Definition {
	t.Helper()
	ways := map[string]monitor.Definition{}
	add := func(option, network, scheme string) {
		for name, meet := range rudeness(network) {
			peer := Subject{Network: network}.peer(t, meet)
			target := "target.test:4321"
			if s.Network == ICMP {
				target = "target.test"
			}
			ways[strings.TrimSpace(name+" "+option+" "+scheme)] = with(t, s.At(target), option, scheme+peer)
		}
	}
	if s.has("resolver") {
		add("resolver", UDP, "")
	}
	if s.has("proxy") {
		for _, scheme := range []string{"http://", "https://", "socks5://"} {
			add("proxy", TCP, scheme)
		}
	}
	return ways
}

// testRudeWays holds the kind to its timeout where the resolver or the proxy is the hostile one. Whose
// fault that is depends on what it does.
func (s Subject) testRudeWays(t *testing.T) {
	for name, d := range s.rudeWays(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d.Timeout = monitor.Duration(300 * time.Millisecond)
			engine, execution := s.engine(t), Execution(d)
			promptly(t, func() time.Duration {
				begun := time.Now()
				r := engine.Execute(t.Context(), execution)
				took := time.Since(begun)
				require.Contains(t, []monitor.Outcome{monitor.OutcomeFailure, monitor.OutcomeError}, r.Outcome, r.Error)
				require.NotEmpty(t, r.Error)
				require.NotContains(t, r.Error, "context deadline exceeded", "plain words")
				return took - d.Timeout.Std()
			})
		})
	}
}

// with is a definition with one more option.
func with(t *testing.T, d monitor.Definition, name string, value any) monitor.Definition {
	t.Helper()
	options := map[string]any{}
	if len(d.Options) > 0 {
		require.NoError(t, json.Unmarshal(d.Options, &options))
	}
	options[name] = value
	d.Options = Options(t, options)
	d.Timeout = monitor.Duration(2 * time.Second)
	return d
}

func (s Subject) testVersion(t *testing.T) {
	r := s.engine(t).Execute(t.Context(), Execution(with(t, s.At(s.local(t)), "ip_version", "6")))
	require.Equal(t, monitor.OutcomeFailure, r.Outcome, r.Error)
	require.Contains(t, r.Error, "127.0.0.1 is no IPv6 address, as options.ip_version asks for")
}

// local is an address of this machine for At: a peer's where the kind can have one.
func (s Subject) local(t *testing.T) string {
	t.Helper()
	if s.Network == ICMP {
		return "127.0.0.1"
	}
	return s.peer(t, func(net.Conn) {})
}

func (s Subject) testSource(t *testing.T) {
	const elsewhere, here = "192.0.2.1", "127.0.0.2"
	r := s.engine(t).Execute(t.Context(), Execution(with(t, s.At(s.local(t)), "source_address", elsewhere)))
	require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
	require.Contains(t, r.Error, elsewhere+" is no address of its machine: set options.source_address to one that is")
	r = s.engine(t).Execute(t.Context(), Execution(with(t, s.At(s.local(t)), "source_address", "::1")))
	require.Equal(t, monitor.OutcomeFailure, r.Outcome, r.Error)
	require.Contains(t, r.Error, "127.0.0.1 is no IPv6 address, as options.source_address is")
	if s.Network == ICMP {
		return
	}
	from := make(chan string, 100)
	address := s.peer(t, func(c net.Conn) {
		select {
		case from <- c.RemoteAddr().String():
		default:
		}
		_ = c.Close()
	})
	s.engine(t).Execute(t.Context(), Execution(with(t, s.At(address), "source_address", here)))
	require.Equal(t, here, netip.MustParseAddrPort(<-from).Addr().String())
}

func (s Subject) testResolver(t *testing.T) {
	resolver := ServeDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		reply := new(dns.Msg).SetReply(q)
		if strings.EqualFold(q.Question[0].Name, "target.test.") && q.Question[0].Qtype == dns.TypeA {
			record, err := dns.NewRR("target.test. 60 IN A 127.0.0.1")
			if err != nil {
				panic(err)
			}
			reply.Answer = append(reply.Answer, record)
		}
		_ = w.WriteMsg(reply)
	})
	execute := func(address, resolver string) monitor.Result {
		return s.engine(t).Execute(t.Context(), Execution(with(t, s.At(address), "resolver", resolver)))
	}
	named := func(host, address string) string {
		if s.Network == ICMP {
			return host
		}
		_, port, err := net.SplitHostPort(address)
		require.NoError(t, err)
		return net.JoinHostPort(host, port)
	}
	reached := make(chan struct{}, 100)
	address := s.local(t)
	if s.Network != ICMP {
		address = s.peer(t, func(c net.Conn) {
			select {
			case reached <- struct{}{}:
			default:
			}
			_ = c.Close()
		})
	}
	r := execute(named("target.test", address), resolver)
	require.Equal(t, "127.0.0.1", r.Observed["ip"], "%s: %v", r.Error, r.Observed)
	if s.Network != ICMP {
		<-reached
	}
	r = execute(named("other.test", address), resolver)
	require.Equal(t, monitor.OutcomeFailure, r.Outcome, r.Error)
	require.Contains(t, r.Error, "no such host: other.test")
	r = execute(named("target.test", address), "169.254.169.254")
	require.Equal(t, monitor.OutcomeError, r.Outcome, "the policy is for resolvers too: %s", r.Error)
	require.Contains(t, r.Error, "link-local")
}

// testProxy: the proxy is asked for what the kind wants to reach, and one that does not serve says
// nothing about the target.
func (s Subject) testProxy(t *testing.T) {
	asked := make(chan string, 100)
	proxy := ServeConns(t, func(c net.Conn) {
		buffer := make([]byte, 4<<10)
		n, _ := c.Read(buffer)
		select {
		case asked <- string(buffer[:n]):
		default:
		}
		_, _ = c.Write([]byte("HTTP/1.1 502 Bad Gateway\r\n\r\n"))
		_ = c.Close()
	})
	execute := func(address, proxy string) monitor.Result {
		return s.engine(t).Execute(t.Context(), Execution(with(t, s.At(address), "proxy", proxy)))
	}
	r := execute("target.test:4321", "http://"+proxy)
	require.Equal(t, monitor.OutcomeFailure, r.Outcome, r.Error)
	require.Contains(t, r.Error, "502")
	require.Contains(t, <-asked, "target.test:4321")
	r = execute("target.test:4321", "http://"+Closed(t, "tcp"))
	require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
	require.Contains(t, r.Error, "the proxy cannot be reached: connection refused")
	r = execute("target.test:4321", "http://169.254.169.254:3128")
	require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
	require.Contains(t, r.Error, "link-local", "the policy is for proxies too")
}
