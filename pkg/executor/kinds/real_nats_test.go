package kinds_test

import (
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/executortest/debian"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
)

// TestRealNATS asks a server as it is packaged, which is some years older than the one in this program.
func TestRealNATS(t *testing.T) { eachVersion(t, testRealNATS) }

func testRealNATS(t *testing.T, host string) {
	program := debian.Program(t, "nats-server", "nats-server")
	folder := t.TempDir()
	certificate, authority := executortest.Certificate(t)
	for name, text := range map[string]string{"certificate.pem": authority, "key.pem": keyPEM(t, certificate.PrivateKey)} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	port := strconv.Itoa(freePort(t))
	address := net.JoinHostPort(host, port)
	var nc *nats.Conn
	debian.Start(t, func() (ready bool) {
		var err error
		nc, err = nats.Connect("tls://"+address, nats.UserInfo("vedette", "t0ken"), nats.RootCAs(filepath.Join(folder, "certificate.pem")))
		return err == nil
	}, program, "-a", host, "-p", port, "-n", "packaged", "-js", "-sd", folder, "--user", "vedette", "--pass", "t0ken",
		"--tls", "--tlscert", filepath.Join(folder, "certificate.pem"), "--tlskey", filepath.Join(folder, "key.pem"))
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}})
	require.NoError(t, err)
	_, err = js.CreateConsumer(t.Context(), "ORDERS", jetstream.ConsumerConfig{Durable: "worker", AckPolicy: jetstream.AckExplicitPolicy})
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), "orders.new", []byte("an order"))
	require.NoError(t, err)
	bucket, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "jobs"})
	require.NoError(t, err)
	_, err = bucket.Put(t.Context(), "nightly", []byte("done"))
	require.NoError(t, err)

	execute := func(more map[string]any, assertions ...string) monitor.Result {
		options := map[string]any{"user": "vedette", "password": "secret://password", "tls": map[string]any{"mode": "required", "ca": authority}}
		maps.Copy(options, more)
		return executortest.Engine(t, kinds.All(), func(env *executor.Environment) {
			env.Secrets.Env = func(name string) (string, bool) { return "t0ken", name == "VEDETTE_SECRET_PASSWORD" }
		}).Execute(t.Context(), executortest.Execution(monitor.Definition{
			Kind: "nats", Target: address, Options: executortest.Options(t, options), Assertions: assertions, Timeout: monitor.Duration(10 * time.Second),
		}))
	}
	r := execute(map[string]any{"jetstream": true, "stream": "ORDERS", "consumer": "worker", "bucket": "jobs", "key": "nightly"},
		`server == "packaged" && version.startsWith("2.") && jetstream && tls_version == "TLS 1.3"`, "account.streams == 2 && account.max_storage == -1",
		"messages == 1 && replicas == 1 && pending == 1 && ack_pending == 0", `value == "done" && revision == 1`)
	require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	for text, options := range map[string]map[string]any{
		"there is no stream GONE":                     {"stream": "GONE"},
		"the stream ORDERS has no consumer gone":      {"stream": "ORDERS", "consumer": "gone"},
		"the bucket jobs has no key weekly":           {"bucket": "jobs", "key": "weekly"},
		"there is no bucket none":                     {"bucket": "none", "key": "a"},
		"the server refused: Authorization Violation": {"user": "nobody"},
	} {
		r = execute(options)
		require.Equal(t, monitor.OutcomeFailure, r.Outcome, text)
		require.Equal(t, text, r.Error)
	}
}
