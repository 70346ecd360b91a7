package kinds_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
)

// The NATS server starts some things of the process and never ends them.
func TestMain(m *testing.M) {
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

func TestEveryKindConforms(t *testing.T) {
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
			executortest.Run(t, subject)
		})
	}
}

func TestTableHasEveryKind(t *testing.T) {
	table, err := kinds.Table()
	require.NoError(t, err)
	require.Len(t, table.Kinds(), len(kinds.All()))
}
