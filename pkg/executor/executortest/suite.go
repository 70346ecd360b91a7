// Package executortest holds every kind of check to the same conduct: [Run] is the conformance
// suite, run against real servers on this machine.
package executortest

import (
	"context"
	"encoding/json"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/secrets"
	"github.com/vedette/vedette/pkg/monitor"
)

// Secret is the value of secret://token in the engines of this package.
const Secret = `s3cret/"vålue" & more`

// Subject is a kind under test, and what the suite has to know of it.
type Subject struct {
	Executor executor.Executor
	// Without are the network options that do not go with what the definitions of At say.
	Without []string
	// Network is by what the kind talks to the target of At: TCP, UDP or ICMP; empty for one that
	// talks to nobody, of which At, Echo and Slow may be nil.
	Network string
	// Serve starts a server that answers well, and returns a definition that looks at it; of a kind that
	// is pushed, any good one.
	Serve func(t *testing.T) monitor.Definition
	// At returns a definition that talks to the server at an address: host:port, a host by ICMP.
	At func(address string) monitor.Definition
	// Slow returns a definition whose execution takes longer than some seconds, where a silent peer
	// is not enough for that: by ICMP, where this machine itself answers.
	Slow func(t *testing.T) monitor.Definition
	// Echo starts a server that sends back what it was sent, and returns a definition that uses
	// secret://token and shows, in all that a result can show, what came back; and the value that
	// the secret has to have for that.
	Echo func(t *testing.T) (d monitor.Definition, secret string)
	// Lead starts a server that sends a client on to an address; nil where the protocol cannot.
	Lead func(t *testing.T, address string) monitor.Definition
	// Hostile starts servers that speak the protocol to do harm.
	Hostile map[string]func(t *testing.T) Attack
	// BadTargets are targets that must be refused.
	BadTargets []string
	// BadOptions are options, as JSON, that fit the schema and must be refused all the same, by the
	// field that is wrong.
	BadOptions map[string]string
}

// The networks of Subject.Network.
const (
	TCP  = "tcp"
	UDP  = "udp"
	ICMP = "icmp"
)

// Attack is a definition that looks at a hostile server, and how that has to end.
type Attack struct {
	Definition monitor.Definition
	// Outcome is empty where a fast machine is done in the time and a slow one is not.
	Outcome monitor.Outcome
	// Text is in the result's error.
	Text string
}

// Run holds a kind to the conduct that all kinds share, but for memory: that is for RunMemory. Its
// tests mostly wait, and do so side by side.
func Run(t *testing.T, s Subject) {
	run := func(name string, test func(*testing.T)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
	run("described", s.testDescription)
	run("options", s.testOptions)
	run("schema", s.testSchema)
	if s.Executor.Kind().Pushed {
		return // its target is for people, and nobody executes it
	}
	run("targets", s.testTargets)
	run("answer", s.testAnswer)
	run("deadline", s.testDeadline)
	if s.Network == "" {
		return
	}
	run("cancellation", s.testCancellation)
	run("policy", s.testPolicy)
	run("network", s.testNetwork)
	run("rude ways", s.testRudeWays)
	run("secrets", s.testSecrets)
}

// Engine returns an engine of the given executors that knows secret://token.
func Engine(t testing.TB, executors []executor.Executor, change ...func(*executor.Environment)) *executor.Engine {
	t.Helper()
	table, err := executor.NewTable(executors...)
	require.NoError(t, err)
	env := executor.Environment{Runner: "r1", Secrets: secrets.Source{Env: func(name string) (string, bool) {
		return Secret, name == "VEDETTE_SECRET_TOKEN"
	}}}
	for _, edit := range change {
		edit(&env)
	}
	return executor.NewEngine(table, env)
}

// Execution completes a definition with what an execution needs besides kind, target and options.
func Execution(d monitor.Definition) monitor.Execution {
	if d.ID == "" {
		d.ID, d.Service = "check", "service"
	}
	return monitor.Execution{Check: d.WithDefaults(), Location: "default", DueAt: time.Now(), Trigger: monitor.TriggerSchedule}
}

// Options encodes options.
func Options(t testing.TB, options any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(options)
	require.NoError(t, err)
	return raw
}

func (s Subject) engine(t *testing.T, change ...func(*executor.Environment)) *executor.Engine {
	t.Helper()
	return Engine(t, []executor.Executor{s.Executor}, change...)
}

// testAnswer looks at a result of a server that answers well: every variable that is described has
// a value of its type, and the times add up.
func (s Subject) testAnswer(t *testing.T) {
	d := s.Serve(t)
	for _, v := range s.Executor.Kind().Variables {
		d.Assertions = append(d.Assertions, typeCheck(t, v.Name, v.Type))
	}
	d.Timeout = monitor.Duration(5 * time.Second)
	r := s.engine(t).Execute(t.Context(), Execution(d))
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	require.Empty(t, r.Error)
	require.Equal(t, 1, r.Attempts)
	require.Positive(t, r.DurationMS)
	require.Less(t, r.DurationMS, 5000.0)
	require.NotEmpty(t, r.Observed)
	raw, err := json.Marshal(r)
	require.NoError(t, err)
	require.Less(t, len(raw), executor.MaxObserved+4<<10)
	if p := r.Timings; p != nil {
		sum := 0.0
		for _, phase := range []float64{p.DNS, p.Connect, p.TLS, p.FirstByte, p.Transfer} {
			require.GreaterOrEqual(t, phase, 0.0)
			sum += phase
		}
		require.LessOrEqual(t, sum, r.DurationMS+0.001, "the phases are parts of the whole: %+v", p)
		require.Positive(t, sum)
	}
	d.Assertions = nil
	r = s.engine(t).Execute(t.Context(), Execution(d))
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
}

// typeCheck is an assertion that a variable has a value of its type.
func typeCheck(t *testing.T, name, kind string) string {
	t.Helper()
	switch kind {
	case "int", "double", "string", "bool":
		return "type(" + name + ") == " + kind
	case "duration":
		return name + " > duration('0s') && " + name + " < duration('1h')"
	case "timestamp":
		return name + " > timestamp('2000-01-01T00:00:00Z')"
	case "list(string)":
		return name + ".all(item, type(item) == string)"
	case "map(string, string)":
		return name + ".all(key, type(key) == string && type(" + name + "[key]) == string)"
	case "map(string, double)":
		return name + ".all(key, type(key) == string && type(" + name + "[key]) == double)"
	case "map(string, dyn)":
		return name + ".all(key, type(key) == string)"
	case "dyn":
		return name + " == " + name
	}
	t.Fatalf("variable %s: the suite does not know how to look at a %s", name, kind)
	return ""
}

// testTargets: what is no target is refused by name when it is registered.
func (s Subject) testTargets(t *testing.T) {
	require.NotEmpty(t, s.BadTargets)
	good := s.Serve(t)
	for _, target := range s.BadTargets {
		d := good
		d.Target = target
		_, problems := s.Executor.Prepare(d)
		require.Len(t, problems, 1, "target %q: %v", target, problems)
		require.Equal(t, "target", problems[0].Field)
		require.Contains(t, problems[0].Message, "use ", "target %q: the message says the cure", target)
	}
	_, problems := s.Executor.Prepare(good)
	require.Empty(t, problems)
}

// testCancellation cancels once the server has been reached: the execution ends at once, and says
// nothing about the target.
func (s Subject) testCancellation(t *testing.T) {
	if s.Network == ICMP {
		s.testEndOfSlow(t)
		return
	}
	reached := make(chan struct{}, 1)
	address := s.peer(t, func(net.Conn) {
		select {
		case reached <- struct{}{}:
		default:
		}
	})
	d := s.At(address)
	d.Timeout, d.Interval = monitor.Duration(time.Minute), monitor.Duration(time.Hour)
	promptly(t, func() time.Duration {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan monitor.Result)
		go func() { done <- s.engine(t).Execute(ctx, Execution(d)) }()
		<-reached
		cancelled := time.Now()
		cancel()
		r := <-done
		require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
		require.Contains(t, r.Error, "cancelled")
		return time.Since(cancelled)
	})
}

// testEndOfSlow cancels what nobody can see the beginning of after a while.
func (s Subject) testEndOfSlow(t *testing.T) {
	d := s.Slow(t)
	d.Timeout, d.Interval = monitor.Duration(time.Minute), monitor.Duration(time.Hour)
	promptly(t, func() time.Duration {
		const after = 100 * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), after)
		defer cancel()
		begun := time.Now()
		r := s.engine(t).Execute(ctx, Execution(d))
		require.Equal(t, monitor.OutcomeError, r.Outcome, r.Error)
		require.Contains(t, r.Error, "cancelled")
		return time.Since(begun) - after
	})
}

// promptly fails unless one of some runs keeps within the margin: a machine busy with other tests
// may well hold up one of them, not all.
func promptly(t *testing.T, run func() (late time.Duration)) {
	t.Helper()
	const runs = 5
	var lateness []time.Duration
	for range runs {
		late := run()
		if late <= timeMargin {
			return
		}
		lateness = append(lateness, late)
	}
	t.Fatalf("late by %v; %s is allowed", lateness, timeMargin)
}
