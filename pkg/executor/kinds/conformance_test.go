package kinds_test

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
)

// The NATS server starts some things of the process and never ends them.
func TestMain(m *testing.M) {
	flag.Parse()
	// The tests wait more than they work.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"))
}

// subjects says of each kind what the conformance suite has to know.
func subjects() map[string]executortest.Subject {
	return map[string]executortest.Subject{
		"http":      httpSubject(),
		"json":      jsonSubject(),
		"metrics":   metricsSubject(),
		"dns":       dnsSubject(),
		"tcp":       tcpSubject(),
		"tls":       tlsSubject(),
		"udp":       udpSubject(),
		"ping":      pingSubject(),
		"grpc":      grpcSubject(),
		"nats":      natsSubject(),
		"heartbeat": heartbeatSubject(),
	}
}

// andThoseOfHTTP adds the hostile web servers to those of a kind that asks by HTTP: to it, each is a
// failure.
func andThoseOfHTTP(kind string, own map[string]func(*testing.T) executortest.Attack) map[string]func(*testing.T) executortest.Attack {
	for name, start := range hostileHTTP() {
		own["web: "+name] = func(t *testing.T) executortest.Attack {
			attack := start(t)
			attack.Definition.Kind, attack.Outcome = kind, monitor.OutcomeFailure
			return attack
		}
	}
	return own
}

func TestEveryKindConforms(t *testing.T) { //nolint:tparallel // each of them does, below
	t.Parallel()
	everyKind(t, func(t *testing.T, s executortest.Subject) {
		t.Parallel()
		executortest.Run(t, s)
	})
}

// TestEveryKindKeepsWithinItsMemory, alone: what others allocate meanwhile would count.
func TestEveryKindKeepsWithinItsMemory(t *testing.T) { everyKind(t, executortest.RunMemory) }

func everyKind(t *testing.T, run func(*testing.T, executortest.Subject)) {
	t.Helper()
	known := subjects()
	for _, e := range kinds.All() {
		name := e.Kind().Name
		t.Run(name, func(t *testing.T) {
			subject, ok := known[name]
			require.True(t, ok, "add the kind to subjects")
			if subject.Network == executortest.ICMP {
				mayPing(t)
			}
			subject.Executor = e
			run(t, subject)
		})
	}
}

func TestTableHasEveryKind(t *testing.T) {
	table, err := kinds.Table()
	require.NoError(t, err)
	require.Len(t, table.Kinds(), len(kinds.All()))
}
