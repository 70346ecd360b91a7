package executor_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
)

// targetVariable makes the test's program the target of a benchmark, a process of its own, so that
// what the target takes is not counted.
const targetVariable = "VEDETTE_BENCH_TARGET"

func serveTargets() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"state":"ok"}`) })) //nolint:gosec // on loopback, for a benchmark
	}()
	server := &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		reply := new(dns.Msg).SetReply(q)
		reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, 1)}}
		_ = w.WriteMsg(reply)
	})}
	go func() { _ = server.ActivateAndServe() }()
	_, _ = io.WriteString(os.Stdout, listener.Addr().String()+" "+packets.LocalAddr().String()+"\n")
	_, err = io.Copy(io.Discard, os.Stdin) // until the benchmark ends
	return err
}

// targets starts the target and returns the addresses of its HTTP and its DNS server.
func targets(b *testing.B) (web, names string) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), targetVariable+"=1")
	stdin, err := cmd.StdinPipe()
	require.NoError(b, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(b, err)
	web, names, _ = strings.Cut(strings.TrimSpace(line), " ")
	return web, names
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // it cannot fail
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkOverhead compares an execution with a bare loop of the library it uses, turn by turn in
// one run, and reports the processor time of either and their ratio, which is to stay within 1.25
// without assertions. An operation is a turn of either.
func BenchmarkOverhead(b *testing.B) {
	web, names := targets(b)
	web = "http://" + web + "/"
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	bareHTTP := func() {
		response, err := client.Get(web)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	bareDNS := func() {
		query := new(dns.Msg).SetQuestion("home.test.", dns.TypeA)
		query.SetEdns0(dns.DefaultMsgSize, false)
		if _, _, err := (&dns.Client{}).ExchangeContext(b.Context(), query, names); err != nil {
			b.Fatal(err)
		}
	}
	ask := monitor.Definition{Kind: "http", Target: web}
	lookUp := monitor.Definition{Kind: "dns", Target: "home.test", Options: []byte(`{"server":"` + names + `"}`)}
	b.Run("http", func(b *testing.B) { compare(b, bareHTTP, ask) })
	b.Run("dns", func(b *testing.B) { compare(b, bareDNS, lookUp) })
	ask.Assertions = []string{"status == 200", "latency < duration('5s')", `json.state == "ok"`}
	lookUp.Assertions = []string{`"192.0.2.1" in answers`, "ttl > 10"}
	b.Run("http with assertions", func(b *testing.B) { compare(b, bareHTTP, ask) })
	b.Run("dns with assertions", func(b *testing.B) { compare(b, bareDNS, lookUp) })
}

func compare(b *testing.B, bare func(), d monitor.Definition) {
	b.Helper()
	table, err := kinds.Table()
	require.NoError(b, err)
	engine := executor.NewEngine(table, executor.Environment{Runner: "r1"})
	d.ID, d.Service = "check", "service"
	execution := monitor.Execution{Check: d.WithDefaults(), Location: "default", DueAt: time.Now()}
	check := func() {
		if r := engine.Execute(b.Context(), execution); r.Outcome != monitor.OutcomeSuccess {
			b.Fatal(r.Error)
		}
	}
	const turn = 20
	spend := func(do func()) time.Duration {
		begun := processorTime()
		for range turn {
			do()
		}
		return processorTime() - begun
	}
	var bareTime, checkTime time.Duration
	turns := 0
	for b.Loop() {
		bareTime += spend(bare)
		checkTime += spend(check)
		turns++
	}
	each := func(total time.Duration) float64 { return float64(total.Microseconds()) / float64(turns*turn) }
	b.ReportMetric(each(bareTime), "bare-cpu-µs")
	b.ReportMetric(each(checkTime), "check-cpu-µs")
	b.ReportMetric(float64(checkTime)/float64(bareTime), "ratio")
}
