package check_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	appPassword    = "of-vedette"
	runnerPassword = "of-runners"
)

// natsConf reads deployments/nats.conf as `nats-server -t -c` does, unknown words being errors.
func natsConf(t *testing.T) (*server.Options, error) {
	t.Helper()
	options := &server.Options{CheckConfig: true}
	return options, options.ProcessConfigFile(filepath.Join(root, "deployments", "nats.conf"))
}

// natsServer runs a server by deployments/nats.conf, on another port and folder.
func natsServer(t *testing.T) *server.Server {
	t.Helper()
	t.Setenv("NATS_PASSWORD", appPassword)
	t.Setenv("NATS_RUNNER_PASSWORD", runnerPassword)
	options, err := natsConf(t)
	require.NoError(t, err)
	options.CheckConfig, options.NoSigs, options.NoLog = false, true, true
	options.Host, options.Port, options.HTTPPort = "127.0.0.1", server.RANDOM_PORT, 0
	options.StoreDir = t.TempDir()
	s, err := server.NewServer(options)
	require.NoError(t, err)
	go s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	require.True(t, s.ReadyForConnections(10*time.Second))
	return s
}

// vedette connects as the processes with full rights do.
func vedette(t *testing.T, s *server.Server) *jetstream.Bus {
	t.Helper()
	b, err := jetstream.Connect(t.Context(), jetstream.Config{
		Server: jetstream.Server{URL: s.ClientURL(), User: "vedette", Password: appPassword, Name: "vedette"},
	})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.EnsureTopology(t.Context()), "every stream fits the server's limits")
	return b
}

func TestTheServerSyncsBeforeItAcknowledges(t *testing.T) {
	t.Setenv("NATS_PASSWORD", appPassword)
	t.Setenv("NATS_RUNNER_PASSWORD", runnerPassword)
	options, err := natsConf(t)
	require.NoError(t, err)
	require.True(t, options.SyncAlways, "sync_interval: always")
	require.Equal(t, "127.0.0.1", options.HTTPHost, "monitoring is for this machine")
}

func TestTheServerAsksForItsPasswords(t *testing.T) {
	_, err := natsConf(t)
	require.ErrorContains(t, err, "NATS_PASSWORD")
	t.Setenv("NATS_PASSWORD", appPassword)
	_, err = natsConf(t)
	require.ErrorContains(t, err, "NATS_RUNNER_PASSWORD")
	for _, generated := range []string{"0123456789abcdef", "9e10aa", "1e5f", "deadbeef"} {
		t.Setenv("NATS_RUNNER_PASSWORD", generated)
		options, err := natsConf(t)
		require.NoError(t, err)
		for _, u := range options.Users {
			if u.Username == embedded.RunnerUser("default") {
				require.Equal(t, generated, u.Password, "as openssl writes it")
			}
		}
	}
}

func TestAPasswordIsAskedFor(t *testing.T) {
	s := natsServer(t)
	for user, password := range map[string]string{"": "", "vedette": runnerPassword, "runner-default": appPassword} {
		_, err := nats.Connect(s.ClientURL(), nats.UserInfo(user, password))
		require.ErrorIs(t, err, nats.ErrAuthorization, user)
	}
}

// A runner by this configuration can do all that a runner does.
func TestARunnerPullsAcknowledgesAndReports(t *testing.T) {
	s := natsServer(t)
	b := vedette(t, s)
	require.NoError(t, b.OpenLocation(t.Context(), "default"))
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	runner, err := jetstream.ConnectRunner(t.Context(), jetstream.RunnerConfig{
		Server:   jetstream.Server{URL: s.ClientURL(), User: embedded.RunnerUser("default"), Password: runnerPassword, Name: "runner"},
		Location: "default", APIPrefix: embedded.RunnerAPIPrefix, InboxPrefix: embedded.RunnerInboxPrefix, Log: log,
	})
	require.NoError(t, err)
	t.Cleanup(runner.Close)

	_, err = runner.Pull(t.Context(), 100*time.Millisecond)
	require.ErrorIs(t, err, bus.ErrNothing)
	batch := monitor.ExecuteChecks{Location: "default"}
	require.NoError(t, b.Dispatch(t.Context(), "first", batch))
	delivery, err := runner.Pull(t.Context(), 5*time.Second)
	require.NoError(t, err)
	require.Equal(t, "default", delivery.Batch().Location)
	require.NoError(t, delivery.KeepAlive())
	require.NoError(t, delivery.Ack(t.Context()))
	_, err = runner.Pull(t.Context(), 100*time.Millisecond)
	require.ErrorIs(t, err, bus.ErrNothing, "acknowledged")

	reports := make(chan bus.Report, 1)
	stop := serve(t, b, reports)
	require.Eventually(t, func() bool {
		return runner.Deliver(t.Context(), "default", bus.Report{Runner: monitor.Runner{ID: "r1"}}) == nil
	}, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, "r1", (<-reports).Runner.ID)
	foreign, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.ErrorIs(t, runner.Deliver(foreign, "eu", bus.Report{}), context.DeadlineExceeded, "a report in another location's name")
	stop()
}

// Whatever else a runner's user asks for or listens to, the server denies.
func TestNothingElsePassesFromARunner(t *testing.T) {
	s := natsServer(t)
	b := vedette(t, s)
	require.NoError(t, b.OpenLocation(t.Context(), "default"))
	require.NoError(t, b.OpenLocation(t.Context(), "eu"))
	denied := make(chan error, 100)
	conn, err := nats.Connect(s.ClientURL(), nats.UserInfo(embedded.RunnerUser("default"), runnerPassword),
		nats.CustomInboxPrefix(embedded.RunnerInboxPrefix),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied <- err }))
	require.NoError(t, err)
	t.Cleanup(conn.Close)

	requireDenied := func(subject string) {
		t.Helper()
		require.NoError(t, conn.Flush())
		select {
		case err := <-denied:
			require.ErrorIs(t, err, nats.ErrPermissionViolation)
			require.Contains(t, strings.ToLower(err.Error()), strings.ToLower(subject))
		case <-time.After(5 * time.Second):
			require.Fail(t, "not denied", subject)
		}
	}
	for _, subject := range publishDenied() {
		require.NoError(t, conn.Publish(subject, nil))
		requireDenied(subject)
	}
	for _, subject := range []string{">", "_INBOX.>", "vedette.>", "vedette.event.>", "vedette.live.>", "vedette.ingest.default", "$JS.EVENT.>", "$SYS.>", "$KV.>"} {
		subscription, err := conn.SubscribeSync(subject)
		require.NoError(t, err)
		requireDenied(subject)
		if err := subscription.Unsubscribe(); !errors.Is(err, nats.ErrBadSubscription) {
			require.NoError(t, err)
		}
	}
	require.NoError(t, b.Probe(t.Context()), "every stream is as it was")
}

func publishDenied() []string {
	var subjects []string
	for _, api := range []string{"$JS.API.", "JSAPP.API."} {
		for _, request := range []string{
			"INFO", "STREAM.NAMES", "STREAM.CREATE.X", "STREAM.DELETE.EVENTS", "STREAM.PURGE.RESULTS", "STREAM.MSG.GET.EVENTS",
			"STREAM.MSG.DELETE.EVENTS", "DIRECT.GET.EVENTS", "CONSUMER.CREATE.EVENTS", "CONSUMER.DELETE.EXECUTIONS.x-default",
			"CONSUMER.MSG.NEXT.EXECUTIONS.x-eu", "CONSUMER.INFO.EXECUTIONS.x-eu",
		} {
			subjects = append(subjects, api+request)
		}
	}
	return append(subjects, "$JS.ACK.EXECUTIONS.x-eu.1.1.1.1.1", "$JS.ACK.EVENTS.x.1.1.1.1.1", "vedette.ingest.eu",
		"vedette.event.check.home.registered", "vedette.command.check.home.register", "vedette.execute.default",
		"vedette.result.default", "vedette.live.event.x", "$KV.vedette_checks.home", "$KV.vedette_leases.scheduler")
}

// serve takes every report as a gate does, and shows the first, until stop is called.
func serve(t *testing.T, b *jetstream.Bus, reports chan<- bus.Report) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- b.ServeIngest(ctx, func(_ context.Context, _ string, r bus.Report) error {
			select {
			case reports <- r:
			default:
			}
			return nil
		})
	}()
	return func() {
		cancel()
		require.NoError(t, <-ended)
	}
}
