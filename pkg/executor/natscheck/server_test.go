package natscheck_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/natscheck"
	"github.com/vedette/vedette/pkg/executor/secrets"
	"github.com/vedette/vedette/pkg/monitor"
)

// The server starts some things of the process and never ends them.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"))
}

// serve starts a NATS server and returns its address.
func serve(t *testing.T, options *server.Options) string {
	t.Helper()
	options.Host, options.Port, options.NoLog, options.NoSigs = "127.0.0.1", server.RANDOM_PORT, true, true
	if options.JetStream {
		options.StoreDir = t.TempDir()
	}
	s, err := server.NewServer(options)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	const patience = 10 * time.Second
	require.True(t, s.ReadyForConnections(patience))
	return s.Addr().String()
}

// filled starts a server that has a stream ORDERS of 10 messages, which takes 20 and refuses more, a
// consumer worker of it that has two of them delivered, and the buckets settings and old. Of users the
// first may do anything.
func filled(t *testing.T, users ...*server.User) string {
	t.Helper()
	address := serve(t, &server.Options{JetStream: true, ServerName: "n1", Users: users})
	var login []nats.Option
	if len(users) > 0 {
		login = append(login, nats.UserInfo(users[0].Username, users[0].Password))
	}
	nc, err := nats.Connect(address, login...)
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	ctx := t.Context()
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}, MaxMsgs: 20, Discard: jetstream.DiscardNew})
	require.NoError(t, err)
	for range 10 {
		_, err = js.Publish(ctx, "orders.new", []byte("an order"))
		require.NoError(t, err)
	}
	worker, err := js.CreateConsumer(ctx, "ORDERS", jetstream.ConsumerConfig{Durable: "worker", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 4})
	require.NoError(t, err)
	batch, err := worker.Fetch(2)
	require.NoError(t, err)
	for range batch.Messages() {
		continue
	}
	fillBucket(t, ctx, js)
	return address
}

func fillBucket(t *testing.T, ctx context.Context, js jetstream.JetStream) {
	t.Helper()
	bucket, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "settings"})
	require.NoError(t, err)
	_, err = bucket.Put(ctx, "mode", []byte("fast"))
	require.NoError(t, err)
	_, err = bucket.Put(ctx, "gone", []byte("x"))
	require.NoError(t, err)
	require.NoError(t, bucket.Delete(ctx, "gone"))
	_, err = bucket.Put(ctx, "big", make([]byte, 300<<10))
	require.NoError(t, err)
	direct, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "KV_old", Subjects: []string{"$KV.old.>"}, MaxMsgsPerSubject: 1, DenyDelete: true})
	require.NoError(t, err)
	require.False(t, direct.CachedInfo().Config.AllowDirect)
	for key, header := range map[string]nats.Header{"mode": nil, "gone": {"KV-Operation": {"PURGE"}}, "put": {"KV-Operation": {"PUT"}, "X": {"y"}}} {
		_, err = js.PublishMsg(ctx, &nats.Msg{Subject: "$KV.old." + key, Data: []byte("slow"), Header: header})
		require.NoError(t, err)
	}
}

// execute executes a check whose secrets are those given by name, as in VEDETTE_SECRET_<name>.
func execute(t *testing.T, known map[string]string, target string, options map[string]any, assertions ...string) monitor.Result {
	t.Helper()
	d := monitor.Definition{Kind: "nats", Target: target, Options: executortest.Options(t, options), Assertions: assertions, Timeout: monitor.Duration(5 * time.Second)}
	engine := executortest.Engine(t, []executor.Executor{natscheck.Executor{}}, func(env *executor.Environment) {
		env.Secrets = secrets.Source{Env: func(name string) (string, bool) {
			value, ok := known[name]
			return value, ok
		}}
	})
	return engine.Execute(t.Context(), executortest.Execution(d))
}
