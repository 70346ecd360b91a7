package natscheck_test

import (
	"fmt"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/monitor"
)

const patience = 30 * time.Second

// serveCluster starts three servers that know each other.
func serveCluster(t *testing.T) []*server.Server {
	t.Helper()
	const size = 3
	var routes []*url.URL
	ports := make([]int, size)
	for i := range ports {
		address := executortest.Closed(t, "tcp")
		_, port, err := net.SplitHostPort(address)
		require.NoError(t, err)
		_, err = fmt.Sscan(port, &ports[i])
		require.NoError(t, err)
		routes = append(routes, &url.URL{Scheme: "nats-route", Host: address})
	}
	servers := make([]*server.Server, size)
	for i := range servers {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprintf("n%d", i+1), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(),
			Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: ports[i]}, Routes: routes,
		})
		require.NoError(t, err)
		s.Start()
		t.Cleanup(func() {
			s.Shutdown()
			s.WaitForShutdown()
		})
		servers[i] = s
	}
	require.Eventually(t, func() bool {
		for _, s := range servers {
			if s.JetStreamIsLeader() {
				return true
			}
		}
		return false
	}, patience, 10*time.Millisecond)
	return servers
}

// eventually executes a check until it ends as wanted: clusters take their time.
func eventually(t *testing.T, address string, options map[string]any, outcome monitor.Outcome, text string) {
	t.Helper()
	var last monitor.Result
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		last = execute(t, nil, address, options, `cluster == "c"`)
		require.Equal(c, outcome, last.Outcome, last.Error)
		require.Regexp(c, text, last.Error)
	}, patience, 50*time.Millisecond)
}

func TestReplicasOfACluster(t *testing.T) {
	servers := serveCluster(t)
	nc, err := nats.Connect(servers[0].ClientURL())
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ORDERS", Replicas: 3})
		require.NoError(c, err)
	}, patience, 50*time.Millisecond)
	first := servers[0].Addr().String()
	wanted := map[string]any{"stream": "ORDERS", "min_replicas": 3}
	eventually(t, first, wanted, succeeds, `^$`)

	servers[2].Shutdown()
	eventually(t, first, map[string]any{"stream": "ORDERS"}, degrades, `^the replica of the stream ORDERS on n3 is (offline|not current)`)
	eventually(t, first, wanted, fails, "^the stream ORDERS has 2 current replicas, at least 3 are wanted$")
}

// What a cluster says of a stream is seldom as bad as this, and not for long.
func TestWhatAClusterSays(t *testing.T) {
	const greeting = "INFO {\"version\":\"2.11.0\",\"headers\":true}\r\n"
	said := func(stream, consumer string) string {
		return executortest.ServeNATS(t, greeting, func(_ map[string]any, subject, reply string) string {
			body := stream
			if subject == "$JS.API.CONSUMER.INFO.ORDERS.worker" {
				body = consumer
			}
			return fmt.Sprintf("MSG %s 1 %d\r\n%s\r\n", reply, len(body), body)
		})
	}
	good := `{"cluster":{"leader":"n1","replicas":[{"name":"n2","current":true},{"name":"n3","current":true}]}}`
	for name, tc := range map[string]struct {
		stream, consumer string
		outcome          monitor.Outcome
		text             string
	}{
		"good":                       {good, `{"cluster":{"leader":"n2"}}`, succeeds, ""},
		"says nothing":               {`{}`, `{}`, succeeds, ""},
		"nobody leads":               {`{"cluster":{"replicas":[{"name":"n2"}]}}`, good, fails, "the stream ORDERS has no leader"},
		"nobody leads the consumer":  {good, `{"cluster":{"leader":""}}`, fails, "the consumer worker has no leader"},
		"behind":                     {`{"cluster":{"leader":"n1","replicas":[{"name":"n2","current":true},{"name":"n3","lag":7}]}}`, good, degrades, "the replica of the stream ORDERS on n3 is not current, 7 behind"},
		"away":                       {`{"cluster":{"leader":"n1","replicas":[{"name":"n2","offline":true}]}}`, good, degrades, "the replica of the stream ORDERS on n2 is offline"},
		"delivers no more":           {good, `{"config":{"max_ack_pending":5},"num_ack_pending":5}`, degrades, "the consumer worker delivers no more: 5 messages are not acknowledged, of at most 5"},
		"delivers yet":               {good, `{"config":{"max_ack_pending":5},"num_ack_pending":4}`, succeeds, ""},
		"any number unacknowledged":  {good, `{"config":{"max_ack_pending":-1},"num_ack_pending":4}`, succeeds, ""},
		"another error":              {`{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}`, good, fails, "JetStream answered about the stream ORDERS: JetStream system temporarily unavailable (10008)"},
		"no JSON":                    {"oops", good, fails, "JetStream answered with what cannot be read"},
		"of another kind":            {`{"state":7}`, good, fails, "JetStream answered with what cannot be read"},
		"more replicas than are had": {`{"cluster":{"replicas":[` + repeated(`{}`, 101) + `]}}`, good, fails, "JetStream answered with what cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, nil, said(tc.stream, tc.consumer), map[string]any{"stream": "ORDERS", "consumer": "worker"})
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Equal(t, tc.text, r.Error)
		})
	}
}

func repeated(item string, times int) string {
	text := item
	for range times - 1 {
		text += "," + item
	}
	return text
}
