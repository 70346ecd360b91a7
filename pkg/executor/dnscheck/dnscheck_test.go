package dnscheck_test

import (
	"encoding/json"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/dnscheck"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/netguard"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func execute(t *testing.T, e dnscheck.Executor, target string, options map[string]any, assertions ...string) monitor.Result {
	t.Helper()
	d := monitor.Definition{Kind: "dns", Target: target, Options: executortest.Options(t, options), Assertions: assertions, Timeout: monitor.Duration(2 * time.Second)}
	return executortest.Engine(t, []executor.Executor{e}, func(env *executor.Environment) {
		env.Policy = netguard.Policy{}
	}).Execute(t.Context(), executortest.Execution(d))
}

// zone answers from lines as in a zone file; a name of its own code answers that code.
func zone(lines ...string) dns.HandlerFunc {
	return func(w dns.ResponseWriter, q *dns.Msg) {
		reply := new(dns.Msg).SetReply(q)
		reply.Rcode = dns.RcodeNameError
		if code, ok := dns.StringToRcode[strings.ToUpper(strings.TrimSuffix(q.Question[0].Name, ".test."))]; ok {
			reply.Rcode = code
		}
		for _, line := range lines {
			record, err := dns.NewRR(line)
			if err != nil {
				panic(err)
			}
			if !strings.EqualFold(record.Header().Name, q.Question[0].Name) {
				continue
			}
			reply.Rcode = dns.RcodeSuccess
			if record.Header().Rrtype == q.Question[0].Qtype || q.Question[0].Qtype == dns.TypeANY || record.Header().Rrtype == dns.TypeCNAME {
				reply.Answer = append(reply.Answer, record)
			}
		}
		if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
			reply.Truncate(512)
		}
		_ = w.WriteMsg(reply)
	}
}

func TestAnswers(t *testing.T) {
	lines := []string{
		"two.test. 60 IN A 192.0.2.1", "two.test. 30 IN A 192.0.2.2", "two.test. 60 IN AAAA 2001:db8::1",
		"mail.test. 60 IN MX 10 mx.test.", `text.test. 60 IN TXT "v=spf1 -all"`, `text.test. 60 IN TXT "part one" "part two"`,
		"alias.test. 9 IN CNAME two.test.", "xn--mnchen-3ya.test. 60 IN A 192.0.2.3", "1.2.0.192.in-addr.arpa. 60 IN PTR host.test.",
		`srv.test. 60 IN SRV 1 2 443 host.test.`, `caa.test. 60 IN CAA 0 issue "ca.test"`, "odd.test. 60 IN TYPE65400 \\# 3 abcdef",
	}
	for range 60 {
		lines = append(lines, "big.test. 60 IN TXT "+strings.Repeat("x", len(lines)))
	}
	server := executortest.ServeDNS(t, zone(lines...))
	expect := func(match string, answers ...string) map[string]any {
		return map[string]any{"expect": map[string]any{"answers": answers, "match": match}}
	}
	typed := func(kind string, options map[string]any) map[string]any {
		merged := map[string]any{"type": kind}
		maps.Copy(merged, options)
		return merged
	}
	for name, tc := range map[string]struct {
		target     string
		options    map[string]any
		assertions []string
		outcome    monitor.Outcome
		text       string
	}{
		"up":                 {target: "two.test", outcome: monitor.OutcomeSuccess},
		"case and dot":       {target: "TWO.test.", outcome: monitor.OutcomeSuccess},
		"by tcp":             {target: "two.test", options: map[string]any{"transport": "tcp"}, outcome: monitor.OutcomeSuccess},
		"nxdomain":           {target: "gone.test", outcome: monitor.OutcomeFailure, text: "the server answered NXDOMAIN"},
		"servfail":           {target: "servfail.test", outcome: monitor.OutcomeFailure, text: "the server answered SERVFAIL"},
		"refused":            {target: "refused.test", outcome: monitor.OutcomeFailure, text: "the server answered REFUSED"},
		"no data":            {target: "mail.test", outcome: monitor.OutcomeFailure, text: "no A record"},
		"alias only":         {target: "alias.test", outcome: monitor.OutcomeFailure, text: "no A record"},
		"alias itself":       {target: "alias.test", options: typed("CNAME", expect("exact", "two.test")), assertions: nil, outcome: monitor.OutcomeSuccess},
		"any":                {target: "two.test", options: expect("any", "192.0.2.1", "192.0.2.9"), outcome: monitor.OutcomeSuccess},
		"not any":            {target: "two.test", options: expect("any", "192.0.2.8", "192.0.2.9"), outcome: monitor.OutcomeFailure, text: "answers are 192.0.2.1, 192.0.2.2, expected any of 192.0.2.8, 192.0.2.9"},
		"all":                {target: "two.test", options: expect("all", "192.0.2.1"), outcome: monitor.OutcomeSuccess},
		"not all":            {target: "two.test", options: expect("all", "192.0.2.1", "192.0.2.9"), outcome: monitor.OutcomeFailure, text: "expected all of"},
		"exact":              {target: "two.test", options: expect("exact", "192.0.2.2", "192.0.2.1"), outcome: monitor.OutcomeSuccess},
		"surplus":            {target: "two.test", options: expect("exact", "192.0.2.2"), outcome: monitor.OutcomeFailure, text: "expected exact of 192.0.2.2"},
		"twice is not two":   {target: "two.test", options: expect("exact", "192.0.2.2", "192.0.2.2"), outcome: monitor.OutcomeFailure, text: "expected exact of"},
		"address by value":   {target: "two.test", options: typed("aaaa", expect("exact", "2001:DB8:0:0::0:1")), outcome: monitor.OutcomeSuccess},
		"mx":                 {target: "mail.test", options: typed("mx", expect("exact", "10 MX.test")), outcome: monitor.OutcomeSuccess},
		"txt without quotes": {target: "text.test", options: typed("TXT", expect("all", "v=spf1 -all", "part onepart two")), outcome: monitor.OutcomeSuccess},
		"txt with quotes":    {target: "text.test", options: typed("TXT", expect("exact", `"part one" "part two"`, `"v=spf1 -all"`)), outcome: monitor.OutcomeSuccess},
		"txt keeps case":     {target: "text.test", options: typed("TXT", expect("any", "V=SPF1 -all")), outcome: monitor.OutcomeFailure, text: "expected any of"},
		"letters":            {target: "münchen.test", outcome: monitor.OutcomeSuccess},
		"reverse":            {target: "192.0.2.1", options: typed("PTR", expect("exact", "host.test")), outcome: monitor.OutcomeSuccess},
		"srv":                {target: "srv.test", options: typed("SRV", expect("exact", "1 2 443 host.test")), outcome: monitor.OutcomeSuccess},
		"caa":                {target: "caa.test", options: typed("CAA", nil), assertions: []string{`answers == ['0 issue "ca.test"']`}, outcome: monitor.OutcomeSuccess},
		"any type":           {target: "odd.test", options: typed("ANY", nil), assertions: []string{`answers == ["\\# 3 abcdef"]`}, outcome: monitor.OutcomeSuccess},
		"truncated":          {target: "big.test", options: typed("TXT", nil), assertions: []string{"answers.size() == 60"}, outcome: monitor.OutcomeSuccess},
		"cel":                {target: "two.test", assertions: []string{`rcode == "NOERROR"`, "answers.size() == 2", `"192.0.2.1" in answers`, "ttl == 30", "latency_ms < 2000", `latency < duration("1s")`, `server == "` + server + `"`}, outcome: monitor.OutcomeSuccess},
		"cel of nothing":     {target: "gone.test", assertions: []string{`rcode == "NXDOMAIN" && answers == [] && ttl == 0`}, outcome: monitor.OutcomeSuccess},
		"cel fails":          {target: "two.test", assertions: []string{"ttl > 300"}, outcome: monitor.OutcomeFailure, text: "ttl > 300 · actual 30"},
	} {
		t.Run(name, func(t *testing.T) {
			options := map[string]any{"server": server}
			maps.Copy(options, tc.options)
			r := execute(t, dnscheck.New("", ""), tc.target, options, tc.assertions...)
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
			require.Equal(t, server, r.Observed["server"])
		})
	}
}

func TestByIPv6(t *testing.T) {
	packets, err := net.ListenPacket("udp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	ended := make(chan struct{})
	server := &dns.Server{PacketConn: packets, Handler: zone("two.test. 60 IN A 192.0.2.1")}
	go func() {
		defer close(ended)
		_ = server.ActivateAndServe()
	}()
	t.Cleanup(func() {
		_ = packets.Close()
		<-ended
	})
	address := packets.LocalAddr().String()
	for _, version := range []string{"any", "6", "prefer4"} {
		r := execute(t, dnscheck.New("", ""), "two.test", map[string]any{"server": address, "ip_version": version})
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
		require.Equal(t, address, r.Observed["server"])
	}
	r := execute(t, dnscheck.New("", ""), "two.test", map[string]any{"server": address, "ip_version": "4"})
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Contains(t, r.Error, "::1 is no IPv4 address, as options.ip_version asks for")
}

func TestTheSystemsResolversGoByTheOptionsToo(t *testing.T) {
	serveAt(t, "127.0.42.1", zone("two.test. 60 IN A 192.0.2.1"))
	e, path := machine(t, "", "127.0.42.1")
	r := execute(t, e, "two.test", map[string]any{"source_address": "127.0.0.9"})
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	r = execute(t, e, "two.test", map[string]any{"ip_version": "6"})
	require.Equal(t, monitor.OutcomeError, r.Outcome)
	require.Contains(t, r.Error, path+" names no resolver of the IP version of options.ip_version or source_address")
}

func TestManyAnswersAreShortened(t *testing.T) {
	var lines []string
	for i := range 25 {
		lines = append(lines, "many.test. 60 IN A 192.0.2."+string(rune('1'+i/10))+string(rune('0'+i%10)))
	}
	server := executortest.ServeDNS(t, zone(lines...))
	r := execute(t, dnscheck.New("", ""), "many.test", map[string]any{"server": server, "transport": "tcp", "expect": map[string]any{"answers": []string{"192.0.2.1"}}})
	require.Equal(t, monitor.OutcomeFailure, r.Outcome)
	require.Contains(t, r.Error, "192.0.2.17 and 17 more, expected any of 192.0.2.1")
	require.Len(t, r.Observed["answers"], 20)
	require.Equal(t, 25, r.Observed["answers_total"])
}

// machine writes the files by which a system resolves.
func machine(t *testing.T, hosts string, servers ...string) (e dnscheck.Executor, resolvConf string) {
	t.Helper()
	folder := t.TempDir()
	resolvConf = filepath.Join(folder, "resolv.conf")
	writeResolvers(t, resolvConf, servers...)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "hosts"), []byte(hosts), 0o600))
	return dnscheck.New(resolvConf, filepath.Join(folder, "hosts")), resolvConf
}

func writeResolvers(t *testing.T, path string, servers ...string) {
	t.Helper()
	text := "# ours\noptions timeout:1\n"
	for _, server := range servers {
		text += "nameserver " + server + "\n"
	}
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// serveAt starts a DNS server at the usual port of a loopback address.
func serveAt(t *testing.T, host string, handler dns.HandlerFunc) {
	t.Helper()
	packets, err := net.ListenPacket("udp", host+":53")
	if err != nil {
		t.Skip("port 53 cannot be had: ", err)
	}
	ended := make(chan struct{})
	server := &dns.Server{PacketConn: packets, Handler: handler}
	go func() {
		defer close(ended)
		_ = server.ActivateAndServe()
	}()
	t.Cleanup(func() {
		_ = packets.Close()
		<-ended
	})
}

func TestTheSystemsOwnNamesComeFirst(t *testing.T) {
	e, _ := machine(t, "192.0.2.7 Own.test alias # not.test\n2001:db8::7%eth0 own.test\nnonsense own.test\n192.0.2.8\n")
	for target, want := range map[string]string{
		"own.test": "192.0.2.7", "OWN.test.": "192.0.2.7", "alias": "192.0.2.7", "localhost": "127.0.0.1", "app.localhost": "127.0.0.1",
	} {
		r := execute(t, e, target, nil)
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
		require.Equal(t, []string{want}, r.Observed["answers"])
		require.Contains(t, r.Observed["server"], "hosts")
	}
	r := execute(t, e, "own.test", map[string]any{"type": "AAAA"}, `answers == ["2001:db8::7"]`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	for _, target := range []string{"not.test", "other.test"} {
		r = execute(t, e, target, nil)
		require.Equal(t, monitor.OutcomeError, r.Outcome)
	}
	r = execute(t, e, "own.test", map[string]any{"type": "MX"})
	require.Equal(t, monitor.OutcomeError, r.Outcome, "the file holds addresses only")
}

func TestNoWorkingResolverIsNotTheTargetsFault(t *testing.T) {
	e, path := machine(t, "")
	r := execute(t, e, "own.test", nil)
	require.Equal(t, monitor.OutcomeError, r.Outcome)
	require.Contains(t, r.Error, path+" names no resolver: name one there, or set options.server")

	e, path = machine(t, "", "127.0.0.1") // nobody listens there
	r = execute(t, e, "own.test", nil)
	if r.Outcome != monitor.OutcomeError {
		t.Skip("this machine has a resolver at 127.0.0.1")
	}
	require.Contains(t, r.Error, "no resolver of "+path+" answers (")
	require.Contains(t, r.Error, "repair it, or set options.server")

	r = execute(t, dnscheck.New(filepath.Join(t.TempDir(), "missing"), ""), "own.test", nil)
	require.Equal(t, monitor.OutcomeError, r.Outcome)
	require.Contains(t, r.Error, "names no resolver")
}

func TestResolversAreAskedInTurn(t *testing.T) {
	var silent, broken, good atomic.Int64
	serveAt(t, "127.0.41.1", func(dns.ResponseWriter, *dns.Msg) { silent.Add(1) })
	serveAt(t, "127.0.41.2", func(w dns.ResponseWriter, q *dns.Msg) {
		broken.Add(1)
		_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeServerFailure))
	})
	serveAt(t, "127.0.41.3", func(w dns.ResponseWriter, q *dns.Msg) {
		good.Add(1)
		zone("two.test. 60 IN A 192.0.2.1")(w, q)
	})
	e, path := machine(t, "", "127.0.41.1", "127.0.41.2", "127.0.41.3")
	r := execute(t, e, "two.test", nil)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Equal(t, "127.0.41.3:53", r.Observed["server"])
	require.GreaterOrEqual(t, r.DurationMS, 250.0, "the silent one had its third of the time")
	require.Less(t, r.DurationMS, 850.0)
	r = execute(t, e, "gone.test", nil)
	require.Equal(t, monitor.OutcomeFailure, r.Outcome, "an answer is an answer")
	require.Equal(t, []int64{2, 2, 2}, []int64{silent.Load(), broken.Load(), good.Load()})

	writeResolvers(t, path, "127.0.41.2", "127.0.41.1")
	r = execute(t, e, "two.test", nil)
	require.Equal(t, monitor.OutcomeFailure, r.Outcome, "of no better answer, the refusal counts")
	require.Contains(t, r.Error, "SERVFAIL")
}

func FuzzPrepare(f *testing.F) {
	f.Add("example.org", `{"type":"MX","server":"192.0.2.53"}`)
	f.Add("192.0.2.1", `{"type":"PTR"}`)
	f.Add("münchen.test", `{"server":"[::1]:53","expect":{"answers":["192.0.2.1"],"match":"all"}}`)
	f.Fuzz(func(t *testing.T, target, options string) {
		_, problems := dnscheck.New("", "").Prepare(monitor.Definition{Target: target, Options: json.RawMessage(options)})
		for _, p := range problems {
			require.Regexp(t, `^(target|options(\.(.|\n)*)?)$`, p.Field)
			require.NotEmpty(t, p.Message)
		}
	})
}
