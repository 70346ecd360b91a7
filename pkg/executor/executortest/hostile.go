package executortest

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// timeMargin is how long an execution may go on after its timeout, or when it is cancelled.
	timeMargin = 100 * time.Millisecond
	// memoryMargin is what one execution may allocate, in bytes, where no assertion asks for more.
	memoryMargin = 2 << 20
)

// peer starts a server for the kind's network that meets each client with meet, and returns its
// address. Connections are held open until the test ends, unless meet closes them.
func (s Subject) peer(t *testing.T, meet func(net.Conn)) string {
	t.Helper()
	if s.Network == UDP {
		return ServePackets(t, meet)
	}
	return ServeConns(t, meet)
}

// rudeness is what a peer may do that need not speak any protocol.
func rudeness(network string) map[string]func(net.Conn) {
	const seed = 7
	noise := make([]byte, 32<<10)
	random := rand.NewChaCha8([32]byte{seed})
	_, _ = random.Read(noise) // it cannot fail
	rude := map[string]func(net.Conn){
		"silent": func(net.Conn) {},
		"noise":  func(c net.Conn) { _, _ = c.Write(noise) },
		"zeros":  func(c net.Conn) { _, _ = c.Write(make([]byte, 1000)) },
		"empty":  func(c net.Conn) { _, _ = c.Write(nil) },
	}
	if network != TCP {
		return rude
	}
	rude["closing"] = func(c net.Conn) { _ = c.Close() }
	rude["resetting"] = func(c net.Conn) {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
	rude["endless"] = func(c net.Conn) {
		for chunk := bytes.Repeat([]byte("a"), 16<<10); ; {
			if _, err := c.Write(chunk); err != nil {
				return
			}
		}
	}
	rude["dripping"] = func(c net.Conn) {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			if _, err := c.Write([]byte("H")); err != nil {
				return
			}
			<-tick.C
		}
	}
	return rude
}

// attacks are all that the kind is exposed to.
func (s Subject) attacks(t *testing.T) map[string]Attack {
	t.Helper()
	attacks := make(map[string]Attack)
	if s.Network == TCP || s.Network == UDP {
		for name, meet := range rudeness(s.Network) {
			attacks[name] = Attack{Definition: s.At(s.peer(t, meet)), Outcome: monitor.OutcomeFailure}
		}
		attacks["nobody"] = Attack{Definition: s.At(Closed(t, s.Network)), Outcome: monitor.OutcomeFailure}
	}
	for name, start := range s.Hostile {
		attacks[name] = start(t)
	}
	return attacks
}

// testDeadline holds the kind to its timeout, whatever the peer does, and to a plain answer.
func (s Subject) testDeadline(t *testing.T) {
	for name, attack := range s.attacks(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := attack.Definition
			d.Timeout = monitor.Duration(300 * time.Millisecond)
			promptly(t, func() time.Duration {
				begun := time.Now()
				r := s.engine(t).Execute(t.Context(), Execution(d))
				took := time.Since(begun)
				if attack.Outcome == "" {
					require.NotEqual(t, monitor.OutcomeError, r.Outcome, r.Error)
				} else {
					require.Equal(t, attack.Outcome, r.Outcome, r.Error)
				}
				require.Contains(t, r.Error, attack.Text)
				require.LessOrEqual(t, r.DurationMS, 300.0)
				if r.Outcome == monitor.OutcomeFailure {
					require.NotEmpty(t, r.Error)
					require.NotContains(t, r.Error, "context deadline exceeded", "plain words")
				}
				return took - d.Timeout.Std()
			})
		})
	}
}

// RunMemory bounds what an execution takes of memory, garbage included: so it cannot hold more. Nothing
// else may go on in the process meanwhile.
func RunMemory(t *testing.T, s Subject) {
	if s.Executor.Kind().Pushed {
		return
	}
	definitions := s.rudeWays(t)
	for name, attack := range s.attacks(t) {
		definitions[name] = attack.Definition
	}
	m := measurement{engine: s.engine(t), executions: map[string]monitor.Execution{}}
	for name, d := range definitions {
		d.Timeout, d.Assertions = monitor.Duration(200*time.Millisecond), nil
		m.executions[name] = Execution(d)
	}
	names := slices.Sorted(maps.Keys(m.executions))
	m.allocates(t, names) // what is kept of a first time is not counted
	const together = 8
	for group := range slices.Chunk(names, together) {
		m.require(t, group)
	}
}

// measurement is of some executions by name.
type measurement struct {
	engine     *executor.Engine
	executions map[string]monitor.Execution
}

// allocates is how many bytes some executions, side by side, allocate in all.
func (m measurement) allocates(t *testing.T, names []string) int {
	var going sync.WaitGroup
	before := allocated()
	for _, name := range names {
		going.Go(func() { m.engine.Execute(t.Context(), m.executions[name]) })
	}
	going.Wait()
	return allocated() - before
}

// require bounds each execution: where all of them come to less than one may, none needs to be
// measured alone.
func (m measurement) require(t *testing.T, names []string) {
	t.Helper()
	took := m.allocates(t, names)
	switch {
	case took < memoryMargin:
	case len(names) == 1:
		t.Errorf("%s allocated %d bytes, %d are allowed", names[0], took, memoryMargin)
	default:
		m.require(t, names[:len(names)/2])
		m.require(t, names[len(names)/2:])
	}
}

// RequireBounded executes a definition that looks at a server that answers well and much: it succeeds,
// within the memory that any attempt may take, assertions not counted.
func RequireBounded(t *testing.T, e executor.Executor, d monitor.Definition) {
	t.Helper()
	d.Timeout = monitor.Duration(10 * time.Second)
	engine := Engine(t, []executor.Executor{e})
	r := engine.Execute(t.Context(), Execution(d)) // what is kept of a first time is not counted
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	d.Assertions = nil
	execution := Execution(d)
	before := allocated()
	engine.Execute(t.Context(), execution)
	require.Less(t, allocated()-before, memoryMargin, "bytes allocated")
}

// allocated is how many bytes this program has allocated so far.
func allocated() int {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.TotalAlloc)
}
